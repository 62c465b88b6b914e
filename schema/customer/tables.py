"""A table's cart, as everybody who has the table's code sees it."""

import asyncio

import strawberry

from resolvers.live import follow_table
from resolvers.tables import model
from schema.common import Node
from schema.context import Info, must
from schema.customer.brands import Store, show_store
from schema.customer.menu import Dish
from schema.customer.ordering import Order, show_order
from schema.customer.people import Person, show_person
from schema.customer.quotes import dish_of
from schema.scalars import DateTime, Money, money


@strawberry.type(description="What one person at the table wants.")
class TableLine:
    """What one person at the table wants."""

    model: strawberry.Private[model.CartLine]
    id: strawberry.ID = strawberry.field(description="The line's id.")
    revision: int = strawberry.field(description="Rises with every change of the line; changeTableLine names it.")
    quantity: int = strawberry.field(description="How many.")
    option_ids: list[strawberry.ID] = strawberry.field(description="What was chosen with it.")
    options: list[str] = strawberry.field(description="Names of what was chosen with it.")
    note: str | None = strawberry.field(description="A wish to the kitchen.")
    unit_price: Money = strawberry.field(description="What one costs at list price, options included, as it was added.")

    @strawberry.field(description="The dish.")
    async def dish(self, info: Info) -> Dish:
        return await dish_of(info, self.model.dish_id, self.model.name)

    @strawberry.field(description="Who added it.")
    async def added_by(self, info: Info) -> Person:
        return await show_person(info, self.model.added_by)

    @strawberry.field(description="Whether it was you who added it.")
    def mine(self, info: Info) -> bool:
        return self.model.added_by in info.context.viewer_ids


@strawberry.type(description="The cart that the people at a table share.")
class TableCart(Node):
    """The cart that the people at a table share."""

    model: strawberry.Private[model.TableCart]
    revision: int = strawberry.field(description="Rises with every change: keep the newest. placeTableOrder names it.")
    table_code: str = strawberry.field(description="The table's code.")
    lines: list[TableLine] = strawberry.field(description="What is wanted, in the order it was added.")
    subtotal: Money = strawberry.field(
        description="At list prices as each line was added, options included; quoteOrder says what is to be paid."
    )

    @strawberry.field(description="The shop.")
    async def store(self, info: Info) -> Store:
        return show_store(await must(info.context.loaders.store.load(self.model.store_id)))

    @strawberry.field(description="Who has added something at any time, in the order they came.")
    async def people(self, info: Info) -> list[Person]:
        people = await asyncio.gather(*(show_person(info, customer_id) for customer_id in self.model.people))
        return list({person.key: person for person in people}.values())

    @strawberry.field(
        description="The order that was placed from it: while it waits to be paid nothing can be added or changed, and "
        "once it is paid the cart is over. Null before, and for who has added nothing and does not take part."
    )
    async def order(self, info: Info) -> Order | None:
        order_id, viewer_ids = self.model.order_id, info.context.viewer_ids
        order = await info.context.loaders.order.load(order_id) if order_id is not None else None
        taking_part = order is not None and not set(order.people).isdisjoint(viewer_ids)
        return (
            show_order(order, info.context.app.clock.now(), viewer_ids) if order is not None and taking_part else None
        )

    @strawberry.field(description="Whether an order of it waits to be paid: nothing can be added or changed meanwhile.")
    def placed(self) -> bool:
        return self.model.open and self.model.order_id is not None


@strawberry.type(description="What a table's cart became.")
class TableEvent:
    """What a table's cart became."""

    cursor: str = strawberry.field(description="Subscribe after it to go on from here.")
    at: DateTime = strawberry.field(description="When it became so.")
    table: TableCart | None = strawberry.field(description="The whole cart; null: nothing is on the table.")
    resync: bool = strawberry.field(
        description="Whether changes before this one were left out, or it is another cart than the last one: show it "
        "as it is instead of telling what has changed."
    )


def show_table(cart: model.TableCart) -> TableCart:
    """A cart as everybody at its table sees it."""
    return TableCart(
        id=strawberry.ID(cart.id),
        model=cart,
        revision=cart.revision,
        table_code=cart.table_code,
        lines=[_show_line(line) for line in cart.lines],
        subtotal=money(cart.subtotal_fen),
    )


def show_table_event(event: follow_table.TableEvent) -> TableEvent:
    """An event as everybody at the table sees it."""
    return TableEvent(
        cursor=event.cursor, at=event.at, table=show_table(event.cart) if event.cart else None, resync=event.resync
    )


def _show_line(line: model.CartLine) -> TableLine:
    return TableLine(
        model=line,
        id=strawberry.ID(line.id),
        revision=line.revision,
        quantity=line.quantity,
        option_ids=[strawberry.ID(each) for each in line.option_ids],
        options=list(line.options),
        note=line.note,
        unit_price=money(line.list_fen),
    )
