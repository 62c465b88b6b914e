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
        document = await self._codes.find_one({"_id": code_id}, projection={"image": 1, "content_type": 1})
        return from_document(MiniCode, document) if document else None

    async def keep(self, code: MiniCode, now: datetime) -> None:
        """Keep a code for the next time."""
        fields = {"image": code.image, "content_type": code.content_type, "forget_at": now + KEPT}
        await self._codes.update_one({"_id": code.id}, {"$set": fields}, upsert=True)

    async def link(self, code_id: str, good_until: datetime) -> tuple[str, datetime] | None:
        """The link that was made with a code, with its end, if it is good until then."""
        document = await self._codes.find_one({"_id": code_id, "url_until": {"$gt": good_until}})
        return (document["url"], document["url_until"]) if document else None

    async def keep_link(self, code_id: str, url: str, until: datetime) -> None:
        """Keep a link for the next time."""
        await self._codes.update_one({"_id": code_id}, {"$set": {"url": url, "url_until": until}})
