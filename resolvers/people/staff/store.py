"""Staff in MongoDB."""

from datetime import datetime

from pymongo import ASCENDING, ReturnDocument

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, insert_new
from resolvers.people.locking import one_more_try, unlocked
from resolvers.people.model import Staff

STAFF_INDEXES = [
    IndexModel([("username", ASCENDING)], unique=True),
    IndexModel([("brand_id", ASCENDING), ("active", ASCENDING), ("name", ASCENDING)]),
]
MAXIMUM_STAFF = 500  # of one brand that are listed


class StaffStore:
    """The staff of all brands."""

    def __init__(self, connection: Connection) -> None:
        self._staff = connection.collection("staff")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._staff, STAFF_INDEXES)

    async def staff(self, staff_id: str) -> Staff | None:
        """A member of staff by id."""
        document = await self._staff.find_one({"_id": staff_id})
        return from_document(Staff, document) if document else None

    async def named(self, username: str) -> Staff | None:
        """A member of staff by username."""
        document = await self._staff.find_one({"username": username})
        return from_document(Staff, document) if document else None

    async def count_try(self, staff_id: str, now: datetime) -> Staff | None:
        """Count a try, and lock where it is one too many, in one write before the password is compared.

        None while the account is locked: of many guesses sent at once only the first few are ever compared.
        """
        document = await self._staff.find_one_and_update(
            {"_id": staff_id, **unlocked(now)}, one_more_try(now), return_document=ReturnDocument.AFTER
        )
        return from_document(Staff, document) if document else None

    async def forget_tries(self, staff_id: str) -> None:
        """The password was right: start counting from nothing."""
        await self._staff.update_one({"_id": staff_id}, {"$set": {"wrong_tries": 0, "locked_until": None}})

    async def of_brand(self, brand_id: str, session: Session | None = None) -> list[Staff]:
        """A brand's staff who may sign in, by name."""
        found = self._staff.find({"brand_id": brand_id, "active": True}, session=session).sort("name", ASCENDING)
        return [from_document(Staff, each) for each in await found.to_list(MAXIMUM_STAFF)]

    async def insert(self, staff: Staff) -> bool:
        """Write a new member of staff; False when the username is taken."""
        return await insert_new(self._staff, to_document(staff))
