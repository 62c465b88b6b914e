"""Customers, sessions, memberships and staff: values and rules."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.errors import Refused
from resolvers.ports import Platform
from resolvers.work.model import Actor, ActorKind

REFRESH_LIFE = timedelta(days=30)
REFRESH_GRACE = timedelta(seconds=10)  # a phone that lost the answer asks again with the token it still has
MAXIMUM_TOKEN = 200  # characters; ours have about 80
FULL_LOCK_AFTER = 20  # wrong passwords in a row, after which every further one locks for FULL_LOCK
FULL_LOCK = timedelta(hours=24)


class CodeInvalid(Refused):
    """The sign-in code is unknown or expired."""

    code = "CODE_INVALID"
    message = "登录凭证无效，请重新登录"


class CodeAlreadyUsed(Refused):
    """The sign-in code was used before."""

    code = "CODE_USED"
    message = "登录凭证已使用，请重新登录"


class AccountBlocked(Refused):
    """The platform or Kabao has blocked this person."""

    code = "ACCOUNT_BLOCKED"
    message = "账号暂时无法使用"


class UnknownApp(Refused):
    """No mini-program of ours has this app id on this platform."""

    code = "UNKNOWN_APP"
    message = "不支持的小程序"


class RefreshInvalid(Refused):
    """The refresh token is unknown, expired, ended, or was used before (which ends its whole family)."""

    code = "REFRESH_INVALID"
    message = "登录已失效，请重新登录"


class SignInFailed(Refused):
    """Username or password is wrong; which of the two is not told."""

    code = "SIGN_IN_FAILED"
    message = "用户名或密码错误"


class Locked(Refused):
    """Too many wrong passwords; `retry_at` says when the next try is let through."""

    code = "LOCKED"
    message = "尝试次数过多，请稍后再试"


class NotAllowed(Refused):
    """This role, or this member of staff at this store, may not do that."""

    code = "NOT_ALLOWED"
    message = "没有权限"


class NotEnoughPoints(Refused):
    """The member has fewer points than it costs; the message says how many are missing."""

    code = "NOT_ENOUGH_POINTS"
    message = "积分不足"


@dataclass(frozen=True, slots=True)
class Identity:
    """One openid of a customer."""

    platform: Platform
    app_id: str
    openid: str


@dataclass(frozen=True, slots=True)
class Customer:
    """A person, whatever app they come from. `sequence` is the number of the newest wallet event.

    Accounts that turned out to be one person's are joined: the one that goes on has the ids of the others in `also`,
    each of these says in `joined_into` which one that is. What belonged to them keeps the id it had.
    """

    id: str
    identities: tuple[Identity, ...]
    sequence: int
    created_at: datetime
    nickname: str | None = None
    avatar_url: str | None = None
    phone: str | None = None
    blocked: bool = False
    wants: tuple[str, ...] = ()  # of which events they have agreed to be told by a message (MessageEvent)
    also: tuple[str, ...] = ()
    joined_into: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The id that is shown, then those of the accounts that were joined into it."""
        return (self.id, *self.also)

    def identity_for(self, platform: Platform, app_id: str) -> Identity | None:
        """The identity under which this customer uses an app."""
        return next((each for each in self.identities if (each.platform, each.app_id) == (platform, app_id)), None)


