"""Saying something in a conversation: an agent to the person or to colleagues, the person in the mini-program."""

from dataclasses import asdict, replace
from typing import Any

from resolvers.app import App
from resolvers.chat.desk.agents import conversation_for, queue_of
from resolvers.chat.desk.model import (
    MAXIMUM_UNANSWERED,
    Author,
    ChatMessage,
    Conversation,
    Delivery,
    TextInvalid,
    TooManyUnanswered,
    checked_text,
)
from resolvers.chat.desk.write import new_conversation, queued, said, write_conversation
from resolvers.errors import NotFound
from resolvers.people.model import SignedIn, Staff
from resolvers.ports_chat import Message, MessageKind
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_MEDIA_ID = 128  # characters


def content_of(text: str | None, media_id: str | None) -> Message:
    """What an agent sends: exactly one of a text and an image of the platform's. Raises TextInvalid."""
    if (text is None) == (media_id is None):
        raise TextInvalid("请填写文字或图片其中一项", field=("input",))
    if text is not None:
        return Message(MessageKind.TEXT, text=checked_text(text, ("input", "text")))
    wanted = (media_id or "").strip()
    if not wanted or len(wanted) > MAXIMUM_MEDIA_ID or not wanted.isascii() or not wanted.isprintable():
        raise TextInvalid("图片编号不正确", field=("input", "mediaId"))
    return Message(MessageKind.IMAGE, media_id=wanted)


async def send_message(
    app: App, staff: Staff, conversation_id: str, text: str | None, media_id: str | None, key: str
) -> ChatMessage:
    """Send a message to the person of a conversation that one has. To a chat app it goes once at most.

    The platform's quota of that openid is taken in the same transaction, so that all agents together, those of other
    brands in the same mini-program too, cannot exceed it.
    Raises NotFound, NotYours, TakenByOther, TextInvalid, SendWindowClosed, SendQuotaReached, IdempotencyKeyReused,
    BadInput.
    """
    content = content_of(text, media_id)

    async def speak(work: Work, conversation: Conversation) -> tuple[Conversation, ChatMessage]:
        mine = conversation.open_for(staff).answered()
        if mine.in_app and content.kind is MessageKind.IMAGE:  # a platform's media id means nothing there
            raise TextInvalid("顾客正在小程序内对话，暂时只能发送文字", field=("input", "mediaId"))
        message = replace(said(work, mine, Author.AGENT, content), staff_name=staff.name)
        if mine.in_app:
            return mine, replace(message, delivery=Delivery.SENT)
        quota = await app.conversations.quota(mine.app_id, mine.openid, work.session)
        less, message = queued(work, message, mine.app_id, mine.openid, quota)
        await app.conversations.keep_quota(work.session, mine.app_id, mine.openid, less)
        return mine, message

    return await _staff_speaks(app, staff, conversation_id, "sendMessage", asdict(content), key, speak)


async def add_note(app: App, staff: Staff, conversation_id: str, text: str, key: str) -> ChatMessage:
    """Leave a note for colleagues, which the person never sees.

    Raises NotFound, TextInvalid, IdempotencyKeyReused, BadInput.
    """
    note = Message(MessageKind.TEXT, text=checked_text(text, ("input", "text")))

    async def speak(work: Work, conversation: Conversation) -> tuple[Conversation, ChatMessage]:
        return conversation, replace(said(work, conversation, Author.NOTE, note), staff_name=staff.name)

    return await _staff_speaks(app, staff, conversation_id, "addNote", asdict(note), key, speak)


async def _staff_speaks(
    app: App, staff: Staff, conversation_id: str, verb: str, content: dict[str, Any], key: str, speak: Any
) -> ChatMessage:
    known = await conversation_for(app, staff, conversation_id)
    input_ = {"conversation": conversation_id, "content": content}

    async def steps(work: Work) -> Ids:
        before = await app.conversations.conversation(conversation_id, work.session)
        if before is None:
            raise NotFound
        after, message = await speak(work, before)
        await write_conversation(app, work, after, [message])
        work.record_staff_action(verb, conversation_id, memo=message.id)
        return {"message": message.id}

    call = Call(verb, Actor(ActorKind.STAFF, staff.id), key, input_, (queue_of(known),))
    ids = await app.work.run(call, steps)
    return await message_of(app, ids["message"])


async def write_to_desk(app: App, person: SignedIn, brand_id: str, text: str, key: str) -> ChatMessage:
    """Write to a brand's agents in the mini-program itself: the conversation goes to the queue unless one has it.

    Who begins one is written, too, so that it meets a join of their account: of the two one comes after the other.
    Raises NotFound, TextInvalid, TooManyUnanswered, IdempotencyKeyReused, BadInput.
    """
    content = Message(MessageKind.TEXT, text=checked_text(text, ("input", "text")))
    if await app.brands.brand(brand_id) is None:
        raise NotFound("没有这个商户", field=("input", "brandId"))
    owner = person.customer_id

    async def steps(work: Work) -> Ids:
        now = await app.people.customer_now(owner, work.session)
        mine = now.id if now is not None else owner
        found = await app.conversations.of_person(brand_id, mine, work.session)
        if found is None:
            await app.joining.touch(work.session, (mine,))
        before = found or new_conversation(work, brand_id, mine, mine)
        if before.unanswered_in_app >= MAXIMUM_UNANSWERED:
            raise TooManyUnanswered
        message = said(work, before, Author.CUSTOMER, content)
        after = replace(
            before.queued(work.now),
            platform=person.platform,
            wrote_in_app=True,
            platform_until=None,
            last_customer_at=work.now,
            unanswered=before.unanswered + 1,
            unanswered_in_app=before.unanswered_in_app + 1,
        )
        await write_conversation(app, work, after, [message], new=found is None, by_callback=False)
        return {"message": message.id}

    call = Call(
        "writeToDesk", person.actor, key, {"brand": brand_id, "text": content.text}, (f"talk:{brand_id}:{owner}",)
    )
    ids = await app.work.run(call, steps)
    return await message_of(app, ids["message"])


async def message_of(app: App, message_id: str) -> ChatMessage:
    """A message as it is now. Raises NotFound."""
    message = await app.conversations.message(message_id)
    if message is None:
        raise NotFound
    return message
