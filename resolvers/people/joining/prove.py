"""Proofs that another account is one's own: its pay password, or a join code that is shown in it."""

import hmac

from resolvers.app import App
from resolvers.errors import RateLimited
from resolvers.people.joining.model import (
    MAXIMUM_PROOF,
    PROOF_WINDOW,
    Proof,
    ProofInvalid,
    typed,
)
from resolvers.people.model import Customer
from resolvers.people.pay_password.check import guess
from resolvers.people.pay_password.model import PayPasswordWrong, is_six_digits
from resolvers.work.unit import Work

FIELD = ("input", "proof")


async def proved(app: App, caller: Customer, other: Customer, given: str) -> Proof:
    """Compare a proof with the other account's: six digits with its pay password, anything else with its join code.

    Counted before it is compared: for the caller, whoever it is for; and at the password, which locks as for anybody
    who guesses at it, or at the code, which dies. Raises ProofInvalid, PayPasswordLocked, RateLimited.
    """
    until = await app.joining.count_proof(caller.id, app.clock.now(), PROOF_WINDOW)
    if until is not None:
        raise RateLimited("Too many proofs that did not hold.", retry_at=until)
    proof = await _by_password(app, other, given) if is_six_digits(given) else await _by_code(app, other, given)
    await app.joining.forget_proofs(caller.id)
    return proof


async def _by_password(app: App, other: Customer, given: str) -> Proof:
    if await app.pay_passwords.pay_password(other.id) is None:
        raise ProofInvalid(field=FIELD)
    try:
        return Proof(other.id, generation=(await guess(app, other.id, given, FIELD)).generation)
    except PayPasswordWrong as error:
        raise ProofInvalid(field=FIELD, retry_at=error.retry_at) from error


async def _by_code(app: App, other: Customer, given: str) -> Proof:
    mac = app.vault.mac("join_code", typed(given[:MAXIMUM_PROOF]))
    code = await app.joining.try_code(other.id, app.clock.now())
    if code is None or not hmac.compare_digest(code.mac, mac):
        raise ProofInvalid(field=FIELD)
    return Proof(other.id, code_mac=mac)


async def uphold_proof(app: App, work: Work, proof: Proof | None, other: Customer) -> bool:
    """Whether there is a proof, checked again inside the transaction; a join code is used up. Raises ProofInvalid."""
    if proof is None:
        return False
    if proof.code_mac is not None:
        held = await app.joining.use_code(work.session, other.id, proof.code_mac, work.now)
    else:
        stored = await app.pay_passwords.pay_password(other.id, work.session)
        held = stored is not None and stored.generation == proof.generation
    if not held or proof.customer_id != other.id:
        raise ProofInvalid(field=FIELD)
    return True
