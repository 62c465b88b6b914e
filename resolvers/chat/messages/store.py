"""Templates, consents and what came of messages, in MongoDB."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING, ReturnDocument

from resolvers.chat.messages.model import (
    MAXIMUM_REMAINING,
    MESSAGES_KEPT,
    Consent,
    Draft,
    Message,
    MessageEvent,
    MessageState,
    MessageTemplate,
)
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, insert_new
from resolvers.ports import Platform

TEMPLATE_INDEXES = [IndexModel([("brand_id", ASCENDING), ("platform", ASCENDING), ("app_id", ASCENDING)])]
MESSAGE_INDEXES = [IndexModel([("forget_at", ASCENDING)], expireAfterSeconds=0)]


class MessageStore:
    """One-time messages."""

    def __init__(self, connection: Connection) -> None:
        self._templates = connection.collection("message_templates")
        self._consents = connection.collection("message_consents")
        self._messages = connection.collection("messages")
        self._customers = connection.collection("customers")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._templates, TEMPLATE_INDEXES)
        await ensure_indexes(self._messages, MESSAGE_INDEXES)

    # templates

    async def put_template(self, template: MessageTemplate) -> None:
        """Write a template as given."""
        await self._templates.replace_one({"_id": template.id}, to_document(template), upsert=True)

    async def templates_of(
        self, brand_id: str, platform: Platform, app_id: str, session: Session | None = None
    ) -> list[MessageTemplate]:
        """A brand's templates in one app: at most one for each event."""
        query = {"brand_id": brand_id, "platform": platform.value, "app_id": app_id}
        found = self._templates.find(query, session=session).sort("_id", ASCENDING)
        return [from_document(MessageTemplate, each) for each in await found.to_list(len(MessageEvent))]

    async def templates(self, template_keys: Sequence[str]) -> list[MessageTemplate]:
        """Templates by id, those that exist."""
        found = self._templates.find({"_id": {"$in": list(template_keys)}})
        return [from_document(MessageTemplate, each) for each in await found.to_list(None)]

    # the ledger of consents

    async def consents(self, consent_ids: Sequence[str], session: Session | None = None) -> list[Consent]:
        """Rows of the ledger by id, those that exist."""
        found = self._consents.find({"_id": {"$in": list(consent_ids)}}, session=session)
        return [from_document(Consent, each) for each in await found.to_list(None)]

    async def grant(self, session: Session, consent_id: str, now: datetime) -> None:
        """One message more may be sent; beyond MAXIMUM_REMAINING none are counted."""
        remaining = {"$min": [{"$add": [{"$ifNull": ["$remaining", 0]}, 1]}, MAXIMUM_REMAINING]}
        granted = {"$add": [{"$ifNull": ["$granted", 0]}, 1]}
        update = [{"$set": {"remaining": remaining, "granted": granted, "granted_at": now}}]
        await self._consents.update_one({"_id": consent_id}, update, upsert=True, session=session)

    async def want(self, session: Session, customer_id: str, events: Sequence[MessageEvent]) -> None:
        """Note on the customer that messages of these events may be sent: others cost nothing when they happen.

        It always changes the customer, so that of this and taking the note back one comes after the other.
        """
        wants = {"$each": [event.value for event in events]}
        note = {"$addToSet": {"wants": wants}, "$inc": {"wished": 1}}
        await self._customers.update_one({"_id": customer_id}, note, session=session)

    async def want_no_more(self, session: Session, customer_id: str, event: MessageEvent) -> None:
        """Take that note back."""
        note = {"$pull": {"wants": event.value}, "$inc": {"wished": 1}}
        await self._customers.update_one({"_id": customer_id}, note, session=session)

    async def take_consent(self, session: Session, consent_id: str) -> Consent | None:
        """Use one consent; None when there is none left."""
        document = await self._consents.find_one_and_update(
            {"_id": consent_id, "remaining": {"$gt": 0}},
            {"$inc": {"remaining": -1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(Consent, document) if document else None

    async def return_consent(self, session: Session, consent_id: str, granted: int) -> None:
        """The message did not count; gives nothing back where the platform has said since that there are none."""
        not_ended = {"_id": consent_id, "$or": [{"ended": None}, {"ended": {"$lt": granted}}]}
        await self._consents.update_one(not_ended, {"$inc": {"remaining": 1}}, session=session)

    async def end_consents(self, session: Session, consent_id: str, granted: int) -> None:
        """The platform knows of none: only what was granted since (beyond `granted` in all) is left."""
        since = {"$max": [{"$subtract": ["$granted", granted]}, 0]}
        ended = {"$max": [{"$ifNull": ["$ended", 0]}, granted]}
        update = [{"$set": {"remaining": {"$min": ["$remaining", since]}, "ended": ended}}]
        await self._consents.update_one({"_id": consent_id}, update, session=session)

    # messages

    async def message(self, message_id: str) -> Message | None:
        """What came of a message."""
        document = await self._messages.find_one({"_id": message_id})
        return from_document(Message, document) if document else None

    async def begin(self, session: Session, draft: Draft, consent: Consent, now: datetime) -> bool:
        """Note that a message is being sent; False when it is, or was, already."""
        before = await self._messages.find_one({"_id": draft.id}, session=session)
        if before is not None and before["state"] != MessageState.WAITING.value:
            return False
        row = Message(
            draft.id, draft.customer_id, draft.event, MessageState.SENDING, now, consent.id, granted=consent.granted
        )
        document = {**to_document(row), "forget_at": now + MESSAGES_KEPT}
        await self._messages.replace_one({"_id": draft.id}, document, upsert=True, session=session)
        return True

    async def end(self, message_id: str, state: MessageState, reason: str | None, session: Session) -> bool:
        """Say what came of a message that was being sent; False when that is known already."""
        open_states = [MessageState.SENDING.value, MessageState.UNKNOWN.value]
        changed = await self._messages.update_one(
            {"_id": message_id, "state": {"$in": open_states}},
            {"$set": {"state": state.value, "reason": reason}},
            session=session,
        )
        return changed.matched_count == 1

    async def cut_off(self, message_id: str) -> None:
        """Nobody can tell whether the message went out: it is not sent again."""
        await self._messages.update_one(
            {"_id": message_id, "state": MessageState.SENDING.value}, {"$set": {"state": MessageState.UNKNOWN.value}}
        )

    async def not_sent(self, draft: Draft, state: MessageState, now: datetime, reason: str | None = None) -> None:
        """Note that a message is not sent at all, unless it was."""
        row = Message(draft.id, draft.customer_id, draft.event, state, now, reason=reason)
        fields = {name: value for name, value in to_document(row).items() if name != "_id"}
        fields["forget_at"] = now + MESSAGES_KEPT
        waiting = {"_id": draft.id, "state": MessageState.WAITING.value}
        if not (await self._messages.update_one(waiting, {"$set": fields})).matched_count:
            await insert_new(self._messages, {"_id": draft.id, **fields})
