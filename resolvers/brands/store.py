"""Brands and stores in MongoDB."""

from collections.abc import Sequence

from pymongo import ASCENDING

from resolvers.brands.model import Brand, Store
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes

MAXIMUM_STORES = 1_000  # of one brand; sorted by distance in memory
STORE_INDEXES = [
    IndexModel([("brand_id", ASCENDING), ("_id", ASCENDING)]),
    IndexModel(
        [("tables.code", ASCENDING)],
        name="table_codes",
        unique=True,
        partialFilterExpression={"tables.code": {"$exists": True}},
    ),
]


class BrandStore:
    """Reads and writes brands and their stores."""

    def __init__(self, connection: Connection) -> None:
        self._brands = connection.collection("brands")
        self._stores = connection.collection("stores")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._stores, STORE_INDEXES)

    async def brand(self, brand_id: str, session: Session | None = None) -> Brand | None:
        """A brand by id."""
        document = await self._brands.find_one({"_id": brand_id}, session=session)
        return from_document(Brand, document) if document else None

    async def brands(self, brand_ids: Sequence[str], session: Session | None = None) -> list[Brand]:
        """Brands by id, those that exist."""
        found = self._brands.find({"_id": {"$in": list(brand_ids)}}, session=session)
        return [from_document(Brand, document) for document in await found.to_list(None)]

    async def store(self, store_id: str, session: Session | None = None) -> Store | None:
        """A store by id."""
        document = await self._stores.find_one({"_id": store_id}, session=session)
        return from_document(Store, document) if document else None

    async def stores(self, store_ids: Sequence[str], session: Session | None = None) -> list[Store]:
        """Stores by id, those that exist."""
        found = self._stores.find({"_id": {"$in": list(store_ids)}}, session=session)
        return [from_document(Store, document) for document in await found.to_list(None)]

    async def stores_of(self, brand_id: str, session: Session | None = None) -> list[Store]:
        """All stores of a brand, in the order they were opened."""
        found = self._stores.find({"brand_id": brand_id}, session=session).sort("_id", ASCENDING)
        return [from_document(Store, document) for document in await found.to_list(MAXIMUM_STORES)]

    async def store_with_table(self, code: str, session: Session | None = None) -> Store | None:
        """The store that has a table with this code; there is one at most."""
        document = await self._stores.find_one({"tables.code": code}, session=session)
        return from_document(Store, document) if document else None

    async def put_brand(self, brand: Brand) -> None:
        """Write a brand as given."""
        await self._brands.replace_one({"_id": brand.id}, to_document(brand), upsert=True)

    async def put_store(self, store: Store) -> None:
        """Write a store as given. Raises DuplicateKeyError when another store has one of its table codes."""
        await self._stores.replace_one({"_id": store.id}, to_document(store), upsert=True)
