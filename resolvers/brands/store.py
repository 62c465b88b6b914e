"""Brands and stores in MongoDB."""

from collections.abc import Sequence
from typing import Any

from pymongo import ASCENDING, GEOSPHERE

from resolvers.brands.model import Brand, Place, Store
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.paging import Page, PageRequest, page_of

MAXIMUM_CITIES = 500  # China has some 700
MAXIMUM_STORES = 1_000  # of one brand; sorted by distance in memory
PLACE_INDEXES = [
    IndexModel([("brand_id", ASCENDING), ("_id", ASCENDING)]),
    IndexModel([("city", ASCENDING), ("brand_id", ASCENDING)]),
    IndexModel([("terms", ASCENDING), ("brand_id", ASCENDING)]),
    IndexModel([("location", GEOSPHERE)]),
]
BRAND_INDEXES = [
    IndexModel(
        [("settings.official_app_id", ASCENDING)],
        name="official_accounts",
        unique=True,
        partialFilterExpression={"settings.official_app_id": {"$gt": ""}},
    )
]
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
        self._places = connection.collection("places")
        self._connection = connection

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._brands, BRAND_INDEXES)
        await ensure_indexes(self._stores, STORE_INDEXES)
        await ensure_indexes(self._places, PLACE_INDEXES)

    async def brand(self, brand_id: str, session: Session | None = None) -> Brand | None:
        """A brand by id."""
        document = await self._brands.find_one({"_id": brand_id}, session=session)
        return from_document(Brand, document) if document else None

    async def brands(self, brand_ids: Sequence[str], session: Session | None = None) -> list[Brand]:
        """Brands by id, those that exist."""
        found = self._brands.find({"_id": {"$in": list(brand_ids)}}, session=session)
        return [from_document(Brand, document) for document in await found.to_list(None)]

    async def brand_of_official(self, app_id: str) -> Brand | None:
        """The brand whose official account this is; there is one at most."""
        document = await self._brands.find_one({"settings.official_app_id": app_id})
        return from_document(Brand, document) if document else None

    async def only_brand(self) -> Brand | None:
        """The brand, if there is no other."""
        documents = await self._brands.find({}, sort=[("_id", ASCENDING)], hint="_id_").limit(2).to_list(2)
        return from_document(Brand, documents[0]) if len(documents) == 1 else None

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

    async def stores_of_brands(self, brand_ids: Sequence[str], session: Session | None = None) -> list[Store]:
        """All stores of some brands, each brand's in the order they were opened."""
        found = self._stores.find({"brand_id": {"$in": list(brand_ids)}}, session=session)
        found = found.sort([("brand_id", ASCENDING), ("_id", ASCENDING)])
        return [from_document(Store, document) for document in await found.to_list(None)]

    # the directory

    async def put_places(self, brand_id: str, places: Sequence[Place]) -> None:
        """Write the directory's rows of a brand's stores; those of other stores of it go."""
        for place in places:
            await self._places.replace_one({"_id": place.id}, to_document(place), upsert=True)
        await self._places.delete_many({"brand_id": brand_id, "_id": {"$nin": [place.id for place in places]}})

    async def places_page(
        self,
        terms: Sequence[str],
        city: str,
        near: tuple[float, float] | None,
        request: PageRequest,
        session: Session | None = None,
    ) -> Page[str]:
        """Ids of brands with a place that has all these terms, in a city (empty: anywhere).

        By the distance of the nearest such place from a point, in whole metres; without one, those whose own name has
        all the terms first.
        """
        query: dict[str, Any] = {"city": city} if city else {}
        if terms:
            query["terms"] = {"$all": list(terms)}
        stages = _nearest(query, near) if near is not None else [{"$match": query}]
        order: dict[str, Any] = {"$floor": "$distance"} if near is not None else {"$cond": [_named(terms), 0, 1]}
        after = request.after
        following = (
            [{"$match": {"$or": [{"order": {"$gt": after[0]}}, {"order": after[0], "_id": {"$gt": after[1]}}]}}]
            if after is not None
            else []
        )
        found = await self._connection.aggregate(
            self._places,
            [
                *stages,
                {"$group": {"_id": "$brand_id", "order": {"$min": order}}},
                *following,
                {"$sort": {"order": ASCENDING, "_id": ASCENDING}},
                {"$limit": request.first + 1},
            ],
            session,
        )
        page = page_of(found, request, lambda each: (int(each["order"]), each["_id"]))
        return Page([each["_id"] for each in page.items], page.cursors, page.has_next, page.has_previous)

    async def cities(self, session: Session | None = None) -> list[str]:
        """The cities in which there are places, those with most of them first, at most MAXIMUM_CITIES."""
        stages: list[dict[str, Any]] = [
            {"$match": {"city": {"$gt": ""}}},
            {"$group": {"_id": "$city", "stores": {"$sum": 1}}},
            {"$sort": {"stores": -1, "_id": ASCENDING}},
            {"$limit": MAXIMUM_CITIES},
        ]
        return [each["_id"] for each in await self._connection.aggregate(self._places, stages, session)]

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


def _nearest(query: dict[str, Any], near: tuple[float, float]) -> list[dict[str, Any]]:
    """Places with their distance in metres; $geoNear must be the first stage, and filters by itself."""
    point: dict[str, Any] = {"type": "Point", "coordinates": list(near)}
    return [{"$geoNear": {"near": point, "key": "location", "distanceField": "distance", "query": query}}]


def _named(terms: Sequence[str]) -> dict[str, Any]:
    """Whether the brand's own name has all of them."""
    return {"$setIsSubset": [[{"$literal": term} for term in terms], "$name_terms"]}
