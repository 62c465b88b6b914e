"""What staff can ask for in the chat channel."""

from typing import Annotated

import strawberry

from resolvers.chat.desk.agents import conversations_of
from resolvers.chat.desk.follow import desk_cursor
from resolvers.chat.menus.publish import menu_of
from resolvers.chat.replies.edit import dry_run_reply, rules_of
from resolvers.paging import PageRequest
from schema.chat_enums import ConversationState
from schema.common import After, Connection, First, connection
from schema.console.chat import (
    ButtonMenu,
    Conversation,
    DryRun,
    ReplyRule,
    show_conversation,
    show_dry_run,
    show_menu,
    show_rule,
)
from schema.context import Info
from schema.scalars import DateTime


@strawberry.type(description="What staff can ask for in the chat channel.")
class ChatQuery:
    """What staff can ask for in the chat channel."""

    @strawberry.field(description="Your brand's conversations, the one with the newest message first.")
    async def conversations(
        self,
        info: Info,
        state: Annotated[list[ConversationState] | None, strawberry.argument(description="Null: all.")] = None,
        mine: Annotated[bool, strawberry.argument(description="True: those you have.")] = False,
        first: First = 20,
        after: After = None,
    ) -> Connection[Conversation]:
        request = PageRequest.parse(first, after)
        page = await conversations_of(info.context.app, info.context.staff, request, state, mine=mine)
        return connection(page, lambda conversation: show_conversation(conversation, info))

    @strawberry.field(description="A conversation of your brand by id.")
    async def conversation(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Conversation | None:
        staff, found = info.context.staff, await info.context.app.conversations.conversation(id)
        mine = found is not None and found.brand_id == staff.brand_id
        return show_conversation(found, info) if found is not None and mine else None

    @strawberry.field(description="Subscribe to conversationUpdates after it, and nothing since this answer is missed.")
    async def conversations_cursor(self, info: Info) -> str:
        _ = info.context.staff
        return desk_cursor(info.context.now)

    @strawberry.field(description="Your brand's reply rules in their order, which alone decides.")
    async def reply_rules(self, info: Info) -> list[ReplyRule]:
        return [show_rule(rule) for rule in await rules_of(info.context.app, info.context.staff)]

    @strawberry.field(description="What a text would be answered, without any effect. Managers only.")
    async def dry_run_reply(
        self,
        info: Info,
        text: Annotated[str, strawberry.argument(description="What a person might write.")],
        at: Annotated[DateTime | None, strawberry.argument(description="When; null: now.")] = None,
        customer_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="A member whose coupons count; null: a visitor.")
        ] = None,
    ) -> DryRun:
        return show_dry_run(await dry_run_reply(info.context.app, info.context.staff, text, at, customer_id))

    @strawberry.field(description="The menu of your brand's official account; null before one is drafted.")
    async def button_menu(self, info: Info) -> ButtonMenu | None:
        menu = await menu_of(info.context.app, info.context.staff)
        return show_menu(menu) if menu is not None else None
