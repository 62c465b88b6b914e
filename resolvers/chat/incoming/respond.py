"""What a callback comes to: the message is kept, a rule answers, the conversation moves on, all in one transaction.

Asked again under the same callback it answers the same, so that an attempt that was cut off can be made again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.chat.desk.join import merge_conversations
from resolvers.chat.desk.model import (
    PLATFORM_DESK,
    Author,
    ChatMessage,
    Conversation,
    ConversationState,
    Delivery,
)
from resolvers.chat.desk.quota import Quota, TakenOf
from resolvers.chat.desk.write import new_conversation, queued_if_possible, said, write_conversation
from resolvers.chat.incoming.model import ChatPerson, Incoming, IncomingKind, brand_of_session
from resolvers.chat.incoming.who import Writer, brand_meant, writer_of
from resolvers.chat.replies.model import QUEUED_TEXT, ContentKind, Match, ReplyRule, answering, first_of, keyed
from resolvers.chat.replies.offered import coupons_text
from resolvers.people.model import Customer
from resolvers.ports import Platform
from resolvers.ports_chat import Channel, Message, MessageKind, Transfer
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

_FIELDS = ("text", "media_id", "title", "description", "picture_url", "url", "page_path")
NO_BRAND_TEXT = "您好，请从想咨询的门店页面点“联系客服”进入，我们马上为您服务。"


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule comes to for one person: the messages, and whether a human is wanted."""

    messages: tuple[Message, ...] = ()
    desk: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a callback is answered; `message_id` is that of a reply in its conversation.

    `conversation_id` is the one that a Transfer hands over.
    """

    reply: Message | Transfer | None = None
    message_id: str | None = None
    conversation_id: str | None = None


async def respond(app: App, channel: Channel, incoming: Incoming, *, late: bool = False) -> Answer:
    """Handle a callback, once however often it is asked. No network call is made once the transaction has begun.

    `late`: it cannot carry the answer any more, so that is sent as a message, before the others that belong to it.
    """
    writer = await writer_of(app, channel, incoming)
    brand = await brand_meant(app, channel, incoming, writer)
    if brand is None:
        lost = incoming.kind is IncomingKind.MESSAGE and not channel.official
        return Answer(Message(MessageKind.TEXT, text=NO_BRAND_TEXT)) if lost else Answer()
    rule = await _rule(app, brand, incoming)
    reply = await _said(app, brand, writer, rule) if rule is not None else Said()

    async def steps(work: Work) -> Ids:
        return await _keep(app, work, channel, brand, writer, incoming, reply, late=late)

    contends = (f"talk:{brand.id}:{writer.customer_id or writer.person_id}",)
    ids = await app.work.run(Call("receive", SYSTEM, incoming.work_key, {"callback": incoming.id}, contends), steps)
    if "transfer" in ids:
        return Answer(Transfer(ids["transfer"]), conversation_id=ids.get("conversation"))
    message = await app.conversations.message(ids["reply"]) if "reply" in ids else None
    return Answer(message.content, message.id) if message is not None else Answer()


async def _rule(app: App, brand: Brand, incoming: Incoming) -> ReplyRule | None:
    """The rule that answers, should nobody else."""
    local = app.clock.now().astimezone(ZoneInfo(brand.settings.zone))
    if incoming.kind in (IncomingKind.OTHER, IncomingKind.UNSUBSCRIBE, IncomingKind.ENTER):
        return None
    rules = await app.reply_rules.rules_of(brand.id)
    if incoming.kind is IncomingKind.MESSAGE:
        text = incoming.content.text if incoming.content is not None else ""
        return answering(rules, text, local)
    found = keyed(rules, incoming.key, local) if incoming.key else None
    if found is None and incoming.kind is IncomingKind.SUBSCRIBE:
        return first_of(rules, Match.SUBSCRIBE, local)
    return found


async def _said(app: App, brand: Brand, writer: Writer, rule: ReplyRule) -> Said:
    content = rule.content
    match content.kind:
        case ContentKind.DESK:
            return Said((Message(MessageKind.TEXT, text=content.text or QUEUED_TEXT),), desk=True)
        case ContentKind.COUPONS:
            text = await coupons_text(app, brand, writer.customer_id, app.clock.now())
            return Said((Message(MessageKind.TEXT, text=text), content.card))
        case ContentKind.MINI_PROGRAM:
            return Said((content.card,))
        case _:
            fields = {name: getattr(content, name) for name in _FIELDS}
            return Said((Message(MessageKind(content.kind.value), **fields),))


async def _keep(
    app: App, work: Work, channel: Channel, brand: Brand, writer: Writer, incoming: Incoming, reply: Said, *, late: bool
) -> Ids:
    """The transaction: what was written and what is answered, and the conversation as it goes on."""
    known = await app.callbacks.person(writer.person_id, work.session)
    person = known.after(incoming, work.now, await _queued(app, work, known, incoming))
    if brand_of_session(incoming.session_from) is not None:
        person = person.having_said(brand.id, incoming.at, work.now)
    owner = await app.people.customer_now(writer.customer_id, work.session) if writer.customer_id is not None else None
    found = await _conversation(app, work, brand, owner, writer)
    wrote = incoming.kind is IncomingKind.MESSAGE
    answer: Ids = {}
    if found is not None or wrote or reply.messages:
        before = found or await _begun(app, work, brand, owner, writer, incoming)
        after = _reached(before, incoming, work.now)
        messages: list[ChatMessage] = []
        if wrote and incoming.content is not None:
            messages.append(said(work, before, Author.CUSTOMER, incoming.content, min(incoming.at, work.now)))
        if wrote and after.state_at(work.now) is ConversationState.PLATFORM:
            after = replace(after, platform_until=work.now + PLATFORM_DESK)
            answer = {"transfer": after.agent_account, "conversation": after.id}
        elif not _human(after, work.now) or incoming.kind is IncomingKind.CLICK:
            after = _moved_on(after, reply, work.now)
            quota, replies = _replies(work, after, incoming, person.quota, reply, late=late)
            person = replace(person, quota=quota)
            messages += replies
            passive = next((each.id for each in replies if each.passive), None)
            answer = {"reply": passive} if passive is not None else {}
        if messages or after != before:
            await write_conversation(app, work, after, messages, new=found is None)
    if person != known:
        await app.callbacks.note(work.session, person)
    return answer


async def _queued(app: App, work: Work, person: ChatPerson, incoming: Incoming) -> list[TakenOf]:
    """The grants of messages on their way to the person: by the time they are sent a newer one may count."""
    if incoming.grants is None or not person.quota.turns:
        return []
    line = await app.conversations.in_line(incoming.app_id, incoming.openid, None, work.session)
    return [each.taken_of for each in line if each.taken_of is not None]


async def _conversation(
    app: App, work: Work, brand: Brand, owner: Customer | None, writer: Writer
) -> Conversation | None:
    """The person's conversation; one they began as a visitor becomes theirs once they are known, or goes on in it."""
    keys = (*owner.ids, writer.person_id) if owner is not None else (writer.person_id,)
    found = await app.conversations.of_people(keys, work.session, brand.id)
    if owner is None or not found:
        return found[0] if found else None
    if [each.person_key for each in found] == [owner.id]:
        return found[0]
    await app.joining.touch(work.session, (owner.id,))
    return await merge_conversations(app, work, owner.id, found)


