"""Making a pass, taking its uses and putting them back: each moves its share of the price to the sales."""

from dataclasses import dataclass, replace

from resolvers.app import App
from resolvers.cards.model import Card, CardKind, CardStatus, StatementKind
from resolvers.cards.movement import Movement, new_card, write_card
from resolvers.coupons.issue import regifts_of
from resolvers.coupons.model import Coupon, CouponKind, CouponStatus, Template
from resolvers.coupons.rules import Occasion, Unused, why_not_then
from resolvers.errors import InsufficientBalance
from resolvers.ledger.model import BrandAccount, Currency, Line, brand_account, uses_account
from resolvers.live.model import EventKind
from resolvers.passes.model import Uses
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Moved:
    """A pass after uses were taken or put back, and the ledger lines of it, which sum to zero."""

    card: Card
    lines: tuple[Line, ...]


async def new_pass(app: App, work: Work, customer_id: str, template: Template, uses: int, price_fen: int) -> Card:
    """Write a pass that was paid for: so many uses for so many fen; the caller books them."""
    valid_from, expires_at = template.validity(work.now)
    regifts_left = await regifts_of(app, template) if template.giveable else 0
    bought = Uses(template.id, price_fen, uses, uses, valid_from, expires_at)
    card = new_card(work, customer_id, template.brand_id, CardKind.PASS, template.title, regifts_left, bought)
    await app.cards.insert(work.session, card)
    work.announce(customer_id, EventKind.CARD_CHANGED, card, entries=[])
    return card


def uses_of(card: Card) -> Uses:
    """The uses of a pass. Raises LookupError for another card."""
    if card.uses is None:
        raise LookupError(f"{card.id} is no pass")
    return card.uses


def check_uses(card: Card, count: int) -> None:
    """Raise InsufficientBalance when a pass has fewer free uses."""
    if card.free_uses < count:
        raise InsufficientBalance(f"次卡剩余 {card.free_uses} 次，不足 {count} 次")


def take_uses(card: Card, count: int, sold_fen: int | None = None) -> Moved:
    """A pass with so many uses less. `sold_fen`: the price of what was had for them; None: what was paid for them."""
    after, paid_fen = uses_of(card).take(count)
    status = CardStatus.USED_UP if not after.left and card.status is CardStatus.ACTIVE else card.status
    lines = _lines(card, -count, paid_fen, paid_fen if sold_fen is None else sold_fen)
    return Moved(replace(card, uses=after, status=status), lines)


def give_uses_back(card: Card, count: int, sold_fen: int | None = None) -> Moved:
    """A pass with so many uses put back; the other way round than `take_uses`."""
    after, paid_fen = uses_of(card).give_back(count)
    status = CardStatus.ACTIVE if card.status is CardStatus.USED_UP else card.status
    lines = _lines(card, count, -paid_fen, -(paid_fen if sold_fen is None else sold_fen))
    return Moved(replace(card, uses=after, status=status), lines)


def _lines(card: Card, uses: int, paid_fen: int, sold_fen: int) -> tuple[Line, ...]:
    def brand(name: BrandAccount) -> str:
        return brand_account(card.brand_id, name)

    return (
        Line(uses_account(card.id), uses, Currency.USES),
        Line(brand(BrandAccount.USES_TAKEN), -uses, Currency.USES),
        Line(brand(BrandAccount.VOUCHERS_SOLD), -paid_fen),
        Line(brand(BrandAccount.SALES), sold_fen),
        Line(brand(BrandAccount.PASS_DISCOUNT), paid_fen - sold_fen),
    )


async def write_pass(
    app: App,
    work: Work,
    before: Card,
    after: Card,
    kind: StatementKind,
    memo: str,
    order_id: str | None = None,
    payment_id: str | None = None,
) -> Card:
    """Write a pass whose uses have changed, with a line of its statement: no money moves, the memo counts the uses."""
    change = uses_of(after).left - uses_of(before).left
    told = f"{memo}（{change:+d} 次，剩 {uses_of(after).left} 次）"
    return await write_card(app.cards, work, before, after, [Movement(kind, 0, told, order_id, payment_id)])


def why_not_now(template: Template, card: Card, occasion: Occasion) -> Unused | None:
    """Why a pass cannot be used on an occasion: the rules of its template, as they are for coupons."""
    uses = uses_of(card)
    as_coupon = Coupon(
        id=card.id,
        customer_id=card.customer_id,
        brand_id=card.brand_id,
        template_id=template.id,
        kind=CouponKind.EXCHANGE,
        status=CouponStatus.AVAILABLE,
        title=card.title,
        headline="",
        terms="",
        valid_from=uses.valid_from,
        valid_until=uses.expires_at,
        giveable=False,
        regifts_left=0,
        created_at=card.created_at,
    )
    return why_not_then(template, as_coupon, occasion)
