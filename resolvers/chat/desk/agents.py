"""What agents do with a conversation: take it, hand it over, close it, give it to the platform's own desk."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from resolvers.app import App
from resolvers.chat.desk.model import Conversation, ConversationState, NotYours
from resolvers.chat.desk.write import write_conversation
from resolvers.errors import NotFound
from resolvers.paging import Page, PageRequest
from resolvers.people.model import Staff
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_ACCOUNT = 64  # characters of the account of an agent at the platform's desk

Change = Callable[[Conversation, Work], Awaitable[Conversation]]


async def conversation_for(app: App, staff: Staff, conversation_id: str) -> Conversation:
    """A conversation of the staff's brand. Raises NotFound for any other."""
    conversation = await app.conversations.conversation(conversation_id)
    if conversation is None or conversation.brand_id != staff.brand_id:
        raise NotFound("没有这个会话", field=("input", "conversationId"))
    return conversation


async def conversations_of(
    app: App, staff: Staff, request: PageRequest, states: Sequence[ConversationState] | None, *, mine: bool
) -> Page[Conversation]:
    """A page of the brand's conversations, the one with the newest message first; `mine`: those this agent has."""
    return await app.conversations.page(staff.brand_id, request, states, staff.id if mine else None, app.clock.now())


async def take_conversation(app: App, staff: Staff, conversation_id: str) -> Conversation:
    """Have a conversation; of two agents who take it at once one gets it, and asked again gets the same answer.

    Managers may take a colleague's, and everybody that of one who is not on the staff any more.
    Raises NotFound, NotYours, TakenByOther.
    """

    async def take(conversation: Conversation, work: Work) -> Conversation:
        if conversation.going_on().state is ConversationState.OPEN:
            if conversation.agent_id == staff.id:
                return conversation
            if await _still_here(app, conversation):
                conversation.settled_by(staff)
        return replace(
            conversation,
            state=ConversationState.OPEN,
            agent_id=staff.id,
            agent_name=staff.name,
            waiting_since=None,
            platform_until=None,
        )

    return await _change(app, staff, conversation_id, "takeConversation", take)


async def hand_over(app: App, staff: Staff, conversation_id: str, to_staff_id: str | None) -> Conversation:
    """Give a conversation that one has (managers: anybody's) to another agent of the brand, or (None) to the queue.

    Asked again, the same answer. Raises NotFound, NotYours, TakenByOther.
    """
    to = await app.staff.staff(to_staff_id) if to_staff_id is not None else None
    if to_staff_id is not None and (to is None or to.brand_id != staff.brand_id or not to.active):
        raise NotFound("没有这位同事", field=("input", "toStaffId"))

    async def give(conversation: Conversation, work: Work) -> Conversation:
        if to is None:
            if conversation.state is ConversationState.WAITING:
                return conversation
            return replace(conversation.settled_by(staff), state=ConversationState.CLOSED).queued(work.now)
        if conversation.state is ConversationState.OPEN and conversation.agent_id == to.id:
            return conversation
        return replace(conversation.settled_by(staff), agent_id=to.id, agent_name=to.name)

    return await _change(app, staff, conversation_id, "handOver", give, memo=to_staff_id or "")


async def close_conversation(app: App, staff: Staff, conversation_id: str) -> Conversation:
    """End a conversation that one has (managers: anybody's), or that waits.

    Asked again, the same answer. Raises NotFound, NotYours, TakenByOther.
    """

    async def close(conversation: Conversation, work: Work) -> Conversation:
        if conversation.state is ConversationState.CLOSED:
            return conversation
        if conversation.state is not ConversationState.WAITING:
            conversation.settled_by(staff)
        return replace(
            conversation.answered(),
            state=ConversationState.CLOSED,
            agent_id=None,
            agent_name=None,
            waiting_since=None,
        )

    return await _change(app, staff, conversation_id, "closeConversation", close)


async def transfer_to_platform(app: App, staff: Staff, conversation_id: str, account: str | None) -> Conversation:
    """Give a conversation that one has (managers: anybody's) to the platform's own desk, to any agent or this account.

    It goes over with the person's next message. A person who writes in the mini-program itself cannot be given away.
    Asked again, the same answer. Raises NotFound, NotYours, TakenByOther.
    """
    wanted = (account or "").strip()[:MAXIMUM_ACCOUNT]

    async def give(conversation: Conversation, work: Work) -> Conversation:
        if conversation.state is ConversationState.PLATFORM and conversation.agent_account == wanted:
            return conversation
        if conversation.settled_by(staff).in_app:
            raise NotYours("顾客在小程序内咨询，不能转接到平台客服")
        return replace(
            conversation.answered(),
            state=ConversationState.PLATFORM,
            agent_id=None,
            agent_name=None,
            agent_account=wanted,
            platform_until=None,
        )

    return await _change(app, staff, conversation_id, "transferToPlatform", give, memo=wanted)


async def _still_here(app: App, conversation: Conversation) -> bool:
    """Whether the agent who has a conversation may still sign in."""
    agent = await app.staff.staff(conversation.agent_id) if conversation.agent_id is not None else None
    return agent is not None and agent.active


async def _change(
    app: App, staff: Staff, conversation_id: str, verb: str, change: Change, memo: str = ""
) -> Conversation:
    known = await conversation_for(app, staff, conversation_id)

    async def steps(work: Work) -> Ids:
        before = await app.conversations.conversation(conversation_id, work.session)
        if before is None:
            raise NotFound
        after = await change(before, work)
        if after is not before:
            await write_conversation(app, work, after)
            work.record_staff_action(verb, conversation_id, memo=memo)
        return {}

    actor = Actor(ActorKind.STAFF, staff.id)
    await app.work.run(Call(verb, actor, contends=(queue_of(known),)), steps)
    return await conversation_for(app, staff, conversation_id)


def queue_of(conversation: Conversation) -> str:
    """What those who change one conversation in this process wait for in turn."""
    return f"talk:{conversation.brand_id}:{conversation.person_key}"
