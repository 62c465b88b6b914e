"""Conversations, reply rules and the menu as staff see them."""

import strawberry

from resolvers.chat.desk import follow
from resolvers.chat.desk import model as desk
from resolvers.chat.desk.quota import Quota, person_id
from resolvers.chat.menus import model as menus
from resolvers.chat.replies import edit
from resolvers.chat.replies import model as replies
from resolvers.coupons.model import Window
from resolvers.paging import PageRequest
from resolvers.ports import Platform
from resolvers.ports_chat import Button
from resolvers.till.members import Member
from schema.chat import ConversationMessage, show_message
from schema.chat_enums import ButtonKind, ContentKind, ConversationState, Match, MenuState
from schema.common import After, Connection, First, Node, connection
from schema.console.till import Customer, show_member
from schema.context import Info
from schema.scalars import DateTime


@strawberry.type(description="What a person and your brand say to each other.")
class Conversation(Node):
    """A conversation as its brand's agents see it."""

    model: strawberry.Private[desk.Conversation]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    state: ConversationState = strawberry.field(description="Who answers the person.")
    platform: Platform | None = strawberry.field(description="The chat app in which the person last wrote.")
    in_app: bool = strawberry.field(
        description="Whether the person last wrote in the mini-program itself: then no quota applies."
    )
    agent_id: strawberry.ID | None = strawberry.field(description="The member of staff who has it.")
    agent_name: str | None = strawberry.field(description="What they are called.")
    waiting_since: DateTime | None = strawberry.field(description="Since when it is in the queue.")
    unanswered: int = strawberry.field(description="How many messages the person wrote since an agent last did.")
    message_count: int = strawberry.field(description="How many messages it has, notes included.")
    last_at: DateTime = strawberry.field(description="When its newest message was said.")
    last_customer_at: DateTime | None = strawberry.field(description="When the person last wrote.")

    @strawberry.field(
        description="Until when the platform takes a message; null: it takes none, or none is needed (inApp)."
    )
    async def send_until(self, info: Info) -> DateTime | None:
        quota = await self._quota(info)
        return quota.until(info.context.now) if quota is not None else None

    @strawberry.field(
        description="How many messages the platform still takes, of all brands of the app together; 0 when inApp."
    )
    async def sends_left(self, info: Info) -> int:
        quota = await self._quota(info)
        return quota.left(info.context.now) if quota is not None else 0

    async def _quota(self, info: Info) -> Quota | None:
        if self.model.in_app:
            return None
        return await info.context.loaders.quota.load(person_id(self.model.app_id, self.model.openid))

    @strawberry.field(description="What the person calls themselves; null while they have not said, or are unknown.")
    async def nickname(self, info: Info) -> str | None:
        customer_id = self.model.customer_id
        customer = await info.context.loaders.customer.load(customer_id) if customer_id else None
        return customer.nickname if customer is not None else None

    @strawberry.field(description="The member of your brand who writes; null for anybody else.")
    async def customer(self, info: Info) -> Customer | None:
        customer_id = self.model.customer_id
        if customer_id is None:
            return None
        customer = await info.context.loaders.customer.load(customer_id)
        mine = await info.context.loaders.member.load(f"{self.model.brand_id}:{customer_id}")
        return show_member(Member(customer, mine)) if customer is not None and mine is not None else None

    @strawberry.field(description="Its messages, notes included, newest first.")
    async def messages(self, info: Info, first: First = 20, after: After = None) -> Connection[ConversationMessage]:
        request = PageRequest.parse(first, after)
        page = await info.context.app.conversations.messages_page(self.model.id, request, with_notes=True)
        return connection(page, show_message)


@strawberry.type(description="A conversation as it became, or the word that some changes may have been missed.")
class ConversationEvent:
    """A conversation as it became."""

    cursor: str = strawberry.field(description="Subscribe after it to go on from here.")
    at: DateTime = strawberry.field(description="When it became so.")
    conversation: Conversation | None = strawberry.field(description="The conversation; null: read the list again.")
    messages: list[ConversationMessage] = strawberry.field(description="Messages that are new or have changed.")
    resync: bool = strawberry.field(description="Whether some may be missing: read again what you show.")


@strawberry.type(description="A stretch of the day; one that ends before it starts runs over midnight.")
class ReplyHours:
    """A stretch of the day."""

    start: int = strawberry.field(description="Minutes after midnight, in the brand's zone.")
    until: int = strawberry.field(description="Minutes after midnight, up to 1440.")


@strawberry.type(description="Times of day on some weekdays.")
class ReplyWindow:
    """Times of day on some weekdays."""

    weekdays: list[int] = strawberry.field(description="1 Monday to 7 Sunday; none: every day.")
    hours: list[ReplyHours] = strawberry.field(description="None: all day.")


