"""Guessing at the pay password, and proving it: before a call's transaction, and again inside."""

from datetime import datetime

from resolvers.app import App
from resolvers.brands.model import BrandSettings
from resolvers.errors import TryAgain
from resolvers.people.model import FULL_LOCK_AFTER
from resolvers.people.pay_password.model import (
    PayPassword,
    PayPasswordLocked,
    PayPasswordRequired,
    PayPasswordWrong,
    Proof,
    is_six_digits,
    tries_left,
)
from resolvers.work.unit import Work

FIELD = ("input", "payPassword")


async def guess(app: App, customer_id: str, given: str, field: tuple[str, ...] = FIELD) -> PayPassword:
    """Compare a guess with the customer's pay password, as one more try that is counted before it is compared.

    A customer's guesses come one after the other within a process: however many right ones are sent at once, each is
    handed back before the next is counted, so that they lock nobody out. Raises PayPasswordWrong (with retry_at when
    this guess was the one too many), PayPasswordLocked.
    """
    async with app.pay_passwords.turns.turn([customer_id]):
        counted = await app.pay_passwords.count_guess(customer_id, app.clock.now())
        if counted is None:
            locked = await app.pay_passwords.pay_password(customer_id)
            raise PayPasswordLocked(field=field, retry_at=locked.locked_until if locked else None)
        if not is_six_digits(given) or not await app.vault.password_matches(counted.hash, given):
            left = tries_left(counted.wrong_tries, FULL_LOCK_AFTER)
            text = f"支付密码错误，还可以再试 {left} 次" if left else PayPasswordLocked.message
            raise PayPasswordWrong(text, field=field, retry_at=counted.locked_until)
        await app.pay_passwords.forget_guesses(customer_id, counted.generation)
    return counted


async def prove(app: App, customer_id: str, brand_id: str, card_fen: int, given: str | None) -> Proof:
    """That the customer may spend so many fen of card value at a brand: what comes before the transaction.

    Not needed, and then ignored: of customers without a pay password, and up to the brand's small sum. Raises
    PayPasswordRequired (counts nothing), PayPasswordWrong, PayPasswordLocked (also while a reset is waited out).
    """
    if card_fen <= 0:
        return Proof(customer_id, 0, limit_fen=0)
    stored = await app.pay_passwords.pay_password(customer_id)
    if stored is None:
        return Proof(customer_id, 0)
    settings = await settings_of(app, brand_id)
    refuse_waiting(stored, settings, app.clock.now())
    if card_fen <= settings.small_sum_fen:
        return Proof(customer_id, stored.generation, limit_fen=settings.small_sum_fen)
    if not given:
        if stored.locked_until is not None and stored.locked_until > app.clock.now():
            raise PayPasswordLocked(field=FIELD, retry_at=stored.locked_until)  # before somebody types it in vain
        raise PayPasswordRequired(field=FIELD)
    return Proof(customer_id, (await guess(app, customer_id, given)).generation)


async def uphold(app: App, work: Work, proof: Proof | None, brand_id: str, card_fen: int) -> None:
    """Check a proof again inside the transaction, for what is really spent there, in fen.

    Raises PayPasswordWrong or PayPasswordRequired when a password was changed or set after the check, or when more is
    spent than is free of it; PayPasswordLocked when it was reset; TryAgain without a proof.
    """
    if card_fen <= 0:
        return
    if proof is None:  # it was to go on with what a first transaction had begun, and that is gone
        raise TryAgain
    stored = await app.pay_passwords.pay_password(proof.customer_id, work.session)
    if stored is None:
        return
    if stored.reset_at is not None:
        refuse_waiting(stored, await settings_of(app, brand_id), work.now)
    if proof.limit_fen is not None:
        if card_fen > proof.limit_fen:
            raise PayPasswordRequired(field=FIELD)
    elif proof.generation == 0:
        raise PayPasswordRequired("支付密码刚刚设置，请输入支付密码", field=FIELD)
    elif proof.generation != stored.generation:
        raise PayPasswordWrong("支付密码刚刚修改，请重新输入", field=FIELD)


def refuse_waiting(stored: PayPassword, settings: BrandSettings, now: datetime) -> None:
    """Raise PayPasswordLocked while a reset is waited out at a brand with these settings."""
    until = stored.waits_until(settings.reset_wait_hours)
    if until is not None and now < until:
        raise PayPasswordLocked("支付密码刚刚重置，为保障资金安全，暂时不能用卡内余额", field=FIELD, retry_at=until)


async def settings_of(app: App, brand_id: str) -> BrandSettings:
    """A brand's settings."""
    brand = await app.brands.brand(brand_id)
    return brand.settings if brand else BrandSettings()
