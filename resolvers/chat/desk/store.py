"""Conversations and their messages in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING

from resolvers.chat.desk.cursors import check_conversation_cursor, message_number
from resolvers.chat.desk.model import Author, ChatMessage, Conversation, ConversationState, Delivery
from resolvers.chat.desk.quota import Quota, person_id
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, newest_first
from resolvers.paging import Page, PageRequest, page_of
from resolvers.people.model import Membership

_NEWEST = [("last_at", DESCENDING), ("_id", DESCENDING)]
CONVERSATION_INDEXES = [
    IndexModel([("brand_id", ASCENDING), ("person_key", ASCENDING)], unique=True),
    IndexModel([("person_key", ASCENDING)]),
    IndexModel([("app_id", ASCENDING), ("openid", ASCENDING), ("last_shown_at", DESCENDING)]),
    IndexModel([("brand_id", ASCENDING), *_NEWEST]),
    IndexModel([("brand_id", ASCENDING), ("state", ASCENDING), *_NEWEST]),
    IndexModel([("brand_id", ASCENDING), ("agent_id", ASCENDING), *_NEWEST]),
    IndexModel([("brand_id", ASCENDING), ("changed_at", ASCENDING)]),
]
MESSAGE_INDEXES = [
    IndexModel([("conversation_id", ASCENDING), ("number", ASCENDING)], unique=True),
    IndexModel([("conversation_id", ASCENDING), ("changed_in", ASCENDING)]),
    IndexModel([("conversation_id", ASCENDING), ("changed_at", ASCENDING)]),
    IndexModel(
        [("app_id", ASCENDING), ("openid", ASCENDING), ("delivery", ASCENDING), ("turn", ASCENDING)],
        partialFilterExpression={"openid": {"$gt": ""}},  # what goes to a chat app, or comes from there
    ),
]
_WAITING = [Delivery.QUEUED.value, Delivery.SENDING.value]


class DeskStore:
    """Reads conversations; writes them whole, only against the revision that was read."""

    def __init__(self, connection: Connection) -> None:
        self._conversations = connection.collection("conversations")
        self._messages = connection.collection("conversation_messages")
        self._memberships = connection.collection("memberships")
        self._people = connection.collection("chat_people")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._conversations, CONVERSATION_INDEXES)
        await ensure_indexes(self._messages, MESSAGE_INDEXES)

    async def conversation(self, conversation_id: str, session: Session | None = None) -> Conversation | None:
        """A conversation by id."""
        return await self._one({"_id": conversation_id}, session)

    async def of_person(self, brand_id: str, person_key: str, session: Session | None = None) -> Conversation | None:
        """The conversation of a person with a brand."""
        return await self._one({"brand_id": brand_id, "person_key": person_key}, session)

    async def of_people(
        self, person_keys: Sequence[str], session: Session, brand_id: str | None = None
    ) -> list[Conversation]:
        """All conversations of some people, with this brand or (None) with whatever."""
        query: dict[str, Any] = {"person_key": {"$in": list(person_keys)}}
        if brand_id is not None:
            query["brand_id"] = brand_id
        found = self._conversations.find(query, session=session)
        return [from_document(Conversation, each) for each in await found.to_list(None)]

    async def newest_at_openid(self, app_id: str, openid: str, but: Sequence[str] = ()) -> Conversation | None:
        """The conversation in this app of which a person saw something last, with whatever brand but these."""
        query = {"app_id": app_id, "openid": openid, "brand_id": {"$nin": list(but)}}
        document = await self._conversations.find_one(query, sort=[("last_shown_at", DESCENDING)])
        return from_document(Conversation, document) if document else None

    async def at_openid(self, app_id: str, openid: str, brand_ids: Sequence[str]) -> list[Conversation]:
        """The conversations in this app with these brands."""
        query = {"app_id": app_id, "openid": openid, "brand_id": {"$in": list(brand_ids)}}
        return [from_document(Conversation, each) for each in await self._conversations.find(query).to_list(None)]

    async def shown_before(self, conversation: Conversation, moment: datetime) -> datetime | None:
        """When, before a moment, a person last wrote where a conversation is, or an agent's message arrived there."""
        there = {"conversation_id": conversation.id, "app_id": conversation.app_id, "openid": conversation.openid}
        wrote = there | {"author": Author.CUSTOMER.value, "at": {"$lt": moment}}
        arrived = there | {
            "author": Author.AGENT.value,
            "delivery": Delivery.SENT.value,
            "changed_at": {"$lt": moment},  # such a message does not change any more
        }
        found = [
            document[when]
            for query, when in ((wrote, "at"), (arrived, "changed_at"))
            for document in await self._messages.find(query).sort(when, DESCENDING).limit(1).to_list(1)
        ]
        return max(found, default=None)

    async def page(
        self,
        brand_id: str,
        request: PageRequest,
        states: Sequence[ConversationState] | None,
        agent_id: str | None,
        now: datetime,
    ) -> Page[Conversation]:
        """A page of a brand's conversations in these states as they are now, the one with the newest message first.

        Raises BadInput when the cursor is of another list.
        """
        check_conversation_cursor(request)
        query: dict[str, Any] = {"brand_id": brand_id}
        if states is not None:
            query |= _in_states(set(states), now)
        if agent_id is not None:
            query["agent_id"] = agent_id
        return await newest_first(
            self._conversations, query, request, "last_at", lambda document: from_document(Conversation, document)
        )

    async def changed_since(self, brand_id: str, moment: datetime, most: int) -> list[Conversation]:
        """A brand's conversations that changed since a moment, in the order in which they changed."""
        found = self._conversations.find({"brand_id": brand_id, "changed_at": {"$gte": moment}})
        documents = await found.sort("changed_at", ASCENDING).limit(most).to_list(most)
        return [from_document(Conversation, document) for document in documents]

    async def members(self, brand_id: str, customer_ids: tuple[str, ...]) -> dict[str, Membership]:
        """The memberships of these customers at a brand, by customer."""
        found = self._memberships.find({"customer_id": {"$in": list(customer_ids)}, "brand_id": brand_id})
        return {each["customer_id"]: from_document(Membership, each) for each in await found.to_list(len(customer_ids))}

    async def quota(self, app_id: str, openid: str, session: Session | None = None) -> Quota:
        """What may be sent to an openid of an app; of one that was never heard of, nothing."""
        wanted = person_id(app_id, openid)
        return (await self.quotas((wanted,), session)).get(wanted, Quota())

    async def quotas(self, person_ids: Sequence[str], session: Session | None = None) -> dict[str, Quota]:
        """What may be sent to these people, by `person_id`; those that were never heard of are missing."""
        query = {"_id": {"$in": list(person_ids)}, "quota": {"$exists": True}}
        found = self._people.find(query, projection={"quota": 1}, session=session)
        return {each["_id"]: from_document(Quota, each["quota"]) for each in await found.to_list(None)}

    async def keep_quota(self, session: Session, app_id: str, openid: str, quota: Quota) -> None:
        """Write what may be sent to an openid from now on; whoever does so at the same time starts over."""
        changes = {"$set": {"quota": to_document(quota)}}
        await self._people.update_one({"_id": person_id(app_id, openid)}, changes, upsert=True, session=session)

    async def insert(self, session: Session, conversation: Conversation) -> None:
        """Write a new conversation; one that the person has already kills the transaction."""
        await self._conversations.insert_one(to_document(conversation), session=session)

    async def replace(self, session: Session, conversation: Conversation, seen_revision: int) -> bool:
        """Write a conversation that was read at a revision; False when it has changed since."""
        replaced = await self._conversations.replace_one(
            {"_id": conversation.id, "revision": seen_revision}, to_document(conversation), session=session
        )
        return replaced.modified_count == 1

    async def message(self, message_id: str, session: Session | None = None) -> ChatMessage | None:
        """A message by id."""
        document = await self._messages.find_one({"_id": message_id}, session=session)
        return from_document(ChatMessage, document) if document else None

    async def put_messages(self, session: Session, messages: Sequence[ChatMessage]) -> None:
        """Write messages, new ones or ones that have changed."""
        for message in messages:
            await self._messages.replace_one(
                {"_id": message.id}, to_document(message), upsert=message.revision == 1, session=session
            )

    async def in_line(
        self, app_id: str, openid: str, turn: int | None, session: Session | None = None
    ) -> list[ChatMessage]:
        """Messages to an openid that are queued or being sent, of before a turn (None: all), in their order."""
        query = _waiting(app_id, openid) | ({"turn": {"$lt": turn}} if turn is not None else {})
        found = self._messages.find(query, session=session).sort("turn", ASCENDING)
        return [from_document(ChatMessage, document) for document in await found.to_list(None)]

    async def next_in_line(self, app_id: str, openid: str, turn: int) -> ChatMessage | None:
        """The first message to an openid that is queued or being sent, after a turn."""
        query = _waiting(app_id, openid) | {"turn": {"$gt": turn}}
        document = await self._messages.find_one(query, sort=[("turn", ASCENDING)])
        return from_document(ChatMessage, document) if document else None

    async def messages_page(
        self, conversation_id: str, request: PageRequest, *, with_notes: bool, session: Session | None = None
    ) -> Page[ChatMessage]:
        """A page of a conversation's messages, newest first. Raises BadInput when the cursor is of another list."""
        found = await self.messages_before(
            conversation_id, message_number(request), request.first + 1, with_notes=with_notes, session=session
        )
        return page_of(found, request, lambda message: (message.number, message.id))

    async def messages_before(
        self,
        conversation_id: str,
        number: int | None,
        most: int,
        *,
        with_notes: bool,
        said_again: bool = True,
        session: Session | None = None,
    ) -> list[ChatMessage]:
        """Messages of a conversation before one of them (None: the newest), newest first; those said again, or not."""
        query: dict[str, Any] = {"conversation_id": conversation_id}
        if number is not None:
            query["number"] = {"$lt": number}
        if not with_notes:
            query["author"] = {"$ne": Author.NOTE.value}
        if not said_again:
            query["said_again_as"] = None
        found = self._messages.find(query, session=session).sort("number", DESCENDING).limit(most)
        return [from_document(ChatMessage, each) for each in await found.to_list(most)]

    async def written_before(self, message: ChatMessage, session: Session | None = None) -> ChatMessage | None:
        """What the person wrote last before a message of their conversation."""
        query = {
            "conversation_id": message.conversation_id,
            "number": {"$lt": message.number},
            "author": Author.CUSTOMER.value,
        }
        document = await self._messages.find_one(query, sort=[("number", DESCENDING)], session=session)
        return from_document(ChatMessage, document) if document else None

    async def messages_after(self, conversation_id: str, revision: int, most: int) -> list[ChatMessage]:
        """Messages that later revisions of a conversation have written, in the order of those."""
        return await self._changed(conversation_id, {"changed_in": {"$gt": revision}}, "changed_in", most)

    async def messages_since(self, conversation_id: str, moment: datetime, most: int) -> list[ChatMessage]:
        """Messages of a conversation that changed since a moment, in the order in which they changed."""
        return await self._changed(conversation_id, {"changed_at": {"$gte": moment}}, "changed_at", most)

    async def _changed(
        self, conversation_id: str, query: Mapping[str, Any], order: str, most: int
    ) -> list[ChatMessage]:
        found = self._messages.find({"conversation_id": conversation_id, **query}).sort(order, ASCENDING)
        return [from_document(ChatMessage, document) for document in await found.limit(most).to_list(most)]

    async def _one(self, query: Mapping[str, Any], session: Session | None) -> Conversation | None:
        document = await self._conversations.find_one(query, session=session)
        return from_document(Conversation, document) if document else None


def _waiting(app_id: str, openid: str) -> dict[str, Any]:
    return {"app_id": app_id, "openid": openid, "delivery": {"$in": _WAITING}}


def _in_states(states: set[ConversationState], now: datetime) -> dict[str, Any]:
    """Who is at the platform's own desk after its time is answered by rules again, though it is not written yet."""
    platform, bot = ConversationState.PLATFORM, ConversationState.BOT
    over = {"state": platform.value, "platform_until": {"$lte": now}}
    stored = states | {platform} if bot in states else states
    query: dict[str, Any] = {"state": {"$in": sorted(each.value for each in stored)}}
    if platform in states and bot not in states:
        query["$nor"] = [over]
    elif bot in states and platform not in states:
        query["$or"] = [{"state": {"$ne": platform.value}}, over]
    return query
