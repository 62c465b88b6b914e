"""Sending a message to a chat app, once at most: the attempt is written down before it is made.

A process that dies between the two leaves the message UNKNOWN. It may have arrived; an agent sees that and decides.
"""

from collections.abc import Callable
from dataclasses import replace

from resolvers.app import App
from resolvers.chat.desk.model import ChatMessage, Conversation, Delivery, Failure
from resolvers.chat.desk.quota import Quota
from resolvers.chat.desk.write import write_conversation
from resolvers.ids import new_id
from resolvers.ports import OutsideFault
from resolvers.ports_chat import (
    MessageRefused,
    NotFollowing,
    PlatformBusy,
    QuotaExceeded,
    WindowClosed,
)
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

Change = Callable[[Conversation, ChatMessage, Work], tuple[Conversation, ChatMessage] | None]


async def deliver(app: App, message_id: str) -> None:
    """Make the one attempt to send a message that is queued.

    Raises PlatformBusy when it was certainly not sent and may be later: it is queued again then.
    """
    attempt = new_id("try", app.clock.now())
    message = await _begun(app, message_id, attempt)
    if message is None:
        return
    channel = app.channels.get(message.app_id)
    try:
        if channel is None:
            raise MessageRefused("no such app")
        await channel.service.send(message.openid, message.content)
    except PlatformBusy:
        await _end(app, message_id, attempt, Delivery.QUEUED, None)
        raise
    except WindowClosed:
        await _end(app, message_id, attempt, Delivery.FAILED, Failure.WINDOW_CLOSED)
    except QuotaExceeded:
        await _end(app, message_id, attempt, Delivery.FAILED, Failure.QUOTA_REACHED)
    except NotFollowing:
        await _end(app, message_id, attempt, Delivery.FAILED, Failure.NOT_FOLLOWING)
    except MessageRefused:
        await _end(app, message_id, attempt, Delivery.FAILED, Failure.REFUSED)
    except OutsideFault:
        await _end(app, message_id, attempt, Delivery.UNKNOWN, None)
    else:
        await _end(app, message_id, attempt, Delivery.SENT, None)


async def _begun(app: App, message_id: str, attempt: str) -> ChatMessage | None:
    """The message, now noted as being sent; None when there is nothing to send (any more)."""

    def begin(conversation: Conversation, message: ChatMessage, work: Work) -> tuple[Conversation, ChatMessage] | None:
        if message.delivery is Delivery.SENDING:  # whoever noted it has died, or sends it still
            return conversation, replace(message, delivery=Delivery.UNKNOWN)
        if message.delivery is not Delivery.QUEUED:
            return None
        if message.before is not None and work.now >= message.before:
            return conversation, replace(message, delivery=Delivery.FAILED, failure=Failure.WINDOW_CLOSED)
        return conversation, replace(message, delivery=Delivery.SENDING, attempt=attempt)

    await _change(app, message_id, begin)
    message = await app.conversations.message(message_id)
    sending = message is not None and message.delivery is Delivery.SENDING and message.attempt == attempt
    return message if sending else None


async def _end(app: App, message_id: str, attempt: str, delivery: Delivery, failure: Failure | None) -> None:
    def end(conversation: Conversation, message: ChatMessage, work: Work) -> tuple[Conversation, ChatMessage] | None:
        if message.attempt != attempt or message.delivery not in (Delivery.SENDING, Delivery.UNKNOWN):
            return None
        return (
            replace(conversation, quota=_quota_after(conversation, message, failure, work)),
            replace(message, delivery=delivery, failure=failure),
        )

    await _change(app, message_id, end)


def _quota_after(conversation: Conversation, message: ChatMessage, failure: Failure | None, work: Work) -> Quota:
    if (message.app_id, message.openid) != (conversation.app_id, conversation.openid):
        return conversation.quota  # of another app or openid, which has a count of its own
    match failure:
        case Failure.WINDOW_CLOSED | Failure.QUOTA_REACHED:
            return conversation.quota.used_up()
        case Failure.REFUSED:
            return conversation.quota.given_back(work.now)
        case _:
            return conversation.quota


async def _change(app: App, message_id: str, change: Change) -> None:
    async def steps(work: Work) -> Ids:
        message = await app.conversations.message(message_id, work.session)
        if message is None:
            return {}
        conversation = await app.conversations.conversation(message.conversation_id, work.session)
        changed = change(conversation, message, work) if conversation is not None else None
        if changed is not None:
            await write_conversation(app, work, changed[0], [changed[1]])
        return {}

    await app.work.run(Call("deliverMessage", SYSTEM), steps)
