"""The conversations of two accounts that become one: with each brand one goes on, the other is closed and kept."""

from dataclasses import replace

from resolvers.app import App
from resolvers.chat.desk.model import Author, ChatMessage, Conversation, ConversationState
from resolvers.chat.desk.write import said, write_conversation
from resolvers.paging import MAXIMUM_PAGE, PageRequest
from resolvers.work.unit import Work

_LIVELY = (ConversationState.OPEN, ConversationState.WAITING)


async def join_conversations(app: App, work: Work, survivor_id: str, absorbed_ids: tuple[str, ...]) -> None:
    """Make the conversations of joined accounts the survivor's, in the caller's transaction.

    Of two with one brand the one goes on in which an agent is, or is awaited, else the one in which something was said
    last. What nobody has answered in the other one is said in it again, at its own time. Agents find the other one
    closed, with all that was said in it.
    """
    mine = await app.conversations.of_people((survivor_id, *absorbed_ids), work.session)
    for brand_id in sorted({each.brand_id for each in mine}):
        kept, *others = sorted((each for each in mine if each.brand_id == brand_id), key=_importance, reverse=True)
        unanswered: list[ChatMessage] = []
        for other in others:
            unanswered += await _unanswered(app, work, other, kept)
            closed = replace(other, person_key=f"{other.person_key}:{other.id}", state=ConversationState.CLOSED)
            await write_conversation(app, work, closed)
        goes_on = replace(kept, person_key=survivor_id, customer_id=survivor_id)
        if unanswered:
            goes_on = replace(goes_on.queued(work.now), unanswered=goes_on.unanswered + len(unanswered))
        if goes_on != kept:
            await write_conversation(app, work, goes_on, unanswered)


async def _unanswered(app: App, work: Work, other: Conversation, kept: Conversation) -> list[ChatMessage]:
    """What the person wrote in one conversation and nobody has answered, as messages of another one."""
    if other.state not in _LIVELY or not other.unanswered:
        return []
    newest = await app.conversations.messages_page(
        other.id, PageRequest(MAXIMUM_PAGE), with_notes=False, session=work.session
    )
    written = [each for each in newest.items if each.author is Author.CUSTOMER][: other.unanswered]
    return [said(work, kept, Author.CUSTOMER, each.content, each.at) for each in reversed(written)]


def _importance(conversation: Conversation) -> tuple[bool, float, str]:
    return conversation.state in _LIVELY, conversation.last_at.timestamp(), conversation.id
