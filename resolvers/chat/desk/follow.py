"""Following the conversations of a brand, or one's own: the backlog after a cursor first, then live."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from resolvers.app import App
from resolvers.chat.desk.model import Author, ChatMessage, Conversation
from resolvers.documents import from_document
from resolvers.errors import BadInput
from resolvers.ids import prefix_of
from resolvers.live.follow import CURSOR_SECONDS, STORE_BATCH, STORE_OVERLAP, moment_of, timed_cursor
from resolvers.paging import decode_cursor, encode_cursor

MESSAGE_BATCH = 200  # messages of one conversation told at once; beyond, the reader is told to read them as pages


@dataclass(frozen=True, slots=True)
class DeskEvent:
    """A conversation as it became and the messages that are new or have changed.

    `resync`: some may be missing, read the conversation again; without a conversation: read the list again.
    """

    cursor: str
    at: datetime
    conversation: Conversation | None
    messages: tuple[ChatMessage, ...]
    resync: bool = False


def desk_cursor(moment: datetime) -> str:
    """A cursor for "every change of this brand's conversations before this moment is known"."""
    return timed_cursor(moment, "desk")


async def follow_desk(app: App, brand_id: str, after: str | None) -> AsyncIterator[DeskEvent]:
    """Every change of a brand's conversations after a cursor (None: from now on), for its agents.

    At least once: after a reconnect the last minute may be told again; keep the newest revision of each conversation
    and message. Raises BadInput.
    """
    async with app.hub.desk(brand_id) as listener:
        moment = moment_of(after, "desk", app.clock.now())
        seen: dict[str, int] = {}
        catching_up = after is not None
        while True:
            if catching_up:
                catching_up = False
                since = moment - STORE_OVERLAP
                found = await app.conversations.changed_since(brand_id, since, STORE_BATCH)
                if len(found) == STORE_BATCH:
                    moment = app.clock.now()
                    yield DeskEvent(desk_cursor(moment), moment, None, (), resync=True)
                    continue
                for conversation in found:
                    if seen.get(conversation.id, 0) < conversation.revision:
                        seen[conversation.id] = conversation.revision
                        moment = max(moment, conversation.changed_at)
                        messages = await app.conversations.messages_since(conversation.id, since, MESSAGE_BATCH)
                        full = len(messages) == MESSAGE_BATCH
                        yield _event(desk_cursor(moment), conversation, messages, resync=full)
                continue
            document = await listener.get(CURSOR_SECONDS)
            if listener.gap:
                listener.gap = False
                catching_up = True
            elif document is not None:
                conversation = from_document(Conversation, document)
                if seen.get(conversation.id, 0) < conversation.revision:
                    seen[conversation.id] = conversation.revision
                    moment = max(moment, conversation.changed_at)
                    yield _event(desk_cursor(moment), conversation, conversation.changed)
            if len(seen) > 10_000:
                seen.clear()


async def follow_conversation(app: App, brand_id: str, customer_id: str, after: str | None) -> AsyncIterator[DeskEvent]:
    """Every change of one's own conversation with a brand after a cursor (None: from now on), each once, without notes.

    Where another conversation goes on, because two of one person became one, it says so with a resync: at once after a
    cursor of the other, or when it happens. Raises BadInput.
    """
    if await app.brands.brand(brand_id) is None:
        raise BadInput("brandId names no brand.")
    async with app.hub.conversation(brand_id, customer_id) as listener:
        conversation = await app.conversations.of_person(brand_id, customer_id)
        which, known = (conversation.id, conversation.revision) if conversation is not None else (None, 0)
        if after is not None:
            which, known = _known(after, conversation)
        catching_up = True
        while True:
            if catching_up:
                catching_up = False
                conversation = await app.conversations.of_person(brand_id, customer_id)
            else:
                document = await listener.get(CURSOR_SECONDS)
                if listener.gap:
                    listener.gap = False
                    catching_up = True
                    continue
                conversation = from_document(Conversation, document) if document is not None else None
                if conversation is not None and conversation.id != which:
                    catching_up = True  # the store knows which of two goes on
                    continue
            if conversation is None or (conversation.id == which and conversation.revision <= known):
                continue
            messages: Sequence[ChatMessage] = conversation.changed
            if which not in (None, conversation.id):
                which, known = conversation.id, conversation.revision
                yield _event(own_cursor(conversation), conversation, (), resync=True)
                continue
            if conversation.revision > known + 1:
                messages = await app.conversations.messages_after(conversation.id, known, MESSAGE_BATCH)
            which, known = conversation.id, conversation.revision
            visible = [message for message in messages if message.author is not Author.NOTE]
            if visible or not messages:
                yield _event(own_cursor(conversation), conversation, visible, resync=len(messages) == MESSAGE_BATCH)


def own_cursor(conversation: Conversation) -> str:
    """A cursor for "everything of this conversation up to now is known"."""
    return encode_cursor((conversation.revision, conversation.id))


def _known(after: str, conversation: Conversation | None) -> tuple[str, int]:
    """(conversation id, revision) of a cursor; it may be of another one, as after two accounts were joined."""
    revision, conversation_id = decode_cursor(after)
    if type(revision) is not int or prefix_of(conversation_id) != "cnv":
        raise BadInput("after is not a cursor of a conversation.")
    if conversation is None or conversation_id != conversation.id:
        return conversation_id, 0
    return conversation_id, min(revision, conversation.revision)


def _event(
    cursor: str, conversation: Conversation, messages: Sequence[ChatMessage], *, resync: bool = False
) -> DeskEvent:
    in_order = tuple(sorted(messages, key=lambda message: message.number))
    return DeskEvent(cursor, conversation.changed_at, conversation, in_order, resync)