@strawberry.type(description="What a reply rule answers with; what its kind does not need is empty.")
class ReplyContent:
    """What a rule answers with."""

    kind: ContentKind = strawberry.field(description="What it is.")
    text: str = strawberry.field(description="The text of a TEXT, or what a person hears who is led to the DESK.")
    media_id: str = strawberry.field(
        description="The platform's id of an IMAGE, or of a card's cover; it works only in the app it was uploaded for."
    )
    title: str = strawberry.field(description="An article's or a card's title.")
    description: str = strawberry.field(description="What stands under an article's title.")
    picture_url: str = strawberry.field(description="An article's picture.")
    url: str = strawberry.field(description="What an article opens.")
    page_path: str = strawberry.field(description="The page that a card opens.")


@strawberry.type(description="A rule by which your brand answers by itself: of all rules the first that fits does.")
class ReplyRule(Node):
    """A reply rule."""

    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    match: Match = strawberry.field(description="What it answers to.")
    words: list[str] = strawberry.field(description="The words of an EXACT or CONTAINS rule.")
    windows: list[ReplyWindow] = strawberry.field(description="When it answers; none: always.")
    content: ReplyContent = strawberry.field(description="What it answers with.")


@strawberry.type(description="What a text would be answered.")
class DryRun:
    """What a text would be answered."""

    rule: ReplyRule | None = strawberry.field(description="The rule that would answer; null: none.")
    text: str | None = strawberry.field(description="The text that would come, with the person's own coupons.")


@strawberry.type(description="A button of the menu; what its kind does not need is empty.")
class MenuButton:
    """A button of the menu."""

    name: str = strawberry.field(description="What stands on it.")
    kind: ButtonKind | None = strawberry.field(description="What it does; null: it opens its buttons.")
    key: str = strawberry.field(description="What it tells us.")
    url: str = strawberry.field(description="What it opens, or old phones open instead of the mini-program.")
    app_id: str = strawberry.field(description="The mini-program it opens.")
    page_path: str = strawberry.field(description="The page it opens there.")
    media_id: str = strawberry.field(description="The platform's id of what it sends.")
    buttons: list["MenuButton"] = strawberry.field(description="The buttons below it.")


@strawberry.type(description="The menu of your brand's official account.")
class ButtonMenu:
    """The menu of an official account."""

    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    state: MenuState = strawberry.field(description="How draft and published go together.")
    draft: list[MenuButton] = strawberry.field(description="What publishMenu puts up.")
    published: list[MenuButton] = strawberry.field(description="What was read back when it was last published.")
    published_at: DateTime | None = strawberry.field(description="When that was.")
    difference: list[str] = strawberry.field(description="In what the two differed then, in zh-CN.")


def show_conversation(conversation: desk.Conversation, info: Info) -> Conversation:
    """A conversation as its agents see it."""
    return Conversation(
        id=strawberry.ID(conversation.id),
        model=conversation,
        revision=conversation.revision,
        state=conversation.state_at(info.context.now),
        platform=conversation.platform,
        in_app=conversation.in_app,
        agent_id=strawberry.ID(conversation.agent_id) if conversation.agent_id is not None else None,
        agent_name=conversation.agent_name,
        waiting_since=conversation.waiting_since,
        unanswered=conversation.unanswered,
        message_count=conversation.number,
        last_at=conversation.last_at,
        last_customer_at=conversation.last_customer_at,
    )


def show_desk_event(event: follow.DeskEvent, info: Info) -> ConversationEvent:
    """An event as agents see it."""
    return ConversationEvent(
        cursor=event.cursor,
        at=event.at,
        conversation=show_conversation(event.conversation, info) if event.conversation is not None else None,
        messages=[show_message(message) for message in event.messages],
        resync=event.resync,
    )


def show_rule(rule: replies.ReplyRule) -> ReplyRule:
    """A rule as managers see it."""
    content = rule.content
    return ReplyRule(
        id=strawberry.ID(rule.id),
        revision=rule.revision,
        match=rule.match,
        words=list(rule.words),
        windows=[_show_window(window) for window in rule.windows],
        content=ReplyContent(
            kind=content.kind,
            text=content.text,
            media_id=content.media_id,
            title=content.title,
            description=content.description,
            picture_url=content.picture_url,
            url=content.url,
            page_path=content.page_path,
        ),
    )


def _show_window(window: Window) -> ReplyWindow:
    hours = [ReplyHours(start=each.start, until=each.until) for each in window.ranges]
    return ReplyWindow(weekdays=list(window.weekdays), hours=hours)


def show_dry_run(answered: edit.Answered) -> DryRun:
    """What a text would be answered."""
    return DryRun(rule=show_rule(answered.rule) if answered.rule is not None else None, text=answered.text)


def show_menu(menu: menus.ButtonMenu) -> ButtonMenu:
    """A menu as managers see it."""
    return ButtonMenu(
        revision=menu.revision,
        state=menu.state,
        draft=[_show_button(each) for each in menu.draft],
        published=[_show_button(each) for each in menu.published],
        published_at=menu.published_at,
        difference=list(menu.difference),
    )


def _show_button(button: Button) -> MenuButton:
    return MenuButton(
        name=button.name,
        kind=button.kind,
        key=button.key,
        url=button.url,
        app_id=button.app_id,
        page_path=button.page_path,
        media_id=button.media_id,
        buttons=[_show_button(each) for each in button.buttons],
    )
