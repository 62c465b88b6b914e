"""Showing a code: random digits for one card or coupon, good for a minute, once."""

from dataclasses import dataclass, field
from datetime import datetime

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus, NotActive
from resolvers.coupons.model import CouponStatus, channel_names
from resolvers.errors import AmountInvalid, InsufficientBalance, NotFound
from resolvers.ordering.lapsed import free_lapsed
from resolvers.passes.model import Uses
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import FIELD, guess, refuse_waiting, settings_of
from resolvers.people.pay_password.model import PayPasswordRequired
from resolvers.till.model import CODE_LIFE, FREE_AFTER_PASSWORD, Code, CodeKind, Grant, grant_id, new_digits


@dataclass(frozen=True, slots=True)
class Shown:
    """The digits to show, until when they are good, and until when the session may show more without the password."""

    digits: str = field(repr=False)
    expires_at: datetime
    password_free_until: datetime | None


async def show_code(
    app: App,
    person: SignedIn,
    card_id: str | None,
    coupon_id: str | None,
    max_fen: int | None,
    pay_password: str | None = None,
) -> Shown:
    """Make a code for one of the customer's cards or coupons; it kills the last one shown for the same thing.

    `max_fen` bounds what a till may take from a card (None: what is on it; always None for a pass, of which any uses
    may be taken). A card's code needs the pay password, or
    that it was given in this session and for this card at most five minutes ago; without it a code is bound to the
    brand's small sum. Raises NotFound, NotActive, AmountInvalid, InsufficientBalance, PayPasswordRequired,
    PayPasswordWrong, PayPasswordLocked.
    """
    if (card_id is None) == (coupon_id is None):
        raise NotFound("请选择一张卡或一张券", field=("input", "cardId"))
    await free_lapsed(app, person.ids)
    now = app.clock.now()
    if card_id is not None:
        card = await app.cards.card(card_id)
        if card is None or not person.owns(card.customer_id):
            raise NotFound("没有这张卡", field=("input", "cardId"))
        if card.status_at(now) is not CardStatus.ACTIVE:
            raise NotActive
        if card.uses is not None:
            bound, free_until = await _pass_bound(app, person, card, card.uses, max_fen, pay_password)
        else:
            available = card.available_fen(now)
            if max_fen is not None and max_fen < 1:
                raise AmountInvalid(field=("input", "maxFen"))
            if available < (max_fen or 1):
                raise InsufficientBalance
            bound, free_until = await _bound(app, person, card, max_fen, available, pay_password)
        kind, subject_id, brand_id = CodeKind.CARD, card.id, card.brand_id
    else:
        coupon = await app.coupons.coupon(coupon_id or "")
        if coupon is None or not person.owns(coupon.customer_id):
            raise NotFound("没有这张券", field=("input", "couponId"))
        if coupon.status_at(now) is not CouponStatus.AVAILABLE:
            raise NotActive("此券当前不可用")
        await _check_channel(app, person, coupon.template_id)
        kind, subject_id, brand_id, bound, free_until = CodeKind.COUPON, coupon.id, coupon.brand_id, 0, None
    digits, made_at = new_digits(), app.clock.now()
    code = Code(
        id=app.vault.mac("till_code", digits),
        kind=kind,
        subject_id=subject_id,
        customer_id=person.customer_id,
        brand_id=brand_id,
        max_fen=bound or None,
        expires_at=made_at + CODE_LIFE,
    )
    await app.till.put_code(code)
    return Shown(digits, code.expires_at, free_until)


async def _check_channel(app: App, person: SignedIn, template_id: str) -> None:
    template = await app.coupons.template(template_id)
    if template is not None and template.channels and person.platform not in template.channels:
        raise NotActive(f"仅限在{channel_names(template.channels)}小程序使用")


async def _pass_bound(
    app: App, person: SignedIn, card: Card, uses: Uses, max_fen: int | None, given: str | None
) -> tuple[int, datetime | None]:
    """A pass's code is bound to no sum; what was paid for the uses that are left decides about the password."""
    if max_fen is not None:
        raise AmountInvalid("次卡按次核销，不设金额上限", field=("input", "maxFen"))
    if card.free_uses < 1:
        raise InsufficientBalance("次卡剩余次数不足")
    await _check_channel(app, person, uses.template_id)
    worth_fen = max(1, uses.worth_fen)
    return 0, (await _bound(app, person, card, worth_fen, worth_fen, given))[1]


async def _bound(
    app: App, person: SignedIn, card: Card, max_fen: int | None, available_fen: int, given: str | None
) -> tuple[int, datetime | None]:
    """(the most a till may take, until when the session needs no password for this card)."""
    wanted = max_fen or available_fen
    stored = await app.pay_passwords.pay_password(person.customer_id)
    if stored is None:
        return wanted, None
    now, settings = app.clock.now(), await settings_of(app, card.brand_id)
    refuse_waiting(stored, settings, now)
    id = grant_id(person.session_id, card.id)
    grant = await app.till.grant(id)
    if grant is not None and grant.good(stored.generation, now):
        return wanted, grant.until
    if wanted > settings.small_sum_fen and given:
        known = await guess(app, person.customer_id, given)
        grant = Grant(id, known.generation, now + FREE_AFTER_PASSWORD)
        await app.till.put_grant(grant)
        return wanted, grant.until
    if max_fen is None:
        wanted = min(available_fen, settings.small_sum_fen)
    if not 0 < wanted <= settings.small_sum_fen:
        raise PayPasswordRequired(field=FIELD)
    return wanted, None
