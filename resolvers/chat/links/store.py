"""Mini-program codes that were made: a code lasts for ever, so each is made once."""

from datetime import datetime, timedelta

from pymongo import ASCENDING

from resolvers.chat.links.model import MiniCode
from resolvers.documents import from_document
from resolvers.mongo import Connection, IndexModel, ensure_indexes

KEPT = timedelta(days=180)
CODE_INDEXES = [IndexModel([("forget_at", ASCENDING)], expireAfterSeconds=0)]


class LinkStore:
    """The codes."""

    def __init__(self, connection: Connection) -> None:
        self._codes = connection.collection("mini_codes")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._codes, CODE_INDEXES)

    async def code(self, code_id: str) -> MiniCode | None:
        """A code that was made before."""
        document = await self._codes.find_one({"_id": code_id}, projection={"forget_at": 0})
        return from_document(MiniCode, document) if document else None

    async def keep(self, code: MiniCode, now: datetime) -> None:
        """Keep a code for the next time."""
        fields = {"image": code.image, "content_type": code.content_type, "forget_at": now + KEPT}
        await self._codes.update_one({"_id": code.id}, {"$set": fields}, upsert=True)
