"""Reply rules in MongoDB."""

from pymongo import ASCENDING, DESCENDING

from resolvers.chat.replies.model import MAXIMUM_RULES, ReplyRule
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes

RULE_INDEXES = [IndexModel([("brand_id", ASCENDING), ("position", ASCENDING), ("_id", ASCENDING)])]


class ReplyStore:
    """Reads a brand's rules in their order, and writes them one by one."""

    def __init__(self, connection: Connection) -> None:
        self._rules = connection.collection("reply_rules")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._rules, RULE_INDEXES)

    async def rules_of(self, brand_id: str, session: Session | None = None) -> list[ReplyRule]:
        """A brand's rules, in order."""
        found = self._rules.find({"brand_id": brand_id}, session=session)
        in_order = found.sort([("position", ASCENDING), ("_id", ASCENDING)]).limit(MAXIMUM_RULES + 1)
        return [from_document(ReplyRule, document) for document in await in_order.to_list(MAXIMUM_RULES + 1)]

    async def rule(self, rule_id: str, session: Session | None = None) -> ReplyRule | None:
        """A rule by id."""
        document = await self._rules.find_one({"_id": rule_id}, session=session)
        return from_document(ReplyRule, document) if document else None

    async def last_position(self, brand_id: str, session: Session) -> int:
        """Where a brand's last rule stands; 0 when it has none."""
        document = await self._rules.find_one(
            {"brand_id": brand_id}, projection={"position": 1}, sort=[("position", DESCENDING)], session=session
        )
        return document["position"] if document else 0

    async def put(self, session: Session | None, rule: ReplyRule) -> None:
        """Write a rule as given."""
        await self._rules.replace_one({"_id": rule.id}, to_document(rule), upsert=True, session=session)

    async def delete(self, session: Session, rule_id: str) -> None:
        """Delete a rule; one that is gone stays gone."""
        await self._rules.delete_one({"_id": rule_id}, session=session)
