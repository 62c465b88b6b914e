"""Idempotency rows, scarce counters and staff actions in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from resolvers.documents import Document, from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, insert_new
from resolvers.work.model import Row

ROW_INDEXES = [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)]
RETURNS_KEPT = 1_000
COUNTER_INDEXES = [IndexModel([("notes.until", ASCENDING)], sparse=True)]
ACTION_INDEXES = [IndexModel([("staff_id", ASCENDING), ("at", ASCENDING)]), IndexModel([("target_id", ASCENDING)])]


class WorkStore:
    """What running a verb remembers."""

    def __init__(self, connection: Connection) -> None:
        self._rows = connection.collection("idempotency")
        self._counters = connection.collection("counters")
        self._actions = connection.collection("staff_actions")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._rows, ROW_INDEXES)
        await ensure_indexes(self._counters, COUNTER_INDEXES)
        await ensure_indexes(self._actions, ACTION_INDEXES)

    async def row(self, row_id: str, session: Session | None = None) -> Row | None:
        """The row of a key, if it was used."""
        document = await self._rows.find_one({"_id": row_id}, session=session)
        return from_document(Row, document) if document else None

    async def first_row(self, row_ids: Sequence[str], session: Session | None = None) -> Row | None:
        """The first of these rows that is there."""
        if len(row_ids) == 1:
            return await self.row(row_ids[0], session)
        found = await self._rows.find({"_id": {"$in": list(row_ids)}}, session=session).to_list(len(row_ids))
        rows = {document["_id"]: from_document(Row, document) for document in found}
        return next((rows[each] for each in row_ids if each in rows), None)

    async def insert_row(self, session: Session, row: Row) -> None:
        """Write the row. A key taken meanwhile kills the transaction; the next look-up finds its row."""
        await self._rows.insert_one(to_document(row), session=session)

    async def set_row(self, session: Session, row: Row) -> None:
        """Write the state and result of a row that is already there."""
        await self._rows.update_one(
            {"_id": row.id}, {"$set": {"state": row.state.value, "result": row.result}}, session=session
        )

    async def delete_row(self, session: Session, row_id: str) -> None:
        """Forget a key: the call behind it came to nothing."""
        await self._rows.delete_one({"_id": row_id}, session=session)

    async def insert_actions(self, session: Session, actions: Sequence[Document]) -> None:
        """Write the audit rows of staff actions."""
        await self._actions.insert_many(list(actions), session=session)

    async def make_counter(self, counter_id: str, left: int) -> bool:
        """Make a counter unless it is there; whether it was made."""
        return await insert_new(self._counters, {"_id": counter_id, "left": left, "size": left, "notes": []})

    async def resize(self, counter_ids: Sequence[str], size: int) -> None:
        """Make counters count down from another number: what is left moves by the difference. Safe to repeat.

        Each in one write, so that pieces taken meanwhile stay taken. Below 0 more is taken already than there shall be:
        nobody gets any until so many came back.
        """
        left = {"$add": ["$left", {"$subtract": [size, "$size"]}]}
        await self._counters.update_many(
            {"_id": {"$in": list(counter_ids)}, "size": {"$exists": True, "$ne": size}},
            [{"$set": {"left": left, "size": size}}],
        )

    async def recount(self, counter_id: str, size: int, left: int) -> None:
        """Begin a counter anew: so many are left of so many."""
        await self._counters.update_one({"_id": counter_id}, {"$set": {"size": size, "left": left}})

    async def taken(self, counter_id: str) -> int:
        """How many pieces of a counter are taken or reserved; none of one that does not exist."""
        counter = await self._counters.find_one({"_id": counter_id}, projection={"left": 1, "size": 1})
        return counter["size"] - counter["left"] if counter else 0

    async def left(self, counter_ids: Sequence[str]) -> dict[str, int]:
        """What is left of each counter; counters that do not exist are missing from the answer."""
        found = self._counters.find({"_id": {"$in": list(counter_ids)}}, projection={"left": 1})
        return {document["_id"]: document["left"] for document in await found.to_list(len(counter_ids))}

    async def room(self, counter_id: str) -> tuple[int, bool]:
        """(pieces left, whether more may yet come back because calls under way have reserved some)."""
        counter = await self._counters.find_one({"_id": counter_id}, projection={"left": 1, "notes.until": 1})
        return (counter["left"], bool(counter["notes"])) if counter else (0, False)

    async def take(self, counter_id: str, count: int, key: str, until: datetime) -> bool:
        """Take pieces and note the reservation in the same write; False when too few are left."""
        taken = await self._counters.update_one(
            {"_id": counter_id, "left": {"$gte": count}},
            {"$inc": {"left": -count}, "$push": {"notes": {"key": key, "count": count, "until": until}}},
        )
        return taken.modified_count == 1

    async def holds_note(self, counter_id: str, row_id: str) -> bool:
        """Whether a copy of the call behind this row holds pieces at the moment."""
        counter = await self._counters.find_one({"_id": counter_id}, projection={"notes.key": 1})
        return any(note["key"].rpartition("#")[0] == row_id for note in (counter or {}).get("notes", []))

    async def strike_out(self, counter_id: str, key: str) -> None:
        """Drop the note of a reservation that was used."""
        await self._counters.update_one({"_id": counter_id}, {"$pull": {"notes": {"key": key}}})

    async def give_back(self, counter_id: str, count: int, key: str) -> None:
        """Return the pieces of a reservation that was not used; once, because the note goes with them."""
        await self._counters.update_one(
            {"_id": counter_id, "notes.key": key}, {"$inc": {"left": count}, "$pull": {"notes": {"key": key}}}
        )

    async def return_once(self, counter_id: str, count: int, key: str) -> None:
        """Return pieces whose transaction committed and was undone later (a cancelled order); once per key.

        The last RETURNS_KEPT keys are kept, far more than can be tried again at the same time.
        """
        await self._counters.update_one(
            {"_id": counter_id, "returns": {"$ne": key}},
            {"$inc": {"left": count}, "$push": {"returns": {"$each": [key], "$slice": -RETURNS_KEPT}}},
        )

    async def overdue(self, now: datetime, counter_id: str | None = None) -> list[tuple[str, dict[str, Any]]]:
        """Notes past their time: (counter id, note). At most those of 100 counters."""
        query: dict[str, Any] = {"notes.until": {"$lt": now}}
        if counter_id is not None:
            query["_id"] = counter_id
        found = await self._counters.find(query, projection={"notes": 1}).to_list(100)
        return [(each["_id"], note) for each in found for note in each["notes"] if note["until"] < now]

    async def next_number(self, counter_id: str) -> int:
        """The next of 1, 2, 3 …; drawn outside the transaction, so there may be gaps but never a queue."""
        counter = await self._counters.find_one_and_update(
            {"_id": counter_id}, {"$inc": {"drawn": 1}}, upsert=True, return_document=True
        )
        number: int = (counter or {})["drawn"]
        return number
