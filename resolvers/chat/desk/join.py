"""Where one person has several conversations with a brand, one goes on; the others are closed and kept."""

from collections.abc import Sequence
from dataclasses import replace

from resolvers.app import App
from resolvers.chat.desk.model import Author, ChatMessage, Conversation, ConversationState
from resolvers.chat.desk.write import said, write_conversation
from resolvers.paging import MAXIMUM_PAGE, PageRequest
from resolvers.work.unit import Work

_RANK = {ConversationState.OPEN: 2, ConversationState.WAITING: 1}


async def join_conversations(app: App, work: Work, survivor_id: str, absorbed_ids: tuple[str, ...]) -> None:
    """Make the conversations of joined accounts the survivor's, in the caller's transaction."""
    mine = await app.conversations.of_people((survivor_id, *absorbed_ids), work.session)
    for brand_id in sorted({each.brand_id for each in mine}):
        await merge_conversations(app, work, survivor_id, [each for each in mine if each.brand_id == brand_id])


async def merge_conversations(app: App, work: Work, owner_id: str, talks: Sequence[Conversation]) -> Conversation:
    """Make one or more conversations with a brand one conversation of this customer, in the caller's transaction.

    The one goes on in which an agent is, else one that waits, else the one in which something was said last. What
    nobody has answered in the others is said in it again, at its own time; where the person can be reached goes over
    to it. Agents find the others closed, with all that was said in them.
    """
    kept, *others = sorted(talks, key=_importance, reverse=True)
    goes_on, unanswered = replace(kept, person_key=owner_id, customer_id=owner_id), list[ChatMessage]()
    for other in others:
        unanswered += await _unanswered(app, work, other, kept)
        goes_on = _reached_as(goes_on, other)
        await write_conversation(app, work, _closed(other, kept))
    if unanswered:
        goes_on = replace(goes_on.queued(work.now), unanswered=goes_on.unanswered + len(unanswered))
    return await write_conversation(app, work, goes_on, unanswered) if goes_on != kept else kept


def _closed(other: Conversation, kept: Conversation) -> Conversation:
    """A conversation that goes on in another one: nobody's, and no way to reach the person any more."""
    return replace(
        other,
        person_key=f"{other.person_key}:{other.id}",
        merged_into=kept.id,
        state=ConversationState.CLOSED,
        agent_id=None,
        agent_name=None,
        waiting_since=None,
        platform_until=None,
        unanswered=0,
        app_id="",
        openid="",
    )


def _reached_as(kept: Conversation, other: Conversation) -> Conversation:
    """The one that goes on, with where the person last wrote in either."""
    newest, older = sorted((kept, other), key=lambda each: each.last_customer_at or each.created_at, reverse=True)
    reached = newest if newest.openid else older
    return replace(
        kept,
        platform=newest.platform,
        wrote_in_app=newest.in_app,
        app_id=reached.app_id,
        openid=reached.openid,
        last_customer_at=newest.last_customer_at or older.last_customer_at,
    )


async def _unanswered(app: App, work: Work, other: Conversation, kept: Conversation) -> list[ChatMessage]:
    """What the person wrote in one conversation and nobody has answered, as messages of another one."""
    if other.state not in _RANK or not other.unanswered:
        return []
    newest = await app.conversations.messages_page(
        other.id, PageRequest(MAXIMUM_PAGE), with_notes=False, session=work.session
    )
    written = [each for each in newest.items if each.author is Author.CUSTOMER][: other.unanswered]
    return [said(work, kept, Author.CUSTOMER, each.content, each.at) for each in reversed(written)]


def _importance(conversation: Conversation) -> tuple[int, float, str]:
    return _RANK.get(conversation.state, 0), conversation.last_at.timestamp(), conversation.id
