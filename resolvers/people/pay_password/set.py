"""Setting the pay password: the first one, a change by the present one, a reset by the phone number."""

from resolvers.app import App
from resolvers.errors import TryAgain
from resolvers.mongo import Session
from resolvers.people.model import CodeAlreadyUsed, SignedIn
from resolvers.people.pay_password.check import guess
from resolvers.people.pay_password.model import (
    PayPassword,
    PayPasswordInvalid,
    PayPasswordLocked,
    PayPasswordRequired,
    PayPasswordWrong,
    PhoneMismatch,
    is_six_digits,
    is_trivial,
)
from resolvers.people.phone import confirmed_number

CURRENT = ("input", "currentPassword")
NEW = ("input", "newPassword")
PHONE = ("input", "phoneCode")


async def set_pay_password(
    app: App, person: SignedIn, new: str, current: str | None = None, phone_code: str | None = None
) -> None:
    """Set the customer's pay password. The first one needs nothing else; a later one the present one or a phone code.

    With both, the present one decides and the code is not touched. Only a reset by phone is followed by a wait.

    To set the password that it already is succeeds, so that a call whose answer got lost can be sent again. To find
    that out is to guess, so it is counted like every guess and handed back when it was right: without a proof, or with
    a wrong present password, only shortly after a change, else nothing is compared and nothing counted; with a phone
    code only when it is the very code of the last reset. A locked password is not compared.

    Raises PayPasswordInvalid, PayPasswordRequired, PayPasswordWrong, PayPasswordLocked, PhoneMismatch, CodeInvalid,
    CodeAlreadyUsed, PlatformUnavailable, TryAgain.
    """
    customer = await app.people.customer(person.customer_id)
    phone = customer.phone if customer else None
    _require_good(new, phone)
    stored = await app.pay_passwords.pay_password(person.customer_id)
    if stored is None:
        stored = await _set_first(app, person, await app.vault.hash_password(new))
        if stored is None:
            return
    if current:
        await _change(app, stored, new, current)
    elif phone_code:
        await _reset(app, person, stored, new, phone_code, phone)
    else:
        await _keep(app, stored, new)


async def _set_first(app: App, person: SignedIn, new_hash: str) -> PayPassword | None:
    """Set it, unless there is one by now, which it answers: another call was first, or the account was joined.

    The customer is written too: a join, in which passwords become one, comes before this or after it.
    """

    async def body(session: Session) -> PayPassword | None:
        owner = await app.people.customer_now(person.customer_id, session)
        owner_id = owner.id if owner is not None else person.customer_id
        await app.joining.touch(session, (owner_id,))
        found = await app.pay_passwords.pay_password(owner_id, session)
        if found is None:
            await app.pay_passwords.insert_first(session, PayPassword(owner_id, new_hash, 1, app.clock.now()))
        return found

    return await app.connection.transaction(body)


async def _change(app: App, stored: PayPassword, new: str, current: str) -> None:
    try:
        known = await guess(app, stored.id, current, CURRENT)
    except PayPasswordWrong:
        if stored.changed_lately(app.clock.now()) and await _is_it(app, stored.id, new):
            return
        raise
    if new == current:
        return
    new_hash = await app.vault.hash_password(new)
    if not await app.pay_passwords.change(stored.id, known.generation, new_hash, app.clock.now()):
        raise TryAgain


async def _reset(app: App, person: SignedIn, stored: PayPassword, new: str, phone_code: str, phone: str | None) -> None:
    """A number that is on file must be the one that is confirmed; without one the platform's word is enough."""
    code = app.vault.mac("phone_code", phone_code)
    if code == stored.reset_code:
        if await _is_it(app, stored.id, new):
            return
        raise CodeAlreadyUsed("请重新获取手机号", field=PHONE)
    confirmed = await confirmed_number(app, person, phone_code, PHONE)
    if phone is not None and confirmed != phone:
        raise PhoneMismatch(field=PHONE)
    _require_good(new, confirmed)
    if not await app.pay_passwords.reset(stored.id, await app.vault.hash_password(new), code, app.clock.now()):
        raise TryAgain
    await app.joining.confirm_again(confirmed, person.ids, app.clock.now())


async def _keep(app: App, stored: PayPassword, new: str) -> None:
    if not stored.changed_lately(app.clock.now()):  # no copy of the call that set it can still be on its way
        raise PayPasswordRequired("请输入当前支付密码", field=CURRENT)
    try:
        await guess(app, stored.id, new, NEW)
    except PayPasswordWrong as error:
        raise PayPasswordRequired("请输入当前支付密码", field=CURRENT, retry_at=error.retry_at) from error


async def _is_it(app: App, customer_id: str, new: str) -> bool:
    """Whether the password is the new one already; one more guess."""
    try:
        await guess(app, customer_id, new, NEW)
    except (PayPasswordWrong, PayPasswordLocked):
        return False
    return True


def _require_good(new: str, phone: str | None) -> None:
    if not is_six_digits(new) or is_trivial(new, phone):
        raise PayPasswordInvalid(field=NEW)