@dataclass(frozen=True, slots=True)
class Membership:
    """A customer's place in a brand's club.

    `points` can be spent; `points_debt` is what was taken back after it had been spent, settled from the next earnings.
    `growth` is what its completed orders have earned by now, a point for each whole yuan of money that was paid and not
    refunded; spending points leaves it alone. `level` is the id of the highest level reached with it, so that a refund
    can lower it again; it was found when the growth last changed. `merged_into` names the membership that goes on where
    joined accounts had two of one brand: only the number is still this one's.
    """

    id: str
    customer_id: str
    brand_id: str
    number: str
    level: str
    joined_at: datetime
    points: int = 0
    points_debt: int = 0
    points_rows: int = 0
    growth: int = 0
    revision: int = 1
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class PointsEntry:
    """One line of a member's points statement: signed change and the points after it."""

    id: str
    membership_id: str
    number: int
    change: int
    balance_after: int
    memo: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The customer behind a request: who, on which session, in which app.

    Whose a thing is, is judged by `owns` and `among` and by lists over `ids`, never by comparing with `customer_id`:
    `also` has the ids of accounts that were joined into this one, and things keep the id they had. Both are read when
    the request begins, which is enough for writes, too: ids are only ever added, so whatever was one's own then still
    is. What is new is written under `customer_id`; who looks up by an id that may have been joined meanwhile
    (memberships, limits, events) asks for its survivor inside the transaction.
    """

    customer_id: str
    session_id: str
    platform: Platform
    app_id: str
    also: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The customer's id, then those of the accounts that were joined into it."""
        return (self.customer_id, *self.also)

    @property
    def actor(self) -> Actor:
        """Whom a verb acts for."""
        return Actor(ActorKind.CUSTOMER, self.customer_id, self.also)

    def owns(self, customer_id: str) -> bool:
        """Whether what belongs to this customer id is theirs."""
        return customer_id == self.customer_id or customer_id in self.also

    def among(self, customer_ids: Iterable[str]) -> bool:
        """Whether one of these customer ids is theirs."""
        return any(self.owns(each) for each in customer_ids)


class Audience(StrEnum):
    """Whom a session is for: customers and staff never share tokens."""

    CUSTOMER = "customer"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in device: a family of refresh tokens of which only the newest generation is good.

    Since `joined_at` its account belongs to another: no more tokens are given out for it;
    those that are out last their time.
    """

    id: str
    audience: Audience
    owner_id: str
    generation: int
    rotated_at: datetime
    expires_at: datetime
    platform: Platform | None = None
    app_id: str | None = None
    device_id: str | None = None
    ended_at: datetime | None = None
    joined_at: datetime | None = None


class Role(StrEnum):
    """What a member of staff may do; each role may do all that the ones after it may."""

    OWNER = "OWNER"
    MANAGER = "MANAGER"
    CASHIER = "CASHIER"


_RANK = {Role.CASHIER: 0, Role.MANAGER: 1, Role.OWNER: 2}


@dataclass(frozen=True, slots=True)
class Staff:
    """A member of staff of one brand. An empty `store_ids` of an owner stands for every store."""

    id: str
    username: str
    name: str
    brand_id: str
    role: Role
    store_ids: tuple[str, ...]
    password_hash: str = field(repr=False)
    active: bool = True
    wrong_tries: int = 0
    locked_until: datetime | None = None

    def require(self, role: Role, store_id: str | None = None) -> None:
        """Raise NotAllowed unless the role is at least this one and the store is one of theirs."""
        if _RANK[self.role] < _RANK[role]:
            raise NotAllowed
        if store_id is not None and not self.works_at(store_id):
            raise NotAllowed("不是您所在的门店")

    def works_at(self, store_id: str) -> bool:
        """Whether the store is one of theirs. The brand is checked where the store is read."""
        return self.role is Role.OWNER or store_id in self.store_ids


def lock_schedule(now: datetime) -> list[tuple[int, datetime]]:
    """After how many wrong tries, until when: 5 → 1 min, 10 → 10 min, 15 → 1 h. From FULL_LOCK_AFTER on each locks."""
    return [(count, now + timedelta(minutes=minutes)) for count, minutes in ((5, 1), (10, 10), (15, 60))]


def refresh_token(key: bytes, session_id: str, generation: int) -> str:
    """The refresh token of a generation: derived, so that it can be answered again within the grace, never stored."""
    mac = hmac.new(key, f"{session_id}.{generation}".encode(), hashlib.sha256).hexdigest()[:40]
    return f"{session_id}.{generation}.{mac}"


def read_refresh_token(key: bytes, token: str) -> tuple[str, int]:
    """(session id, generation) of a token of ours. Raises RefreshInvalid for any other text."""
    session_id, _, rest = token[: MAXIMUM_TOKEN + 1].partition(".")
    number, _, _ = rest.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) < 10 and len(token) <= MAXIMUM_TOKEN):
        raise RefreshInvalid
    expected = refresh_token(key, session_id, int(number))
    if not hmac.compare_digest(expected.encode(), token.encode()):
        raise RefreshInvalid
    return session_id, int(number)


def masked_phone(phone: str | None) -> str | None:
    """`13800000000` → `138****0000`."""
    return f"{phone[:3]}****{phone[-4:]}" if phone else None
