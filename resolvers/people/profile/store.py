"""Nicknames and pictures in MongoDB."""

from collections.abc import Sequence

from pymongo import ASCENDING

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.people.profile.model import Picture

PICTURE_INDEXES = [IndexModel([("customer_id", ASCENDING)])]


class ProfileStore:
    """Pictures by what they show, and what a customer is shown as."""

    def __init__(self, connection: Connection) -> None:
        self._pictures = connection.collection("pictures")
        self._customers = connection.collection("customers")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._pictures, PICTURE_INDEXES)

    async def picture(self, picture_id: str) -> Picture | None:
        """A picture by id."""
        document = await self._pictures.find_one({"_id": picture_id})
        return from_document(Picture, document) if document else None

    async def put_picture(self, session: Session, picture: Picture, owner_ids: Sequence[str]) -> None:
        """Write a customer's picture in the place of the last one, by whichever of their ids they had that."""
        whose = {"customer_id": {"$in": list(owner_ids)}, "_id": {"$ne": picture.id}}
        await self._pictures.delete_many(whose, session=session)
        await self._pictures.replace_one({"_id": picture.id}, to_document(picture), upsert=True, session=session)

    async def set_shown(self, session: Session, customer_id: str, shown: dict[str, str]) -> None:
        """Write what is given of nickname and picture's address; what is not stays."""
        await self._customers.update_one({"_id": customer_id}, {"$set": shown}, session=session)
