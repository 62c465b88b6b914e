"""Binding a phone number: free numbers become the caller's, another account's may make the two one."""

from dataclasses import dataclass, replace

from resolvers.app import App
from resolvers.errors import NotFound
from resolvers.people.joining.join import contend, join_accounts
from resolvers.people.joining.model import CONFIRMED_LIFE, LATELY, Outcome, Proof, check_joinable, one_app, outcome
from resolvers.people.joining.prove import proved, uphold_proof
from resolvers.people.joining.value import holds_value
from resolvers.people.model import Audience, CodeAlreadyUsed, CodeInvalid, Customer, SignedIn
from resolvers.people.phone import confirmed_number
from resolvers.people.sign_in import Signed, open_session
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

CODE = ("input", "code")


@dataclass(frozen=True, slots=True)
class Bound:
    """A new session, of whoever the caller is now, and how many accounts this call has joined: none or one."""

    signed: Signed
    merged: int


async def bind_phone(app: App, person: SignedIn, code: str, proof: str | None, key: str) -> Bound:
    """Bind the number behind a code of the phone-number button, and join the account that has it (see the model).

    Asked again under the same key, by either account, the same, with another new session; with a number that is the
    caller's already, nothing changes. A code whose answer was a refusal may be brought again for five minutes. Raises
    PhoneTaken, ProofInvalid, PayPasswordLocked, CodeInvalid, CodeAlreadyUsed, PlatformUnavailable,
    IdempotencyKeyReused, RateLimited.
    """
    call = Call("bindPhone", person.actor, key)
    async with app.work.alone(call):
        done = await app.work.answered(call)
        if done is None:
            done = await _bind(app, person, code, proof, call)
    owner = await app.people.customer_now(done["customer"])
    if owner is None:
        raise NotFound
    signed = await open_session(app, Audience.CUSTOMER, owner.id, person.platform, person.app_id)
    return Bound(signed, int(done["merged"]))


async def _bind(app: App, person: SignedIn, code: str, proof: str | None, call: Call) -> Ids:
    code_mac = app.vault.mac("phone_code", code)
    number = await _number(app, person, code, code_mac)
    caller = await _customer(app, person.customer_id)
    owner_id = await app.joining.owner_of(number)
    other = await _customer(app, owner_id) if owner_id is not None else caller
    shown: Proof | None = None
    if other.id != caller.id:
        check_joinable(other, caller, await _confirmed_lately(app, other))
        shown = await proved(app, caller, other, proof) if proof else None

    async def steps(work: Work) -> Ids:
        await app.joining.use_confirmed(work.session, code_mac)
        return await _apply(app, work, person.customer_id, number, shown)

    return await app.work.run(replace(call, contends=(caller.id, other.id)), steps)


async def _number(app: App, person: SignedIn, code: str, code_mac: str) -> str:
    """The number behind a code. The platform tells it once, so it is kept until it has bound something."""
    known = await app.joining.confirmed(code_mac, person.ids, app.clock.now())
    if known is not None:
        return known
    try:
        number = await confirmed_number(app, person, code, CODE)
    except (CodeAlreadyUsed, CodeInvalid):  # used: perhaps by a copy of this call, on another process
        known = await app.joining.confirmed(code_mac, person.ids, app.clock.now())
        if known is None:
            raise
        return known
    await app.joining.keep_confirmed(code_mac, person.customer_id, number, app.clock.now() + CONFIRMED_LIFE)
    return number


async def _apply(app: App, work: Work, caller_id: str, number: str, shown: Proof | None) -> Ids:
    """What the table in the model says, as things are inside the transaction. Raises PhoneTaken, ProofInvalid."""
    caller = await _customer(app, caller_id, work)
    owner_id = await app.joining.owner_of(number, work.session)
    other = await _customer(app, owner_id, work) if owner_id is not None else caller
    if other.id == caller.id:
        await app.joining.touch(work.session, (caller.id,))
        await app.joining.give_number(work.session, number, caller, work.now)
        return {"customer": caller.id, "merged": "0"}
    lately = await _confirmed_lately(app, other, work)
    check_joinable(other, caller, lately)
    await contend(app, work, other, caller)
    has_proof = await uphold_proof(app, work, shown, other)
    if one_app(other, caller):
        has_proof = False  # which it cannot help: the number has moved on
    both = await holds_value(app, other, work.session) and await holds_value(app, caller, work.session)
    if outcome(has_proof, lately, both) is Outcome.MOVE:
        await app.joining.take_number(work.session, other.id)
        await app.joining.give_number(work.session, number, caller, work.now)
        return {"customer": caller.id, "merged": "0"}
    await join_accounts(app, work, other, caller)
    await app.joining.give_number(work.session, number, other, work.now)
    return {"customer": other.id, "merged": "1"}


async def _confirmed_lately(app: App, other: Customer, work: Work | None = None) -> bool:
    """Whether the platform has confirmed the number for the other account within the last two months."""
    since = (work.now if work else app.clock.now()) - LATELY
    return await app.joining.confirmed_since(other.ids, since, work.session if work else None)


async def _customer(app: App, customer_id: str, work: Work | None = None) -> Customer:
    found = await app.people.customer_now(customer_id, work.session if work else None)
    if found is None:
        raise LookupError(f"no customer {customer_id}")
    return found
