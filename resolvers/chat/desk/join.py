"""The conversations of two accounts that become one: with each brand one goes on, the other is closed and kept."""

from dataclasses import replace

from resolvers.app import App
from resolvers.chat.desk.model import Conversation, ConversationState
from resolvers.chat.desk.write import write_conversation
from resolvers.work.unit import Work

_LIVELY = (ConversationState.OPEN, ConversationState.WAITING)


async def join_conversations(app: App, work: Work, survivor_id: str, absorbed_ids: tuple[str, ...]) -> None:
    """Make the conversations of joined accounts the survivor's, in the caller's transaction.

    Of two with one brand the one goes on in which an agent is, or is awaited, else the one in which something was said
    last. Agents find the other one closed, with all that was said in it.
    """
    mine = await app.conversations.of_people((survivor_id, *absorbed_ids), work.session)
    for brand_id in sorted({each.brand_id for each in mine}):
        kept, *others = sorted((each for each in mine if each.brand_id == brand_id), key=_importance, reverse=True)
        for other in others:
            closed = replace(other, person_key=f"{other.person_key}:{other.id}", state=ConversationState.CLOSED)
            await write_conversation(app, work, closed)
        if kept.person_key != survivor_id:
            await write_conversation(app, work, replace(kept, person_key=survivor_id, customer_id=survivor_id))


def _importance(conversation: Conversation) -> tuple[bool, float, str]:
    return conversation.state in _LIVELY, conversation.last_at.timestamp(), conversation.id
