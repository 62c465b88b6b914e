"""What becomes of two accounts with one phone number, join codes, and the refusals.

The number is confirmed by the chat platform, and the account that had it before is the one that goes on. But carriers
give numbers out again, in China after 90 days: a number that the platform has confirmed for an account within the last
60 is still its owner's, of one that it has not nobody can tell. That the account is used says nothing of its number.

| proof from the other account | confirmed lately   | both hold value | what happens                                 |
|------------------------------|--------------------|-----------------|----------------------------------------------|
| given and right              | any                | any             | joined                                     |
| given and wrong              | any                | any             | PROOF_INVALID or PAY_PASSWORD_LOCKED       |
| none                         | yes                | yes             | PHONE_TAKEN                                |
| none                         | yes                | no              | joined                                     |
| none                         | no                 | any             | the number moves to the caller, and it alone |

Whatever is proved, two accounts of one app are never joined, for one can sign in there as only one of them:
PHONE_TAKEN, or the number moves as above. A blocked account keeps its number: PHONE_TAKEN.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.errors import Refused
from resolvers.people.model import Customer

LATELY = timedelta(days=60)  # a number is given out again 90 days after it was given up, at the earliest
CODE_LIFE = timedelta(minutes=10)
CODE_LENGTH = 8
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is easily taken for something else
WRONG_TRIES = 5  # at one join code, by anybody; then it is dead
MAXIMUM_PROOFS = 10  # wrong ones of one caller within PROOF_WINDOW, whoever they are for
PROOF_WINDOW = timedelta(hours=1)
CONFIRMED_LIFE = timedelta(minutes=5)  # for which a code that the platform has confirmed needs not be confirmed again
MAXIMUM_ALSO = 20  # accounts in one; a person has one per app
MAXIMUM_PROOF = 64  # characters


class PhoneTaken(Refused):
    """The number belongs to another account, and nothing shows that it is the caller's own."""

    code = "PHONE_TAKEN"
    message = "该手机号已绑定其他账号；若是您本人的账号，请输入其支付密码或合并码"


class ProofInvalid(Refused):
    """The proof is neither the other account's pay password nor a join code that is shown in it."""

    code = "PROOF_INVALID"
    message = "支付密码或合并码不正确"


class Outcome(StrEnum):
    """What becomes of the two accounts."""

    JOIN = "JOIN"
    MOVE = "MOVE"


@dataclass(frozen=True, slots=True)
class JoinCode:
    """A code that is shown in one account and typed in another; `id` is the customer's: one at a time, used once."""

    id: str
    mac: str = field(repr=False)
    expires_at: datetime
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown of the other account: its pay password of this generation, or its join code."""

    customer_id: str
    generation: int | None = None
    code_mac: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """What both logs say of a join; `id` is the account that went into the other one."""

    id: str


def outcome(proved: bool, lately: bool, both_have: bool) -> Outcome:
    """What the table says. Raises PhoneTaken."""
    if proved:
        return Outcome.JOIN
    if not lately:
        return Outcome.MOVE
    if both_have:
        raise PhoneTaken(field=("input", "proof"))
    return Outcome.JOIN


def check_joinable(other: Customer, caller: Customer, lately: bool) -> None:
    """Refuse what no proof allows, where the number does not just move. Raises PhoneTaken."""
    if lately and one_app(other, caller):
        raise PhoneTaken("该手机号已绑定同一应用的另一个账号", field=("input", "code"))
    if other.blocked or len(other.also) + len(caller.ids) > MAXIMUM_ALSO:
        raise PhoneTaken("该手机号已绑定其他账号，无法合并", field=("input", "code"))


def one_app(other: Customer, caller: Customer) -> bool:
    """Whether both sign in by one app."""
    apps = {(each.platform, each.app_id) for each in other.identities}
    return not apps.isdisjoint((each.platform, each.app_id) for each in caller.identities)


def new_join_code() -> str:
    """Eight characters: a million million possibilities, of which five may be tried."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def typed(proof: str) -> str:
    """A proof as it was meant: without blanks and dashes, in capitals."""
    return "".join(proof.split()).replace("-", "").upper()
