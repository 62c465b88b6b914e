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
    app: App, work: Work, after: Conversation, messages: Sequence[ChatMessage] = (), *, new: bool = False
) -> Conversation:
    """Write a conversation as it became, `after` a change of what was read; numbers those messages that are new.

    Raises TryAgain when it is not as it was read any more.
    """
    revision, number, written = (1 if new else after.revision + 1), after.number, []
    for message in messages:
        number += message.number == 0
        known = message.number > 0
        written.append(
            replace(
                message,
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
        changed=tuple(written),
    )
    if new:
        await app.conversations.insert(work.session, done)
    elif not await app.conversations.replace(work.session, done, after.revision):
        raise TryAgain
    await app.conversations.put_messages(work.session, written)
    return done


def new_conversation(work: Work, brand_id: str, person_key: str, customer_id: str | None) -> Conversation:
    """A conversation in which nothing was said yet."""
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
    )


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


def sent(work: Work, conversation: Conversation, message: ChatMessage) -> tuple[Conversation, ChatMessage]:
    """A message on its way to the person, and the conversation with one message less that may be sent.

    In the mini-program it has arrived; to a chat app the outbox sends it, once at most. Raises SendWindowClosed,
    SendQuotaReached.
    """
    if conversation.in_app:
        return conversation, replace(message, delivery=Delivery.SENT)
    before, quota = conversation.quota.next_grant(work.now).until, conversation.quota.taken(work.now)
    work.later("service_message", message.id, message_id=message.id)
    on_its_way = replace(
        message,
        delivery=Delivery.QUEUED,
        passive=False,
        app_id=conversation.app_id,
        openid=conversation.openid,
        before=before,
    )
    return replace(conversation, quota=quota), on_its_way


def sent_if_possible(work: Work, conversation: Conversation, message: ChatMessage) -> tuple[Conversation, ChatMessage]:
    """The same; what may not be sent now stays as failed, with the reason."""
    try:
        return sent(work, conversation, message)
    except SendWindowClosed:
        failure = Failure.WINDOW_CLOSED
    except SendQuotaReached:
        failure = Failure.QUOTA_REACHED
    return conversation, replace(message, delivery=Delivery.FAILED, failure=failure, passive=False)


def sent_as_answer(
    work: Work, conversation: Conversation, message: ChatMessage, app_id: str, openid: str, granted: Quota
) -> tuple[Conversation, ChatMessage]:
    """The same for what answers a callback: it goes to where that came from, wherever the person writes by now.

    `granted`, what the callback itself allows, counts where the conversation has moved on to another app or openid.
    """
    same = (conversation.app_id, conversation.openid) == (app_id, openid)
    quota = conversation.quota if same else granted
    there = replace(conversation, app_id=app_id, openid=openid, wrote_in_app=False, quota=quota)
    after, done = sent_if_possible(work, there, message)
    return (replace(conversation, quota=after.quota) if same else conversation), done
