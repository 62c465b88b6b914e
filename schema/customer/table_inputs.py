"""What the people at a table send about their cart."""

import strawberry

from schema.customer.inputs import KEY, OrderLineInput
from schema.enums import TableSplit
from schema.scalars import Fen

TABLE_CODE = "What the table's mini-program code says (its scene)."


@strawberry.input(description="What to add to a table's cart.")
class AddToTableInput:
    """What to add to a table's cart."""

    table_code: str = strawberry.field(description=TABLE_CODE)
    line: OrderLineInput = strawberry.field(description="What is wanted: always a new line.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="A change of a line of a table's cart.")
class ChangeTableLineInput:
    """A change of a line of a table's cart."""

    table_code: str = strawberry.field(description=TABLE_CODE)
    line_id: strawberry.ID = strawberry.field(description="The line, yours or somebody else's.")
    revision: int = strawberry.field(description="The line's revision as you have seen it.")
    quantity: int = strawberry.field(description="How many are wanted; 0 removes the line.")


@strawberry.input(description="A table's cart to be ordered.")
class PlaceTableOrderInput:
    """A table's cart to be ordered."""

    table_code: str = strawberry.field(description=TABLE_CODE)
    revision: int = strawberry.field(description="The cart's revision as you have seen it.")
    split: TableSplit = strawberry.field(description="Who pays what.", default=TableSplit.ONE_PAYS)
    expected_payable_fen: Fen | None = strawberry.field(
        description="What you were quoted: refused with PRICE_CHANGED when it is another sum.", default=None
    )
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)
