"""Outbox tasks in MongoDB: put in a transaction, claimed by one worker at a time, done, or tried again later."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, ReturnDocument

from resolvers.documents import Document, from_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.outbox.model import Task, TaskState

TASK_INDEXES = [
    IndexModel([("state", ASCENDING), ("due_at", ASCENDING)]),
    IndexModel([("done_at", ASCENDING)], expireAfterSeconds=30 * 86_400, sparse=True),
]


class OutboxStore:
    """The tasks that wait."""

    def __init__(self, connection: Connection) -> None:
        self._tasks = connection.collection("outbox")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._tasks, TASK_INDEXES)

    async def put(self, session: Session, tasks: Sequence[Document], now: datetime) -> None:
        """Write tasks in the caller's transaction; one that is there already (same key) stays as it is."""
        for task in tasks:
            waiting = {**task, "state": TaskState.WAITING.value, "due_at": now, "tries": 0, "last_error": None}
            await self._tasks.update_one({"_id": task["_id"]}, {"$setOnInsert": waiting}, upsert=True, session=session)

    async def claim_due(self, now: datetime, lease: timedelta) -> Task | None:
        """Take one due task for the length of the lease; a worker that dies leaves it to the next after that."""
        document = await self._tasks.find_one_and_update(
            {"state": TaskState.WAITING.value, "due_at": {"$lte": now}},
            {"$set": {"due_at": now + lease}, "$inc": {"tries": 1}},
            sort=[("due_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )
        return from_document(Task, document) if document else None

    async def finish(self, task: Task, now: datetime) -> None:
        """Mark a task as done."""
        await self._tasks.update_one(
            {"_id": task.id}, {"$set": {"state": TaskState.DONE.value, "done_at": now, "last_error": None}}
        )

    async def fail(self, task: Task, now: datetime, error: str, wait: timedelta | None) -> None:
        """Try a task again after a wait; None: lay it aside as dead."""
        state = TaskState.DEAD if wait is None else TaskState.WAITING
        await self._tasks.update_one(
            {"_id": task.id},
            {"$set": {"state": state.value, "due_at": now + (wait or timedelta()), "last_error": error[:300]}},
        )

    async def revive(self, task_id: str, now: datetime) -> None:
        """Set a task that is done or dead going again, as if it were new."""
        await self._tasks.update_one(
            {"_id": task_id, "state": {"$ne": TaskState.WAITING.value}},
            {
                "$set": {"state": TaskState.WAITING.value, "due_at": now, "tries": 0, "revived": True},
                "$unset": {"done_at": ""},
            },
        )

    async def waiting(self) -> int:
        """How many tasks are not done yet."""
        return await self._tasks.count_documents({"state": TaskState.WAITING.value})
