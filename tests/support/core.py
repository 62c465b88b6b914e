"""Calling verbs directly, without HTTP: people, staff and cards made for one test, and the audit at its end."""

import uuid
from typing import Any

from resolvers.app import App
from resolvers.audit.run import audit
from resolvers.cards.credit import ensure_card
from resolvers.cards.model import Card, StatementKind, Take
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.ids import new_id
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.ordering.model import Order
from resolvers.ordering.place import Placement, place_order
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import Customer, Identity, SignedIn, Staff
from resolvers.ports import Platform
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.audit_books import provider_rows
from tests.support.world import World


async def new_person(world: World, platform: Platform = Platform.WECHAT) -> SignedIn:
    """A customer who signed in, without the platform."""
    app, now = world.app, world.clock.now()
    app_id = world.settings["KABAO_WECHAT_APP_ID" if platform is Platform.WECHAT else "KABAO_QQ_APP_ID"]
    identity = Identity(platform, app_id, f"openid-{uuid.uuid4().hex}")
    customer_id = new_id("cus", now)

    async def steps(work: Work) -> dict[str, str]:
        await app.people.insert_customer(
            work.session, Customer(id=customer_id, identities=(identity,), sequence=0, created_at=now)
        )
        return {}

    await app.work.run(Call("test", SYSTEM), steps)
    return SignedIn(customer_id, new_id("ses", now), platform, app_id)


async def card_with(world: World, person: SignedIn, principal_fen: int, bonus_fen: int = 0) -> Card:
    """The person's stored-value card at the seafood house, credited out of the blue (booked as granted)."""
    app = world.app
    brand = await app.brands.brand(world.brand_id)
    assert brand is not None
    await ensure_member(app, person.customer_id, brand.id)

    async def steps(work: Work) -> dict[str, str]:
        card = await ensure_card(app, work, person.customer_id, brand)
        credits = [Take(work.new_id("lot"), False, principal_fen, None)]
        if bonus_fen:
            credits.append(Take(work.new_id("lot"), True, bonus_fen, None))
        lines = [
            Line(brand_account(brand.id, BrandAccount.BONUS_GRANTED), -principal_fen),
            Line(brand_account(brand.id, BrandAccount.BONUS_GRANTED), -bonus_fen),
            *card_lines(card.id, credits, +1),
        ]
        await post(app.ledger, work, EntryKind.TOP_UP, f"test:{uuid.uuid4().hex}", brand.id, lines)
        movement = Movement(StatementKind.TOP_UP, principal_fen + bonus_fen, "test")
        await write_card(app.cards, work, card, card.plus(credits), [movement])
        return {"card": card.id}

    ids = await app.work.run(Call("test", SYSTEM, contends=(person.customer_id,)), steps)
    return await card_now(world, ids["card"])


async def card_now(world: World, card_id: str) -> Card:
    """A card as it is now."""
    card = await world.app.cards.card(card_id)
    assert card is not None
    return card


async def member_of_staff(world: World, username: str) -> Staff:
    """A demo member of staff."""
    staff = await world.app.staff.named(username)
    assert staff is not None
    return staff


async def books_are_in_order(world: World) -> None:
    """Run the whole audit, the provider's own view included. Raises AssertionError with every breach."""
    findings = await audit(world.app.connection, provider_rows(await world.phone.payments()))
    assert [each for finding in findings for each in finding.breaches] == []


async def dishes(world: World, least: int = 1, **wanted: Any) -> list[Any]:
    """Dishes of the open store that are sold all day, without options or limits."""
    menu = await world.app.menus.menu(world.store_id)
    assert menu is not None
    plain = [
        dish
        for dish in menu.dishes()
        if not dish.option_groups and not dish.mealtimes and dish.daily_stock is None and dish.special is None
    ]
    assert len(plain) >= least
    return plain


async def placed(app: App, person: SignedIn, placement: Placement, key: str) -> Order:
    """The order that a placement makes."""
    order = await app.orders.order((await place_order(app, person, placement, key)).order_id)
    assert order is not None
    return order
