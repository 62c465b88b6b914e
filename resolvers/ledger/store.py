"""The journal and the balances of customer-side accounts in MongoDB."""

from pymongo import ASCENDING

from resolvers.documents import from_document, to_document
from resolvers.ledger.model import Entry
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes

JOURNAL_INDEXES = [
    IndexModel([("lines.account", ASCENDING), ("at", ASCENDING)]),
    IndexModel([("brand_id", ASCENDING), ("at", ASCENDING)]),
]


class LedgerStore:
    """Writes entries and balances; only `posting.py` calls the writing half."""

    def __init__(self, connection: Connection) -> None:
        self._journal = connection.collection("journal")
        self._accounts = connection.collection("accounts")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._journal, JOURNAL_INDEXES)

    async def insert_entry(self, session: Session, entry: Entry) -> None:
        """Write an entry. Its key being there already kills the transaction: a movement is posted once."""
        await self._journal.insert_one(to_document(entry), session=session)

    async def credit(self, session: Session, account: str, amount_fen: int) -> None:
        """Raise a balance."""
        await self._accounts.update_one(
            {"_id": account}, {"$inc": {"balance_fen": amount_fen}}, upsert=True, session=session
        )

    async def debit(self, session: Session, account: str, amount_fen: int) -> bool:
        """Lower a balance if it holds that much; the condition and the change are one write."""
        lowered = await self._accounts.update_one(
            {"_id": account, "balance_fen": {"$gte": amount_fen}},
            {"$inc": {"balance_fen": -amount_fen}},
            session=session,
        )
        return lowered.modified_count == 1

    async def balance(self, account: str, session: Session | None = None) -> int:
        """The balance of a customer-side account, in fen."""
        document = await self._accounts.find_one({"_id": account}, session=session)
        return document["balance_fen"] if document else 0

    async def entry(self, key: str, session: Session | None = None) -> Entry | None:
        """An entry by its business key."""
        document = await self._journal.find_one({"_id": key}, session=session)
        return from_document(Entry, document) if document else None
