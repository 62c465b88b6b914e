"""What an order takes of scarce things: pieces of a dish's daily stock, and its place in a pick-up slot."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from resolvers.app import App
from resolvers.brands.model import Store
from resolvers.ordering.cancel import cancel_lapsed
from resolvers.ordering.menu import stock_counter
from resolvers.ordering.quote import Quoted
from resolvers.ordering.refusals import DishSoldOut, SlotUnavailable
from resolvers.ordering.slots import AHEAD, slot_counter, slot_of
from resolvers.work.model import Piece


async def scarce_pieces(app: App, quoted: Quoted, pick_up_at: datetime | None) -> tuple[Piece, ...]:
    """The pieces an order needs; their counters are made if missing.

    Where too few are left the order will be refused with DishSoldOut or SlotUnavailable.
    """
    day = quoted.store.business_day(pick_up_at or app.clock.now())
    slot = await _slot(app, quoted.store, pick_up_at) if pick_up_at is not None else []
    return tuple(sorted([*await _stock(app, quoted, day), *slot], key=lambda piece: piece.counter_id))


async def resize_stock(app: App, store: Store) -> None:
    """Let the counters of today and of all days that can be ordered for count down from the menu's daily stock."""
    menu, today = await app.menus.menu(store.id), app.clock.now()
    days = [store.business_day(today + timedelta(days=ahead)) for ahead in range(AHEAD.days + 2)]
    for dish in menu.dishes() if menu is not None else ():
        if dish.daily_stock is not None:
            await app.work_store.resize([stock_counter(dish.id, day) for day in days], dish.daily_stock)


async def _stock(app: App, quoted: Quoted, day: str) -> list[Piece]:
    """Pieces of every dish with a daily stock."""
    wanted = Counter[str]()
    for line in quoted.quote.lines:
        wanted[line.dish_id] += line.quantity
    needed = []
    for dish_id, count in wanted.items():
        dish = quoted.menu.dish(dish_id)
        if dish is not None and dish.daily_stock is not None:
            counter_id = stock_counter(dish_id, day)
            if await app.work_store.make_counter(counter_id, dish.daily_stock):
                await _as_on_the_menu(app, quoted.store, dish_id, counter_id)
            refusal = DishSoldOut(f"「{dish.name}」已售罄或所剩不足 {count} 份", details=[dish_id])
            needed.append(Piece(counter_id, count, refusal, partial(cancel_lapsed, app)))
    return needed


async def _as_on_the_menu(app: App, store: Store, dish_id: str, counter_id: str) -> None:
    """A menu that was changed between being read and the counter being made: its stock holds."""
    menu = await app.menus.menu(store.id)
    dish = menu.dish(dish_id) if menu is not None else None
    if dish is not None and dish.daily_stock is not None:
        await app.work_store.resize([counter_id], dish.daily_stock)


async def _slot(app: App, store: Store, pick_up_at: datetime) -> Sequence[Piece]:
    """The place in the slot, where slots take a number of orders."""
    begins = slot_of(store, pick_up_at)
    if begins is None or store.slot_capacity is None:
        return []
    counter_id = slot_counter(store.id, begins)
    if not await app.work_store.make_counter(counter_id, store.slot_capacity):
        await app.work_store.resize([counter_id], store.slot_capacity)  # the shop may take more or fewer by now
    full = SlotUnavailable("该取餐时段已约满，请选择其他时间", field=("input", "pickUpAt"))
    return [Piece(counter_id, 1, full, partial(cancel_lapsed, app))]
