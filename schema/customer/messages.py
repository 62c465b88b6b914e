"""One-time messages: what a person has agreed to be told by the chat app."""

from typing import Annotated

import strawberry

from resolvers.chat.messages.consents import Agreed
from schema.customer.inputs import KEY
from schema.enums import MessageEvent, MessageScene
from schema.errors import AccountError


@strawberry.type(description="How many messages of a template may still be sent to you in the app you are using.")
class MessageConsent:
    """What a person has agreed to for a template."""

    scene: MessageScene = strawberry.field(description="What they are about.")
    template_id: str = strawberry.field(
        description="The template: what wx.requestSubscribeMessage or qq.subscribeAppMsg asks with."
    )
    remaining: int = strawberry.field(description="How many may still be sent: each time you agree, one more.")
    events: list[MessageEvent] = strawberry.field(description="What they tell.")


@strawberry.input(description="What the chat app answered for a template.")
class ConsentInput:
    """What a person has answered for a template."""

    template_id: str = strawberry.field(description="The template.")
    accepted: bool = strawberry.field(description="Whether the answer was accept.")


@strawberry.input(description="What the chat app answered when it asked for messages.")
class RecordConsentsInput:
    """What recording consents needs."""

    brand_id: strawberry.ID = strawberry.field(description="The brand whose templates they are.")
    consents: list[ConsentInput] = strawberry.field(description="Each template once, at most 100.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)

    def answers(self) -> list[tuple[str, bool]]:
        """As the core takes them."""
        return [(each.template_id, each.accepted) for each in self.consents]


@strawberry.type(description="The consents are counted.")
class RecordConsentsSuccess:
    """The consents are counted."""

    consents: list[MessageConsent] = strawberry.field(description="All of the brand's, as they are now.")


RecordConsentsResult = Annotated[
    RecordConsentsSuccess | AccountError,
    strawberry.union("RecordConsentsResult", description="It went well, or the reason why not."),
]


def show_consents(agreed: list[Agreed]) -> list[MessageConsent]:
    """Consents as their person sees them."""
    return [
        MessageConsent(
            scene=each.scene, template_id=each.template_id, remaining=each.remaining, events=list(each.events)
        )
        for each in agreed
    ]
