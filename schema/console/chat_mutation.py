"""What staff can do in the chat channel: each field reads the input, calls one verb, wraps the answer."""

from typing import Annotated

import strawberry

from resolvers.chat.desk.agents import (
    close_conversation,
    conversation_for,
    hand_over,
    take_conversation,
    transfer_to_platform,
)
from resolvers.chat.desk.speak import add_note, send_message
from resolvers.chat.menus.publish import publish_menu, put_menu
from resolvers.chat.replies.edit import delete_reply_rule, move_reply_rule, put_reply_rule
from schema.chat import show_message
from schema.console import chat_inputs as inputs
from schema.console import chat_results as results
from schema.console.chat import show_conversation, show_menu, show_rule
from schema.context import Info


def _input(text: str) -> object:
    return strawberry.argument(description=text)


@strawberry.type(description="What staff can do in the chat channel.")
class ChatMutation:
    """What staff can do in the chat channel."""

    @strawberry.mutation(description="Have a conversation. Of two who take it at once one gets it.")
    async def take_conversation(
        self, info: Info, input: Annotated[inputs.TakeConversationInput, _input("Which.")]
    ) -> results.TakeConversationResult:
        taken = await take_conversation(info.context.app, info.context.staff, input.conversation_id)
        return results.TakeConversationSuccess(conversation=show_conversation(taken, info))

    @strawberry.mutation(
        description="Say something to the person of a conversation you have. To a chat app it is sent once at most, "
        "and only while the platform takes it."
    )
    async def send_message(
        self, info: Info, input: Annotated[inputs.SendMessageInput, _input("What.")]
    ) -> results.SendMessageResult:
        app, staff, key, id = info.context.app, info.context.staff, input.idempotency_key, input.conversation_id
        message = await send_message(app, staff, id, input.text, input.media_id, key)
        conversation = show_conversation(await conversation_for(app, staff, message.conversation_id), info)
        return results.SendMessageSuccess(said=show_message(message), conversation=conversation)

    @strawberry.mutation(description="Leave a note for colleagues, which the person never sees.")
    async def add_note(
        self, info: Info, input: Annotated[inputs.AddNoteInput, _input("What.")]
    ) -> results.AddNoteResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        note = await add_note(app, staff, input.conversation_id, input.text, key)
        return results.AddNoteSuccess(said=show_message(note))

    @strawberry.mutation(description="Give a conversation to a colleague, or back to the queue.")
    async def hand_over(
        self, info: Info, input: Annotated[inputs.HandOverInput, _input("To whom.")]
    ) -> results.HandOverResult:
        app, staff = info.context.app, info.context.staff
        given = await hand_over(app, staff, input.conversation_id, input.to_staff_id)
        return results.HandOverSuccess(conversation=show_conversation(given, info))

    @strawberry.mutation(
        description="End a conversation you have, or that waits, as a manager anybody's; the person can write again."
    )
    async def close_conversation(
        self, info: Info, input: Annotated[inputs.CloseConversationInput, _input("Which.")]
    ) -> results.CloseConversationResult:
        closed = await close_conversation(info.context.app, info.context.staff, input.conversation_id)
        return results.CloseConversationSuccess(conversation=show_conversation(closed, info))

    @strawberry.mutation(description="Give a conversation to the platform's own desk.")
    async def transfer_to_platform(
        self, info: Info, input: Annotated[inputs.TransferToPlatformInput, _input("Which.")]
    ) -> results.TransferToPlatformResult:
        app, staff = info.context.app, info.context.staff
        given = await transfer_to_platform(app, staff, input.conversation_id, input.account)
        return results.TransferToPlatformSuccess(conversation=show_conversation(given, info))

    @strawberry.mutation(description="Write a reply rule: anew where it stands, or a new one, last. Managers only.")
    async def put_reply_rule(
        self, info: Info, input: Annotated[inputs.PutReplyRuleInput, _input("The rule.")]
    ) -> results.PutReplyRuleResult:
        app, staff, key = info.context.app, info.context.staff, input.idempotency_key
        times, content = input.times(), input.content.content()
        rule = await put_reply_rule(app, staff, input.rule_id, input.match, input.words, times, content, key)
        return results.PutReplyRuleSuccess(rule=show_rule(rule))

    @strawberry.mutation(description="Delete a reply rule. Asked again, Success again. Managers only.")
    async def delete_reply_rule(
        self, info: Info, input: Annotated[inputs.DeleteReplyRuleInput, _input("Which.")]
    ) -> results.DeleteReplyRuleResult:
        left = await delete_reply_rule(info.context.app, info.context.staff, input.rule_id)
        return results.DeleteReplyRuleSuccess(rules=[show_rule(rule) for rule in left])

    @strawberry.mutation(description="Put a reply rule before another one, or last. Managers only.")
    async def move_reply_rule(
        self, info: Info, input: Annotated[inputs.MoveReplyRuleInput, _input("Where.")]
    ) -> results.MoveReplyRuleResult:
        app, staff = info.context.app, info.context.staff
        rules = await move_reply_rule(app, staff, input.rule_id, input.before_rule_id)
        return results.MoveReplyRuleSuccess(rules=[show_rule(rule) for rule in rules])

    @strawberry.mutation(description="Draft the official account's menu. Managers only.")
    async def put_menu(
        self, info: Info, input: Annotated[inputs.PutMenuInput, _input("The menu.")]
    ) -> results.PutMenuResult:
        buttons = [each.button() for each in input.buttons]
        return results.PutMenuSuccess(menu=show_menu(await put_menu(info.context.app, info.context.staff, buttons)))

    @strawberry.mutation(
        description="Put the draft up at the platform, read it back and compare. Phones show it within a day. Managers "
        "only."
    )
    async def publish_menu(
        self, info: Info, input: Annotated[inputs.PublishMenuInput, _input("Which.")]
    ) -> results.PublishMenuResult:
        menu = await publish_menu(info.context.app, info.context.staff, input.revision)
        return results.PublishMenuSuccess(menu=show_menu(menu))
