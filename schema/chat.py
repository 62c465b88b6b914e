"""Messages of a conversation, as both endpoints show them."""

import strawberry

from resolvers.chat.desk import model
from resolvers.ports_chat import Message
from schema.chat_enums import Author, Delivery, Failure, MessageKind
from schema.common import Node
from schema.scalars import DateTime


@strawberry.type(description="What a message in a chat says; what does not belong to its kind is empty.")
class MessageContent:
    """What a message says."""

    kind: MessageKind = strawberry.field(description="What it is.")
    text: str = strawberry.field(description="A TEXT's text.")
    media_id: str = strawberry.field(description="The platform's id of a picture.")
    title: str = strawberry.field(description="An article's or a card's title.")
    description: str = strawberry.field(description="What stands under an article's title.")
    picture_url: str = strawberry.field(description="Where the picture is, if it has an address.")
    url: str = strawberry.field(description="What an article opens.")
    page_path: str = strawberry.field(description="The page that a card opens.")


@strawberry.type(description="A message of a conversation.")
class ConversationMessage(Node):
    """A message of a conversation."""

    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    number: int = strawberry.field(
        description="1, 2, 3 … within the conversation; without holes for staff, who also see notes. What was said in "
        "one that goes on in it has numbers below 1 for the customer: from 0 downwards in the one that was merged into "
        "it first, lower in each one merged later, so that one more changes no number there."
    )
    author: Author = strawberry.field(description="Whose it is.")
    agent_name: str | None = strawberry.field(description="What the agent is called, if it is an agent's.")
    content: MessageContent = strawberry.field(description="What it says.")
    at: DateTime = strawberry.field(description="When it was said.")
    delivery: Delivery | None = strawberry.field(description="How far it is; null for what the person or a note says.")
    failure: Failure | None = strawberry.field(description="Why it was not delivered.")


def show_content(content: Message) -> MessageContent:
    """What a message says, as clients see it."""
    return MessageContent(
        kind=content.kind,
        text=content.text,
        media_id=content.media_id,
        title=content.title,
        description=content.description,
        picture_url=content.picture_url,
        url=content.url,
        page_path=content.page_path,
    )


def show_message(message: model.ChatMessage) -> ConversationMessage:
    """A message as clients see it."""
    return ConversationMessage(
        id=strawberry.ID(message.id),
        revision=message.revision,
        number=message.number,
        author=message.author,
        agent_name=message.staff_name,
        content=show_content(message.content),
        at=message.at,
        delivery=message.delivery,
        failure=message.failure,
    )
