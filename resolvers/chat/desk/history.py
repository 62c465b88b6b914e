"""What a customer sees of a conversation: what was said in it, and before that in those that were merged into it.

Numbers go on downwards: 1, 2, 3 … in the conversation itself, 0, -1, -2 … in the one that was merged into it last.
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
    """A page of what its customer sees, newest first, without notes. Raises BadInput for a cursor of another list."""
    before, found = message_number(request), list[ChatMessage]()
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
    if message.said_again or message.author is Author.NOTE:
        return None
    return replace(message, number=message.number - dict(_parts(whose)).get(message.conversation_id, 0))


def _parts(conversation: Conversation) -> Iterator[tuple[str, int]]:
    """Each conversation of which the customer sees something, newest first, and how much lower its numbers are."""
    yield conversation.id, 0
    lower = 0
    for each in conversation.merged:
        lower += each.messages
        yield each.id, lower
