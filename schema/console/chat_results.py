"""Answers of the chat channel's mutations on the staff endpoint: `<Verb>Success | StaffError`."""

from typing import Annotated, Any

import strawberry

from schema.chat import ConversationMessage
from schema.console.chat import ButtonMenu, Conversation, ReplyRule
from schema.console.errors import StaffError


@strawberry.type(description="You have the conversation.")
class TakeConversationSuccess:
    """The conversation is taken."""

    conversation: Conversation = strawberry.field(description="The conversation.")


@strawberry.type(description="It is on its way, or in the mini-program already.")
class SendMessageSuccess:
    """The message is written."""

    said: ConversationMessage = strawberry.field(description="The message; its delivery goes on.")
    conversation: Conversation = strawberry.field(description="The conversation, with what may still be sent.")


@strawberry.type(description="The note is there.")
class AddNoteSuccess:
    """The note is there."""

    said: ConversationMessage = strawberry.field(description="The note.")


@strawberry.type(description="Somebody else has the conversation, or the queue.")
class HandOverSuccess:
    """The conversation is handed over."""

    conversation: Conversation = strawberry.field(description="The conversation.")


@strawberry.type(description="The conversation is closed.")
class CloseConversationSuccess:
    """The conversation is closed."""

    conversation: Conversation = strawberry.field(description="The conversation.")


@strawberry.type(description="The platform's own desk gets the person with their next message.")
class TransferToPlatformSuccess:
    """The conversation is transferred."""

    conversation: Conversation = strawberry.field(description="The conversation.")


@strawberry.type(description="The rule is written.")
class PutReplyRuleSuccess:
    """The rule is written."""

    rule: ReplyRule = strawberry.field(description="The rule.")


@strawberry.type(description="The rule is gone.")
class DeleteReplyRuleSuccess:
    """The rule is gone."""

    rules: list[ReplyRule] = strawberry.field(description="The rules that are left, in order.")


@strawberry.type(description="The rule stands elsewhere.")
class MoveReplyRuleSuccess:
    """The rule stands elsewhere."""

    rules: list[ReplyRule] = strawberry.field(description="All rules in their new order.")


@strawberry.type(description="The menu is drafted.")
class PutMenuSuccess:
    """The menu is drafted."""

    menu: ButtonMenu = strawberry.field(description="The menu.")


@strawberry.type(description="The menu is up; its state says whether it is the draft.")
class PublishMenuSuccess:
    """The menu is up."""

    menu: ButtonMenu = strawberry.field(description="The menu.")


def _result(name: str) -> Any:
    return strawberry.union(name, description="It went well, or the reason why not.")


TakeConversationResult = Annotated[TakeConversationSuccess | StaffError, _result("TakeConversationResult")]
SendMessageResult = Annotated[SendMessageSuccess | StaffError, _result("SendMessageResult")]
AddNoteResult = Annotated[AddNoteSuccess | StaffError, _result("AddNoteResult")]
HandOverResult = Annotated[HandOverSuccess | StaffError, _result("HandOverResult")]
CloseConversationResult = Annotated[CloseConversationSuccess | StaffError, _result("CloseConversationResult")]
TransferToPlatformResult = Annotated[TransferToPlatformSuccess | StaffError, _result("TransferToPlatformResult")]
PutReplyRuleResult = Annotated[PutReplyRuleSuccess | StaffError, _result("PutReplyRuleResult")]
DeleteReplyRuleResult = Annotated[DeleteReplyRuleSuccess | StaffError, _result("DeleteReplyRuleResult")]
MoveReplyRuleResult = Annotated[MoveReplyRuleSuccess | StaffError, _result("MoveReplyRuleResult")]
PutMenuResult = Annotated[PutMenuSuccess | StaffError, _result("PutMenuResult")]
PublishMenuResult = Annotated[PublishMenuSuccess | StaffError, _result("PublishMenuResult")]
