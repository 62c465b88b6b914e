"""Following a table: its cart as it stands at once, then every change of it, whole each time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from resolvers.app import App
from resolvers.documents import from_document
from resolvers.errors import BadInput
from resolvers.live.follow import CURSOR_SECONDS
from resolvers.paging import decode_cursor, encode_cursor
from resolvers.tables.at_table import cart_now
from resolvers.tables.model import TableCart

UNKNOWN = ("?", 0)  # what a client knows whose cursor nobody knows: whatever stands is another cart to it
NOTHING = (0, "")  # the cursor of a table without a cart

Known = tuple[str, int]  # a cart's id and the revision of it that the client knows


@dataclass(frozen=True, slots=True)
class TableEvent:
    """A table's cart as it became; `resync`: steps before it were skipped, or it is another cart than the last one."""

    cart: TableCart | None
    at: datetime
    resync: bool

    @property
    def cursor(self) -> str:
        """Where a client goes on from after this event."""
        return encode_cursor((self.cart.revision, self.cart.id) if self.cart is not None else NOTHING)


async def follow_table(app: App, table_code: str, after: str | None) -> AsyncIterator[TableEvent]:
    """A table's cart as it stands, unless `after` says that it is known, and then as it becomes with every change.

    With nothing on the table that is what is told first, without a cart.

    The last of a cart is that its order is paid; what is added then is another cart. Raises BadInput.
    """
    if await app.brands.store_with_table(table_code) is None:
        raise BadInput("No table has this code.")
    known = await _known(app, table_code, after) if after is not None else None
    async with app.hub.table(table_code) as listener:
        catching_up = True
        while True:
            missed = listener.gap
            if catching_up or missed:
                catching_up = listener.gap = False
                cart = await _standing(app, table_code, known)
                if cart is None and known in (None, UNKNOWN):
                    yield TableEvent(None, app.clock.now(), resync=known is not None)
                    known = ("", 0)
            else:
                document = await listener.get(CURSOR_SECONDS)
                cart = from_document(TableCart, document) if document is not None else None
                if cart is not None and known is not None and cart.id != known[0]:
                    cart = await _standing(app, table_code, known)  # another cart: what stands now is what counts
            if cart is not None and _newer(cart, known):
                skipped = known is not None and known[0] != "" and (cart.id, cart.revision) != (known[0], known[1] + 1)
                known = (cart.id, cart.revision)
                yield TableEvent(cart, cart.changed_at, missed or skipped)


async def _known(app: App, table_code: str, after: str) -> Known:
    revision, cart_id = decode_cursor(after)
    if (revision, cart_id) == NOTHING:
        return "", 0
    cart = await app.tables.cart(cart_id)
    if type(revision) is not int or (cart is not None and cart.table_code != table_code):
        raise BadInput("after is not a cursor of this table.")
    if cart is None or revision > cart.revision:  # of a table that was restored to an earlier state
        return UNKNOWN
    return cart_id, revision


async def _standing(app: App, table_code: str, known: Known | None) -> TableCart | None:
    """The table's cart, or how the one that the client knows has ended."""
    cart = await cart_now(app, table_code)
    if cart is not None or known is None:
        return cart
    ended = await app.tables.cart(known[0])
    return ended if ended is not None and not ended.open else None


def _newer(cart: TableCart, known: Known | None) -> bool:
    """Whether a cart is news: a later one, or a later revision. One that its guests left behind is none."""
    if not cart.open and cart.order_id is None:
        return False
    return known is None or cart.id != known[0] or cart.revision > known[1]