async def _begun(
    app: App, work: Work, brand: Brand, owner: Customer | None, writer: Writer, incoming: Incoming
) -> Conversation:
    """A new conversation. Its customer is written, too, so that it meets a join of their account."""
    at = min(incoming.at, work.now)
    if owner is None:
        return new_conversation(work, brand.id, writer.person_id, None, at)
    await app.joining.touch(work.session, (owner.id,))
    return new_conversation(work, brand.id, owner.id, owner.id, at)


def _reached(conversation: Conversation, incoming: Incoming, now: datetime) -> Conversation:
    """The conversation once the person did something: where they are.

    Only what they write moves it; what they do elsewhere does so as long as they never wrote.
    """
    last, at = conversation.last_customer_at, min(incoming.at, now)
    there = replace(conversation, app_id=incoming.app_id, openid=incoming.openid)
    if incoming.kind is not IncomingKind.MESSAGE:
        moves = incoming.grants is not None and last is None
        return replace(there, platform=Platform.WECHAT) if moves else conversation
    late = last is not None and at < last.replace(microsecond=0)  # the platform says seconds
    if late:
        reached = conversation if conversation.openid else replace(there, wrote_in_app=conversation.in_app)
    else:
        reached = replace(there, wrote_in_app=False, platform=Platform.WECHAT)
    return replace(reached, last_customer_at=max(at, last or at), unanswered=conversation.unanswered + 1)


def _human(conversation: Conversation, now: datetime) -> bool:
    """Whether a person answers, or is about to: rules are silent then."""
    return conversation.state_at(now) in (
        ConversationState.WAITING,
        ConversationState.OPEN,
        ConversationState.PLATFORM,
    )


def _moved_on(conversation: Conversation, reply: Said, now: datetime) -> Conversation:
    if reply.desk:
        return conversation.queued(now)
    state = conversation.state_at(now)
    if state in (ConversationState.CLOSED, ConversationState.BOT):
        return replace(conversation, state=ConversationState.BOT, platform_until=None, agent_account="")
    return conversation


def _replies(
    work: Work, conversation: Conversation, incoming: Incoming, quota: Quota, reply: Said, *, late: bool
) -> tuple[Quota, list[ChatMessage]]:
    """The first that can be is the answer to the callback; the rest is sent there by the outbox, of the quota there."""
    made: list[ChatMessage] = []
    for content in reply.messages:
        message = said(work, conversation, Author.BOT, content)
        if content.passive and not late and not any(each.passive for each in made):
            made.append(replace(message, delivery=Delivery.SENT, passive=True))
        else:
            quota, message = queued_if_possible(work, message, incoming.app_id, incoming.openid, quota)
            made.append(message)
    return quota, made
