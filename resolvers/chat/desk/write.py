"""Writing a conversation: whole, with the messages that the change is about, so that watchers miss none."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from resolvers.app import App
from resolvers.chat.desk.model import (
    Author,
    ChatMessage,
    Conversation,
    ConversationState,
    Delivery,
    Failure,
)
from resolvers.chat.desk.quota import Quota, SendQuotaReached, SendWindowClosed
from resolvers.errors import TryAgain
from resolvers.ports_chat import Message
from resolvers.work.unit import Work


async def write_conversation(
    app: App,
    work: Work,
    after: Conversation,
    messages: Sequence[ChatMessage] = (),
    *,
    new: bool = False,
    by_callback: bool = True,
) -> Conversation:
    """Write a conversation as it became, `after` a change of what was read; numbers those messages that are new.

    `by_callback`: what the person says in those they wrote in the chat app.
    Raises TryAgain when it is not as it was read any more.
    """
    revision, number, written = (1 if new else after.revision + 1), after.number, []
    for message in messages:
        number += message.number == 0
        known = message.number > 0
        there = by_callback and not known and message.author is Author.CUSTOMER
        written.append(
            replace(
                message,
                app_id=after.app_id if there else message.app_id,
                openid=after.openid if there else message.openid,
                number=message.number or number,
                revision=message.revision + known,
                changed_in=revision,
                changed_at=work.now,
            )
        )
    spoken = [each.at for each in written if each.revision == 1]
    done = replace(
        after,
        revision=revision,
        number=number,
        changed_at=work.now,
        last_at=max([after.last_at, *spoken]),
        last_shown_at=latest(after.last_shown_at, *_shown(after, written, work.now)),
        changed=tuple(written),
    )
    if new:
        await app.conversations.insert(work.session, done)
    elif not await app.conversations.replace(work.session, done, after.revision):
        raise TryAgain
    await app.conversations.put_messages(work.session, written)
    return done


def new_conversation(
    work: Work, brand_id: str, person_key: str, customer_id: str | None, at: datetime | None = None
) -> Conversation:
    """A conversation in which nothing was said yet.

    `at` is when the person did in a chat app what it begins with; None: they begin it in the mini-program itself.
    """
    return Conversation(
        id=work.new_id("cnv"),
        revision=0,
        brand_id=brand_id,
        person_key=person_key,
        customer_id=customer_id,
        state=ConversationState.BOT,
        number=0,
        created_at=work.now,
        changed_at=work.now,
        last_at=work.now,
        last_shown_at=at,
    )


def latest(*moments: datetime | None) -> datetime | None:
    """The latest of some moments; None: there is none."""
    return max((each for each in moments if each is not None), default=None)


def _shown(conversation: Conversation, messages: Sequence[ChatMessage], now: datetime) -> list[datetime]:
    """When the person wrote what they wrote in the chat app; and now, for an agent's message that has arrived there."""
    openid = (conversation.app_id, conversation.openid)
    there = [each for each in messages if each.openid and (each.app_id, each.openid) == openid]
    written = [each.at for each in there if each.author is Author.CUSTOMER]
    arrived = any(each.author is Author.AGENT and each.delivery is Delivery.SENT for each in there)
    return [*written, now] if arrived else written


def said(
    work: Work, conversation: Conversation, author: Author, content: Message, at: datetime | None = None
) -> ChatMessage:
    """A new message of a conversation, not yet numbered."""
    return ChatMessage(
        id=work.new_id("cms"),
        conversation_id=conversation.id,
        number=0,
        author=author,
        content=content,
        at=at or work.now,
        changed_at=work.now,
        staff_id=work.actor.id if author in (Author.AGENT, Author.NOTE) else None,
    )


def queued(work: Work, message: ChatMessage, app_id: str, openid: str, quota: Quota) -> tuple[Quota, ChatMessage]:
    """A message on its way to an openid of a chat app, and the quota there less one, which the caller writes, too.

    The outbox sends it, once at most. Raises SendWindowClosed, SendQuotaReached.
    """
    less, taken_of = quota.taken(work.now)
    work.later("service_message", message.id, message_id=message.id)
    on_its_way = replace(
        message,
        delivery=Delivery.QUEUED,
        passive=False,
        app_id=app_id,
        openid=openid,
        turn=less.turns,
        taken_of=taken_of,
    )
    return less, on_its_way


def queued_if_possible(
    work: Work, message: ChatMessage, app_id: str, openid: str, quota: Quota
) -> tuple[Quota, ChatMessage]:
    """The same; what may not be sent now stays as failed, with the reason."""
    try:
        return queued(work, message, app_id, openid, quota)
    except SendWindowClosed:
        failure = Failure.WINDOW_CLOSED
    except SendQuotaReached:
        failure = Failure.QUOTA_REACHED
    return quota, replace(message, delivery=Delivery.FAILED, failure=failure, passive=False)
