"""Sending messages to a chat app, each once at most, and those to one openid in the order in which they were queued.

The attempt is written down before it is made. A process that dies between the two leaves the message UNKNOWN. It may
have arrived; an agent sees that and decides.

Each message has a task of its own, and any worker takes any task. Whoever does tries the earlier ones to the same
openid first, and goes on with those that wait behind it. A message waits while an earlier one is being sent, or is not
taken by the platform yet: for at most HOLD_UP, then those behind it go first. Else two messages change places only when
the earlier one can arrive no more, or nobody knows whether it did.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from resolvers.app import App
from resolvers.chat.desk.model import ChatMessage, Delivery, Failure
from resolvers.chat.desk.quota import Quota, SendQuotaReached, SendWindowClosed, TakenOf
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

HOLD_UP = timedelta(minutes=5)  # since it was said; what the platform does not take for so long may be its own fault
ATTEMPT = timedelta(seconds=30)  # longer than any takes: two calls for a token and two to send, of 6 s each


async def deliver(app: App, message_id: str) -> None:
    """Make the one attempt to send a message that is queued, after those before it, and then those behind it.

    Raises PlatformBusy when it was certainly not sent and may be later, or when an earlier one to the same openid, or
    an attempt to send this one, is on its way.
    """
    message = await app.conversations.message(message_id)
    if message is None or message.delivery not in (Delivery.QUEUED, Delivery.SENDING):
        return
    for earlier in await app.conversations.in_line(message.app_id, message.openid, message.turn):
        try:
            await _attempt(app, earlier.id)
        except PlatformBusy:
            if app.clock.now() < earlier.at + HOLD_UP:
                raise
    await _attempt(app, message_id)
    while following := await app.conversations.next_in_line(message.app_id, message.openid, message.turn):
        try:
            await _attempt(app, following.id)
        except PlatformBusy:
            return  # which its own task sees to


async def _attempt(app: App, message_id: str) -> None:
    """Make the one attempt, if there is one to make (any more). Raises PlatformBusy."""
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
    """The message, now noted as being sent; None when there is nothing to send (any more). Raises PlatformBusy."""

    async def steps(work: Work) -> Ids:
        message = await app.conversations.message(message_id, work.session)
        if message is not None and message.delivery is Delivery.SENDING:
            if _on_its_way(message, work.now):
                raise PlatformBusy("it is being sent")
            await _write(app, work, replace(message, delivery=Delivery.UNKNOWN))  # whoever noted it has died
        elif message is not None and message.delivery is Delivery.QUEUED:
            earlier = await app.conversations.in_line(message.app_id, message.openid, message.turn, work.session)
            if any(_on_its_way(each, work.now) for each in earlier):
                raise PlatformBusy("an earlier one is on its way")
            await _write(app, work, await _in_its_time(app, work, message, attempt))
        return {}

    await app.work.run(Call("deliverMessage", SYSTEM), steps)
    message = await app.conversations.message(message_id)
    sending = message is not None and message.delivery is Delivery.SENDING and message.attempt == attempt
    return message if sending else None


def _on_its_way(message: ChatMessage, now: datetime) -> bool:
    """Whether those behind a message that is queued or being sent have to wait for it."""
    if message.delivery is Delivery.SENDING:
        return message.tried_at is not None and now < message.tried_at + ATTEMPT
    return now < message.at + HOLD_UP


async def _in_its_time(app: App, work: Work, message: ChatMessage, attempt: str) -> ChatMessage:
    """The message as being sent. Once its grant's time is over it is taken of another; without one it has failed."""
    quota = await app.conversations.quota(message.app_id, message.openid, work.session)
    taken_of = quota.instead_of(message.taken_of) if message.taken_of is not None else None
    sending = replace(message, delivery=Delivery.SENDING, attempt=attempt, tried_at=work.now, taken_of=taken_of)
    if sending.before is not None and work.now < sending.before:
        return sending
    try:
        less, taken_of = quota.taken(work.now)
    except (SendWindowClosed, SendQuotaReached):
        return replace(message, delivery=Delivery.FAILED, failure=Failure.WINDOW_CLOSED)
    await app.conversations.keep_quota(work.session, message.app_id, message.openid, less)
    return replace(sending, taken_of=taken_of)


async def _end(app: App, message_id: str, attempt: str, delivery: Delivery, failure: Failure | None) -> None:
    async def steps(work: Work) -> Ids:
        message = await app.conversations.message(message_id, work.session)
        if message is None or message.attempt != attempt:
            return {}
        given_up = message.delivery is Delivery.UNKNOWN and delivery is Delivery.QUEUED  # its task is done
        if message.delivery not in (Delivery.SENDING, Delivery.UNKNOWN) or given_up:
            return {}
        if message.taken_of is not None:
            quota = await app.conversations.quota(message.app_id, message.openid, work.session)
            after = _quota_after(quota, message, message.taken_of, failure)
            if after != quota:
                await app.conversations.keep_quota(work.session, message.app_id, message.openid, after)
        await _write(app, work, replace(message, delivery=delivery, failure=failure))
        return {}

    await app.work.run(Call("deliverMessage", SYSTEM), steps)


def _quota_after(quota: Quota, message: ChatMessage, taken_of: TakenOf, failure: Failure | None) -> Quota:
    """The quota once a message has failed. A grant that came while it was being sent has counted it, too."""
    newest = quota.instead_of(taken_of)
    counted = newest if message.delivery is Delivery.SENDING else taken_of
    match failure:
        case Failure.WINDOW_CLOSED | Failure.QUOTA_REACHED:
            spent = quota.used_up(taken_of)
            return spent.given_back(newest) if counted != taken_of else spent
        case Failure.REFUSED:
            return quota.given_back(counted)
        case _:
            return quota


async def _write(app: App, work: Work, message: ChatMessage) -> None:
    """Write a message that has changed, with the conversation it belongs to."""
    conversation = await app.conversations.conversation(message.conversation_id, work.session)
    if conversation is not None:
        await write_conversation(app, work, conversation, [message])
