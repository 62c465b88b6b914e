"""Carts of tables in MongoDB."""

from pymongo import ASCENDING

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.tables.model import TableCart

CART_INDEXES = [
    IndexModel([("table_code", ASCENDING)], name="open_carts", unique=True, partialFilterExpression={"open": True})
]


class TableStore:
    """Reads carts; writes them whole, only against the revision that was read, so that watchers get them whole."""

    def __init__(self, connection: Connection) -> None:
        self._carts = connection.collection("table_carts")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._carts, CART_INDEXES)

    async def cart(self, cart_id: str, session: Session | None = None) -> TableCart | None:
        """A cart by id."""
        document = await self._carts.find_one({"_id": cart_id}, session=session)
        return from_document(TableCart, document) if document else None

    async def open_cart(self, table_code: str, session: Session | None = None) -> TableCart | None:
        """The cart of a table, if it has one."""
        document = await self._carts.find_one({"table_code": table_code, "open": True}, session=session)
        return from_document(TableCart, document) if document else None

    async def insert(self, session: Session, cart: TableCart) -> None:
        """Write a new cart; one that the table has already kills the transaction."""
        await self._carts.insert_one(to_document(cart), session=session)

    async def replace(self, session: Session, cart: TableCart, seen_revision: int) -> bool:
        """Write a cart that was read at a revision; False when it has changed since."""
        replaced = await self._carts.replace_one(
            {"_id": cart.id, "revision": seen_revision}, to_document(cart), session=session
        )
        return replaced.modified_count == 1
