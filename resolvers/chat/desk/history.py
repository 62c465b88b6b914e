"""What a customer sees of a conversation: what was said in it, and below that in those that were merged into it.

Numbers go on downwards: 1, 2, 3 … in the conversation itself, 0, -1, -2 … in the one that was merged into it first, and
lower still in those merged later, so that one more changes no number there. The order is by number: newest first within
each conversation, whatever was said when in another one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from resolvers.app import App
from resolvers.chat.desk.cursors import message_number
from resolvers.chat.desk.model import Author, ChatMessage, Conversation
from resolvers.mongo import Session
from resolvers.paging import Page, PageRequest, page_of


async def history_page(
    app: App, conversation: Conversation, request: PageRequest, session: Session | None = None
) -> Page[ChatMessage]:
    """A page of what its customer sees, by number downwards, without notes. Raises BadInput for another list's cursor.

    A cursor of before a merge goes on from where its message stands now.
    """
    before, found = await _number_now(app, conversation, request, session), list[ChatMessage]()
    for conversation_id, lower in _parts(conversation):
        wanted = request.first + 1 - len(found)
        if wanted == 0 or (before is not None and before + lower <= 1):
            continue
        part = await app.conversations.messages_before(
            conversation_id,
            before + lower if before is not None else None,
            wanted,
            with_notes=False,
            said_again=False,
            session=session,
        )
        found += [replace(each, number=each.number - lower) for each in part]
    return page_of(found, request, lambda message: (message.number, message.id))


async def seen_message(app: App, message: ChatMessage, customer_ids: Sequence[str]) -> ChatMessage | None:
    """A message as a customer, by all their ids, sees it; None: not theirs, a note, or said again elsewhere."""
    whose = await app.conversations.conversation(message.conversation_id)
    while whose is not None and whose.merged_into is not None:
        whose = await app.conversations.conversation(whose.merged_into)
    if whose is None or whose.person_key not in customer_ids:
        return None
    if message.said_again_as is not None or message.author is Author.NOTE:
        return None
    return replace(message, number=message.number - dict(_parts(whose)).get(message.conversation_id, 0))


async def _number_now(
    app: App, conversation: Conversation, request: PageRequest, session: Session | None
) -> int | None:
    """The number before which a page begins: that of the cursor's message, wherever it has gone with a merge.

    What rules answered stays where it was when what the person wrote before it is said again: then the page begins with
    that, and what rules answered is seen once more below it, for nothing may be missed.
    """
    number, parts, with_it = message_number(request), dict(_parts(conversation)), False
    message = await app.conversations.message(request.after[1], session) if request.after is not None else None
    while message is not None and message.conversation_id in parts:
        again = message
        if message.author is Author.BOT:
            again = await app.conversations.written_before(message, session) or message
        if again.said_again_as is None:
            return message.number - parts[message.conversation_id] + with_it
        with_it = with_it or again is not message
        message = await app.conversations.message(again.said_again_as, session)
    return number


def _parts(conversation: Conversation) -> Iterator[tuple[str, int]]:
    """Each conversation of which the customer sees something, as the numbers go, and how much lower its numbers are."""
    yield conversation.id, 0
    lower = 0
    for each in conversation.merged:
        lower += each.messages
        yield each.id, lower
