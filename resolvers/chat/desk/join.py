"""Where one person has several conversations with a brand, one goes on; the others are closed and kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from resolvers.app import App
from resolvers.chat.desk.model import Author, ChatMessage, Conversation, ConversationState, Merged
from resolvers.chat.desk.write import latest, said, write_conversation
from resolvers.paging import MAXIMUM_PAGE
from resolvers.work.unit import Work

_RANK = {ConversationState.OPEN: 3, ConversationState.WAITING: 2, ConversationState.PLATFORM: 1}
_AWAITED = (ConversationState.OPEN, ConversationState.WAITING)
MAXIMUM_SAID_AGAIN = 500  # messages: what one write of a conversation may hold; nobody answers more one by one


async def join_conversations(app: App, work: Work, survivor_id: str, absorbed_ids: tuple[str, ...]) -> None:
    """Make the conversations of joined accounts the survivor's, in the caller's transaction."""
    mine = await app.conversations.of_people((survivor_id, *absorbed_ids), work.session)
    for brand_id in sorted({each.brand_id for each in mine}):
        await merge_conversations(app, work, survivor_id, [each for each in mine if each.brand_id == brand_id])


async def merge_conversations(app: App, work: Work, owner_id: str, talks: Sequence[Conversation]) -> Conversation:
    """Make one or more conversations with a brand one conversation of this customer, in the caller's transaction.

    The one goes on in which an agent is, else one that waits, else one that is at the platform's own desk, else the one
    in which something was said last. What no agent has answered in the others is said in it again, at its own time, the
    newest of it; where the person can be reached goes over to it. Agents find the others closed, with all that was said
    in them; the customer sees that in the one that goes on, before what was said there (`history_page`).
    """
    kept, *others = sorted(talks, key=lambda each: _importance(each, work.now), reverse=True)
    goes_on, again = replace(kept, person_key=owner_id, customer_id=owner_id), list[ChatMessage]()
    for other in others:
        unanswered = await _unanswered(app, work, other, MAXIMUM_SAID_AGAIN - len(again))
        copies = [said(work, kept, Author.CUSTOMER, each.content, each.at) for each in unanswered]
        again += copies
        goes_on = replace(
            _reached_as(goes_on, other),
            merged=(*goes_on.merged, Merged(other.id, other.number), *other.merged),
            unanswered=goes_on.unanswered + len(unanswered),
            unanswered_in_app=max(goes_on.unanswered_in_app, min(other.unanswered_in_app, len(unanswered))),
        )
        originals = [replace(each, said_again_as=copy.id) for each, copy in zip(unanswered, copies, strict=True)]
        await write_conversation(app, work, _closed(other, kept), originals)
    if again:
        goes_on = goes_on.queued(work.now)
    return await write_conversation(app, work, goes_on, again, by_callback=False) if goes_on != kept else kept


def _closed(other: Conversation, kept: Conversation) -> Conversation:
    """A conversation that goes on in another one: nobody's, and no way to reach the person any more."""
    return replace(
        other.answered(),
        person_key=f"{other.person_key}:{other.id}",
        merged_into=kept.id,
        state=ConversationState.CLOSED,
        agent_id=None,
        agent_name=None,
        waiting_since=None,
        platform_until=None,
        app_id="",
        openid="",
    )


def _reached_as(kept: Conversation, other: Conversation) -> Conversation:
    """The one that goes on, with where the person last wrote in either, and what was last shown there."""
    newest, older = sorted((kept, other), key=lambda each: each.last_customer_at or each.created_at, reverse=True)
    reached = newest if newest.openid else older
    there = [each for each in (kept, other) if (each.app_id, each.openid) == (reached.app_id, reached.openid)]
    return replace(
        kept,
        platform=newest.platform,
        wrote_in_app=newest.in_app,
        app_id=reached.app_id,
        openid=reached.openid,
        last_shown_at=latest(*(each.last_shown_at for each in there)),
        last_customer_at=newest.last_customer_at or older.last_customer_at,
    )


async def _unanswered(app: App, work: Work, other: Conversation, most: int) -> list[ChatMessage]:
    """What the person wrote in a conversation and no agent has answered, oldest first; of too much the newest."""
    wanted = min(other.unanswered, most) if other.state in _AWAITED else 0
    found: list[ChatMessage] = []
    before = other.number + 1
    while len(found) < wanted:
        page = await app.conversations.messages_before(
            other.id, before, MAXIMUM_PAGE, with_notes=False, session=work.session
        )
        if not page:
            break
        before = page[-1].number
        found += [each for each in page if each.author is Author.CUSTOMER]
    return list(reversed(found[:wanted]))


def _importance(conversation: Conversation, now: datetime) -> tuple[int, float, str]:
    return _RANK.get(conversation.state_at(now), 0), conversation.last_at.timestamp(), conversation.id
