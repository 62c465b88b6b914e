"""Inputs of the chat channel on the staff endpoint."""

import strawberry

from resolvers.brands.model import Hours
from resolvers.chat.replies.model import Content
from resolvers.coupons.model import Window
from resolvers.errors import BadInput
from resolvers.ports_chat import Button
from schema.chat_enums import ButtonKind, ContentKind, Match
from schema.customer.inputs import KEY

_CONVERSATION = "The conversation."
_OF_ONE_APP = "Such an id is of one app: the rule works only where people write in that one."
DAY = 24 * 60


@strawberry.input(description="The conversation to take.")
class TakeConversationInput:
    """What taking a conversation needs."""

    conversation_id: strawberry.ID = strawberry.field(description=_CONVERSATION)


@strawberry.input(description="What to say: exactly one of text and mediaId.")
class SendMessageInput:
    """What sending a message needs."""

    conversation_id: strawberry.ID = strawberry.field(description=_CONVERSATION)
    text: str | None = strawberry.field(description="Up to 600 characters.", default=None)
    media_id: str | None = strawberry.field(
        description="The platform's id of a picture: that of the app in which the person last wrote.", default=None
    )
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="A note for colleagues.")
class AddNoteInput:
    """What a note needs."""

    conversation_id: strawberry.ID = strawberry.field(description=_CONVERSATION)
    text: str = strawberry.field(description="Up to 600 characters.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="Whom to give the conversation to.")
class HandOverInput:
    """What handing over needs."""

    conversation_id: strawberry.ID = strawberry.field(description=_CONVERSATION)
    to_staff_id: strawberry.ID | None = strawberry.field(description="A colleague; null: the queue.", default=None)


@strawberry.input(description="The conversation to close.")
class CloseConversationInput:
    """What closing needs."""

    conversation_id: strawberry.ID = strawberry.field(description=_CONVERSATION)


@strawberry.input(description="The conversation that the platform's own desk shall have.")
class TransferToPlatformInput:
    """What a transfer needs."""

    conversation_id: strawberry.ID = strawberry.field(description=_CONVERSATION)
    account: str | None = strawberry.field(description="An agent's account there; null: any agent.", default=None)


@strawberry.input(description="A stretch of the day; one that ends before it starts runs over midnight.")
class ReplyHoursInput:
    """A stretch of the day."""

    start: int = strawberry.field(description="Minutes after midnight, in the brand's zone: 0 to 1439.")
    until: int = strawberry.field(description="Minutes after midnight, 0 to 1440; not the start.")


@strawberry.input(description="Times of day on some weekdays.")
class ReplyWindowInput:
    """Times of day on some weekdays."""

    weekdays: list[int] = strawberry.field(description="1 Monday to 7 Sunday; none: every day.")
    hours: list[ReplyHoursInput] = strawberry.field(description="None: all day; up to 4.")

    def window(self) -> Window:
        """The window as the core takes it. Raises BadInput."""
        if any(not (0 <= each.start < DAY and 0 <= each.until <= DAY != each.start) for each in self.hours):
            raise BadInput(f"hours must lie between 0 and {DAY} minutes.")
        if any(each.start == each.until for each in self.hours):
            raise BadInput("hours must not end when they start.")
        return Window(tuple(self.weekdays), tuple(Hours(each.start, each.until) for each in self.hours))


@strawberry.input(description="What a rule answers with; its kind says which fields are needed.")
class ReplyContentInput:
    """What a rule answers with."""

    kind: ContentKind = strawberry.field(description="What it is.")
    text: str = strawberry.field(description="TEXT: up to 600 characters. DESK: what the person hears.", default="")
    media_id: str = strawberry.field(
        description=f"IMAGE; MINI_PROGRAM and COUPONS: the card's cover. {_OF_ONE_APP}", default=""
    )
    title: str = strawberry.field(description="NEWS, MINI_PROGRAM, COUPONS: up to 64 characters.", default="")
    description: str = strawberry.field(description="NEWS: up to 120 characters.", default="")
    picture_url: str = strawberry.field(description="NEWS: https.", default="")
    url: str = strawberry.field(description="NEWS: https.", default="")
    page_path: str = strawberry.field(description="MINI_PROGRAM, COUPONS: without a leading slash.", default="")

    def content(self) -> Content:
        """The content as the core takes it."""
        return Content(
            self.kind,
            self.text,
            self.media_id,
            self.title,
            self.description,
            self.picture_url,
            self.url,
            self.page_path,
        )


@strawberry.input(description="A reply rule as it shall be.")
class PutReplyRuleInput:
    """What writing a rule needs."""

    rule_id: strawberry.ID | None = strawberry.field(description="Null: a new one, which comes last.", default=None)
    match: Match = strawberry.field(description="What it answers to.")
    words: list[str] = strawberry.field(description="EXACT, CONTAINS: 1 to 20, of up to 30 characters; else none.")
    windows: list[ReplyWindowInput] = strawberry.field(
        description="When it answers; none: always.", default_factory=list
    )
    content: ReplyContentInput = strawberry.field(description="What it answers with.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)

    def times(self) -> list[Window]:
        """The windows as the core takes them. Raises BadInput."""
        return [each.window() for each in self.windows]


@strawberry.input(description="The rule to delete.")
class DeleteReplyRuleInput:
    """What deleting a rule needs."""

    rule_id: strawberry.ID = strawberry.field(description="The rule; one that is gone is gone.")


@strawberry.input(description="Where a rule shall stand.")
class MoveReplyRuleInput:
    """What moving a rule needs."""

    rule_id: strawberry.ID = strawberry.field(description="The rule.")
    before_rule_id: strawberry.ID | None = strawberry.field(
        description="The rule it shall stand before; null: last.", default=None
    )


@strawberry.input(description="A button that does something; fields that its kind does not need stay empty.")
class SubButtonInput:
    """A button of the second level."""

    name: str = strawberry.field(description="What stands on it, up to 60 bytes.")
    kind: ButtonKind = strawberry.field(description="What it does.")
    key: str = strawberry.field(description="CLICK, SCAN_WAIT, SCAN_PUSH, LOCATION: up to 128 bytes.", default="")
    url: str = strawberry.field(description="VIEW, MINI_PROGRAM: https, up to 1024 bytes.", default="")
    app_id: str = strawberry.field(description="MINI_PROGRAM: which, wx and 16 hex digits.", default="")
    page_path: str = strawberry.field(description="MINI_PROGRAM: its page.", default="")
    media_id: str = strawberry.field(description="MEDIA: the official account's id of it.", default="")

    def button(self) -> Button:
        """The button as the core takes it."""
        return Button(self.name, self.kind, self.key, self.url, self.app_id, self.page_path, self.media_id)


@strawberry.input(
    description="A button of the first level: it does something, or opens others. What it does not need stays empty."
)
class MenuButtonInput:
    """A button of the first level."""

    name: str = strawberry.field(description="What stands on it, up to 16 bytes.")
    kind: ButtonKind | None = strawberry.field(description="What it does; null: it opens its buttons.", default=None)
    key: str = strawberry.field(description="CLICK, SCAN_WAIT, SCAN_PUSH, LOCATION: up to 128 bytes.", default="")
    url: str = strawberry.field(description="VIEW, MINI_PROGRAM: https, up to 1024 bytes.", default="")
    app_id: str = strawberry.field(description="MINI_PROGRAM: which, wx and 16 hex digits.", default="")
    page_path: str = strawberry.field(description="MINI_PROGRAM: its page.", default="")
    media_id: str = strawberry.field(description="MEDIA: the official account's id of it.", default="")
    buttons: list[SubButtonInput] = strawberry.field(description="Up to 5, if it opens them.", default_factory=list)

    def button(self) -> Button:
        """The button as the core takes it."""
        below = tuple(each.button() for each in self.buttons)
        return Button(self.name, self.kind, self.key, self.url, self.app_id, self.page_path, self.media_id, below)


@strawberry.input(description="The menu's draft.")
class PutMenuInput:
    """What drafting a menu needs."""

    buttons: list[MenuButtonInput] = strawberry.field(description="1 to 3.")


@strawberry.input(description="Which menu to publish.")
class PublishMenuInput:
    """What publishing a menu needs."""

    revision: int | None = strawberry.field(
        description="The menu's revision as you have seen it; null: whatever is drafted.", default=None
    )
