"""What you and a brand say to each other, in the mini-program itself."""

from typing import Annotated, Any

import strawberry

from resolvers.chat.desk import follow, model
from resolvers.chat.desk.history import history_page
from resolvers.paging import PageRequest
from schema.chat import ConversationMessage, show_message
from schema.chat_enums import ConversationState
from schema.common import After, Connection, First, Node, UserError, connection, error_codes
from schema.context import Info, must
from schema.customer.inputs import KEY
from schema.errors import NOT_FOUND, REUSED
from schema.scalars import DateTime

DeskErrorCode: Any = error_codes(
    "DeskErrorCode",
    {
        "NOT_FOUND": NOT_FOUND,
        "TEXT_INVALID": "Returned when the text is empty, longer than 600 characters, or has control characters.",
        "LIMIT_REACHED": "Returned when you wrote 100 messages that nobody has answered yet.",
        "IDEMPOTENCY_KEY_REUSED": REUSED,
    },
)


@strawberry.type(description="A refusal about writing to a brand.")
class DeskError(UserError):
    """A refusal about writing to a brand."""

    code: DeskErrorCode = strawberry.field(description="Which refusal it is.")


@strawberry.type(description="What you and a brand say to each other.")
class Conversation(Node):
    """A conversation as its customer sees it."""

    model: strawberry.Private[model.Conversation]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    cursor: str = strawberry.field(description="Subscribe to conversationUpdates after it, and nothing is missed.")
    state: ConversationState = strawberry.field(description="Who answers you.")
    agent_name: str | None = strawberry.field(description="What the agent is called who has it.")

    @strawberry.field(
        description="What was said, by number downwards: newest first, and below that, with numbers below 1, what was "
        "said in others that go on in this one, newest first in each. Sort by `at` to show all in the order of time."
    )
    async def messages(self, info: Info, first: First = 20, after: After = None) -> Connection[ConversationMessage]:
        request, loaders = PageRequest.parse(first, after), info.context.loaders
        page = await history_page(info.context.app, self.model, request, loaders.session)
        return connection(page, show_message)


@strawberry.type(description="Your conversation as it became.")
class ConversationEvent:
    """A conversation as it became."""

    cursor: str = strawberry.field(description="Subscribe after it to go on from here.")
    at: DateTime = strawberry.field(description="When it became so.")
    conversation: Conversation = strawberry.field(description="The conversation.")
    messages: list[ConversationMessage] = strawberry.field(description="Messages that are new or have changed.")
    resync: bool = strawberry.field(description="Whether some are missing: read its messages again.")


@strawberry.input(description="What to write to a brand.")
class WriteToDeskInput:
    """What writing to a brand needs."""

    brand_id: strawberry.ID = strawberry.field(description="The brand.")
    text: str = strawberry.field(description="Up to 600 characters.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.type(description="It is written; an agent sees it at once.")
class WriteToDeskSuccess:
    """It is written."""

    said: ConversationMessage = strawberry.field(description="What you wrote.")
    conversation: Conversation = strawberry.field(description="The conversation.")


WriteToDeskResult = Annotated[
    WriteToDeskSuccess | DeskError,
    strawberry.union("WriteToDeskResult", description="It went well, or the reason why not."),
]


def show_conversation(conversation: model.Conversation, info: Info) -> Conversation:
    """A conversation as its customer sees it."""
    return Conversation(
        id=strawberry.ID(conversation.id),
        model=conversation,
        revision=conversation.revision,
        cursor=follow.own_cursor(conversation),
        state=conversation.state_at(info.context.now),
        agent_name=conversation.agent_name,
    )


async def show_written(info: Info, message: model.ChatMessage) -> WriteToDeskSuccess:
    """What was written, and the conversation as it is now."""
    conversation = await must(info.context.app.conversations.conversation(message.conversation_id))
    return WriteToDeskSuccess(said=show_message(message), conversation=show_conversation(conversation, info))


def show_own_event(event: follow.DeskEvent, info: Info) -> ConversationEvent:
    """An event as the customer sees it."""
    if event.conversation is None:
        raise LookupError("an event of no conversation")
    return ConversationEvent(
        cursor=event.cursor,
        at=event.at,
        conversation=show_conversation(event.conversation, info),
        messages=[show_message(message) for message in event.messages],
        resync=event.resync,
    )
