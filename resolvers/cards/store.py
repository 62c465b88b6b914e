"""Cards, their statements, top-up tiers and gift card designs in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING

from resolvers.cards.model import Card, CardKind, CardStatus, StatementEntry
from resolvers.cards.offers import GiftCardDesign, TopUpTier
from resolvers.documents import Document, from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, newest_first
from resolvers.paging import Page, PageRequest, page_of

CARD_INDEXES = [
    IndexModel([("customer_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel(
        [("customer_id", ASCENDING), ("brand_id", ASCENDING)],
        name="one_stored_value_card",
        unique=True,
        partialFilterExpression={"kind": CardKind.STORED_VALUE.value, "current": True},
    ),
    IndexModel([("lapses_at", ASCENDING)], sparse=True),
]
STATEMENT_INDEXES = [IndexModel([("card_id", ASCENDING), ("number", DESCENDING)], unique=True)]
TIER_INDEXES = [IndexModel([("brand_id", ASCENDING), ("amount_fen", ASCENDING)])]
DESIGN_INDEXES = [IndexModel([("brand_id", ASCENDING), ("_id", ASCENDING)])]

# A stored-value card that was given whole is history; the customer may open a new one at that brand.
_CURRENT = (CardStatus.ACTIVE, CardStatus.GIFTING, CardStatus.FROZEN)


class CardStore:
    """Reads cards; writes them only against the revision that was read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cards = connection.collection("cards")
        self._statement = connection.collection("statement")
        self._tiers = connection.collection("top_up_tiers")
        self._designs = connection.collection("gift_card_designs")
        self._top_up_counts = connection.collection("top_up_counts")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._cards, CARD_INDEXES)
        await ensure_indexes(self._statement, STATEMENT_INDEXES)
        await ensure_indexes(self._tiers, TIER_INDEXES)
        await ensure_indexes(self._designs, DESIGN_INDEXES)

    async def card(self, card_id: str, session: Session | None = None) -> Card | None:
        """A card by id."""
        document = await self._cards.find_one({"_id": card_id}, session=session)
        return _card(document) if document else None

    async def cards(self, card_ids: Sequence[str], session: Session | None = None) -> list[Card]:
        """Cards by id, those that exist."""
        found = self._cards.find({"_id": {"$in": list(card_ids)}}, session=session)
        return [_card(document) for document in await found.to_list(None)]

    async def stored_value_card(
        self, customer_ids: tuple[str, ...], brand_id: str, session: Session | None = None
    ) -> Card | None:
        """A customer's present stored-value card at a brand; of several that accounts brought, the first id's."""
        query = {
            "customer_id": {"$in": list(customer_ids)},
            "brand_id": brand_id,
            "kind": CardKind.STORED_VALUE.value,
            "current": True,
        }
        found = [_card(each) for each in await self._cards.find(query, session=session).to_list(None)]
        return min(found, key=lambda card: list(customer_ids).index(card.customer_id), default=None)

    async def page(
        self,
        customer_ids: tuple[str, ...],
        request: PageRequest,
        brand_id: str | None,
        kinds: Sequence[CardKind] | None,
        statuses: Sequence[CardStatus],
        now: datetime,
        session: Session | None = None,
        back: Sequence[str] = (),
    ) -> Page[Card]:
        """A customer's cards of these statuses as they are now, newest first; `back`: GIFTING ones, active again."""
        query = self._query(customer_ids, brand_id, kinds, statuses, now, back)
        return await newest_first(self._cards, query, request, "created_at", _card, session)

    async def count(
        self,
        customer_ids: tuple[str, ...],
        brand_id: str | None,
        kinds: Sequence[CardKind] | None,
        statuses: Sequence[CardStatus],
        now: datetime,
        session: Session | None = None,
        back: Sequence[str] = (),
    ) -> int:
        """How many cards a page's list has in all."""
        query = self._query(customer_ids, brand_id, kinds, statuses, now, back)
        return await self._cards.count_documents(query, session=session)

    async def spendable(
        self,
        customer_ids: tuple[str, ...],
        brand_id: str | None,
        session: Session | None = None,
        also: Sequence[str] = (),
    ) -> list[Card]:
        """All active cards of a customer with something on them, and those to which something comes back."""
        active: dict[str, Any] = {"status": CardStatus.ACTIVE.value, "lots": {"$ne": []}}
        query: dict[str, Any] = {
            "customer_id": {"$in": list(customer_ids)},
            "$or": [active, {"_id": {"$in": list(also)}}],
        }
        if brand_id is not None:
            query["brand_id"] = brand_id
        found = self._cards.find(query, session=session)
        return [_card(document) for document in await found.to_list(1_000)]

    async def lapsing(self, now: datetime, limit: int) -> list[Card]:
        """Cards with bonus that has lapsed and is not posted to breakage yet."""
        found = self._cards.find({"lapses_at": {"$lte": now}}).sort("lapses_at", ASCENDING).limit(limit)
        return [_card(document) for document in await found.to_list(limit)]

    async def insert(self, session: Session, card: Card) -> None:
        """Write a new card; a second current stored-value card of one customer and brand kills its transaction."""
        await self._cards.insert_one(_document(card), session=session)

    async def any_value(self, customer_ids: tuple[str, ...], session: Session) -> bool:
        """Whether any card of a customer has something on it, held or not."""
        something = [{"lots": {"$ne": []}}, {"holds": {"$ne": []}}, {"uses.left": {"$gt": 0}}]
        query = {"customer_id": {"$in": list(customer_ids)}, "$or": something}
        query["status"] = {"$in": [status.value for status in _CURRENT]}
        return await self._cards.find_one(query, projection={"_id": 1}, session=session) is not None

    async def touch(self, session: Session, customer_ids: tuple[str, ...]) -> None:
        """Raise the revision of every card of a customer that can be used: who has read one reads it again."""
        query = {"customer_id": {"$in": list(customer_ids)}, "status": {"$in": [status.value for status in _CURRENT]}}
        await self._cards.update_many(query, {"$inc": {"revision": 1}}, session=session)

    async def replace(self, session: Session, card: Card, seen_revision: int) -> bool:
        """Write a card that was read at a revision; False when it has changed since."""
        replaced = await self._cards.replace_one(
            {"_id": card.id, "revision": seen_revision}, _document(card), session=session
        )
        return replaced.modified_count == 1

    async def insert_statement(self, session: Session, entries: Sequence[StatementEntry]) -> None:
        """Write lines of a statement."""
        await self._statement.insert_many([to_document(entry) for entry in entries], session=session)

    async def statement_page(
        self, card_id: str, request: PageRequest, session: Session | None = None
    ) -> Page[StatementEntry]:
        """A card's statement, newest first."""
        query: dict[str, Any] = {"card_id": card_id}
        if request.after is not None:
            query["number"] = {"$lt": request.after[0]}
        found = self._statement.find(query, session=session).sort("number", DESCENDING).limit(request.first + 1)
        entries = [from_document(StatementEntry, each) for each in await found.to_list(request.first + 1)]
        return page_of(entries, request, lambda entry: (entry.number, entry.id))

    async def statement_entry(self, entry_id: str, session: Session | None = None) -> StatementEntry | None:
        """A line of a statement by id."""
        document = await self._statement.find_one({"_id": entry_id}, session=session)
        return from_document(StatementEntry, document) if document else None

    async def tier(self, tier_id: str, session: Session | None = None) -> TopUpTier | None:
        """A top-up tier by id."""
        document = await self._tiers.find_one({"_id": tier_id}, session=session)
        return from_document(TopUpTier, document) if document else None

    async def tiers_of(self, brand_ids: Sequence[str], session: Session | None = None) -> list[TopUpTier]:
        """The top-up tiers of some brands, smallest first."""
        found = self._tiers.find({"brand_id": {"$in": list(brand_ids)}}, session=session).sort("amount_fen", ASCENDING)
        return [from_document(TopUpTier, document) for document in await found.to_list(None)]

    async def count_top_up(self, session: Session, key: str) -> None:
        """Count one more captured top-up under a key: `<brand or tier>:<customer>`."""
        await self._top_up_counts.update_one({"_id": key}, {"$inc": {"count": 1}}, upsert=True, session=session)

    async def top_ups(self, keys: Sequence[str], session: Session | None = None) -> dict[str, int]:
        """How many top-ups were captured under each key."""
        found = self._top_up_counts.find({"_id": {"$in": list(keys)}}, session=session)
        counts = {document["_id"]: document["count"] for document in await found.to_list(len(keys))}
        return {key: counts.get(key, 0) for key in keys}

    async def put_tier(self, tier: TopUpTier) -> None:
        """Write a tier as given."""
        await self._tiers.replace_one({"_id": tier.id}, to_document(tier), upsert=True)

    async def design(self, design_id: str) -> GiftCardDesign | None:
        """A gift card design by id."""
        document = await self._designs.find_one({"_id": design_id})
        return from_document(GiftCardDesign, document) if document else None

    async def designs_of(self, brand_ids: Sequence[str], session: Session | None = None) -> list[GiftCardDesign]:
        """The gift card designs of some brands."""
        found = self._designs.find({"brand_id": {"$in": list(brand_ids)}}, session=session).sort("_id", ASCENDING)
        return [from_document(GiftCardDesign, document) for document in await found.to_list(None)]

    async def put_design(self, design: GiftCardDesign) -> None:
        """Write a design as given."""
        await self._designs.replace_one({"_id": design.id}, to_document(design), upsert=True)

    @staticmethod
    def _query(
        customer_ids: tuple[str, ...],
        brand_id: str | None,
        kinds: Sequence[CardKind] | None,
        statuses: Sequence[CardStatus],
        now: datetime,
        back: Sequence[str],
    ) -> dict[str, Any]:
        """A filter on the state as it is now: an active pass past its time counts as expired."""
        stored = [each.value for each in statuses if each is not CardStatus.ACTIVE]
        options: list[dict[str, Any]] = [{"status": {"$in": stored}, "_id": {"$nin": list(back)}}]
        returned: list[dict[str, Any]] = [{"_id": {"$in": list(back)}}] if back else []
        for active in ({"status": CardStatus.ACTIVE.value}, *returned):
            if CardStatus.ACTIVE in statuses:
                options.append(active | {"uses.expires_at": {"$not": {"$lte": now}}})
            if CardStatus.EXPIRED in statuses:
                options.append(active | {"uses.expires_at": {"$lte": now}})
        query: dict[str, Any] = {"customer_id": {"$in": list(customer_ids)}, "$or": options}
        if brand_id is not None:
            query["brand_id"] = brand_id
        if kinds is not None:
            query["kind"] = {"$in": [kind.value for kind in kinds]}
        return query


def _document(card: Card) -> Document:
    document = to_document(card) | {"current": card.status in _CURRENT}
    return document | {"lapses_at": card.lapses_at} if card.lapses_at else document


def _card(document: Document) -> Card:
    return from_document(Card, document)
