"""Answering a callback within the platform's five seconds, once among all attempts and processes.

What takes longer is left to a worker: the callback is answered with nothing, and the reply follows as a
customer-service message. Nothing is answered with nothing that is not done, or left to a worker: a process may die.
"""

import asyncio
import logging
import secrets
from dataclasses import replace

from resolvers.app import App
from resolvers.chat.desk.model import ConversationState
from resolvers.chat.desk.write import queued_if_possible, write_conversation
from resolvers.chat.incoming.model import Callback, CallbackState, Incoming, StillHandled, read_incoming
from resolvers.chat.incoming.respond import respond
from resolvers.ports import OutsideFault
from resolvers.ports_chat import Message, Transfer
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

log = logging.getLogger("kabao.chat")

HANDLE_SECONDS = 3.5  # of the platform's five: the rest is for noting that it took too long, and for the way back
WAIT_SECONDS = 4.0  # for another process that handles the same callback
LOOK_SECONDS = 0.05


async def answer(app: App, incoming: Incoming, fields: dict[str, str]) -> Message | Transfer | None:
    """What a callback is answered; None: nothing, at once.

    Raises StillHandled, and what the database raises when it is out of reach.
    """
    loop = asyncio.get_running_loop()
    owner, came = secrets.token_hex(8), loop.time()
    while True:
        callback = await app.callbacks.begin(incoming.id, owner, app.clock.now(), fields)
        if callback is not None and callback.owner == owner:
            return await _handle(app, callback, incoming, fields, came + HANDLE_SECONDS)
        if callback is not None and callback.state is not CallbackState.RUNNING:
            return callback.answer
        if loop.time() > came + WAIT_SECONDS:
            raise StillHandled
        await asyncio.sleep(LOOK_SECONDS)


async def _handle(
    app: App, callback: Callback, incoming: Incoming, fields: dict[str, str], until: float
) -> Message | Transfer | None:
    channel = app.channels[incoming.app_id]
    try:
        async with asyncio.timeout_at(until):
            answered = await respond(app, channel, incoming)
    except Exception as error:
        log.warning("callback left to a worker", extra={"app": incoming.app_id, "reason": repr(error)[:200]})
        await _postpone(app, callback, fields)
        return None
    await app.callbacks.finish(callback, answered.reply)
    return answered.reply


async def _postpone(app: App, callback: Callback, fields: dict[str, str]) -> None:
    """Leave a callback to a worker. Raises StillHandled when another process has taken it over."""

    async def steps(work: Work) -> Ids:
        if not await app.callbacks.postpone(callback, work.session):
            raise StillHandled
        app_id = callback.id.partition(":")[0]
        work.later("late_callback", callback.id, app_id=app_id, fields=[list(each) for each in fields.items()])
        return {}

    await app.work.run(Call("postpone", SYSTEM), steps)


async def take_up_left(app: App) -> bool:
    """Leave to a worker a callback over which every process died that it was pushed to; False: there is none."""
    callback = await app.callbacks.take_left(secrets.token_hex(8), app.clock.now())
    if callback is None:
        return False
    log.warning("callback that nobody handled is taken up", extra={"app": callback.id.partition(":")[0]})
    await _postpone(app, callback, dict(callback.fields))
    return True


async def answer_late(app: App, app_id: str, fields: dict[str, str]) -> None:
    """Do what took too long: the reply, which the callback did not carry, is sent as a message instead, once.

    It goes to where the callback came from, of the quota there, wherever the person has written since. The platform can
    only be told in time to take a person over: now they wait for one of our agents instead.
    Raises OutsideFault for an app that is not set up here (any more).
    """
    incoming, channel = read_incoming(app_id, fields), app.channels.get(app_id)
    if channel is None:
        raise OutsideFault("no such app")
    answered = await respond(app, channel, incoming, late=True)
    if answered.conversation_id is not None:
        await _keep_here(app, answered.conversation_id)
    if answered.message_id is None:
        return
    message_id = answered.message_id

    async def steps(work: Work) -> Ids:
        message = await app.conversations.message(message_id, work.session)
        if message is None or not message.passive:
            return {}
        conversation = await app.conversations.conversation(message.conversation_id, work.session)
        if conversation is not None:
            quota = await app.conversations.quota(app_id, incoming.openid, work.session)
            less, queued = queued_if_possible(work, message, app_id, incoming.openid, quota)
            await app.conversations.keep_quota(work.session, app_id, incoming.openid, less)
            await write_conversation(app, work, conversation, [queued])
        return {}

    await app.work.run(Call("answerLate", SYSTEM), steps)


async def _keep_here(app: App, conversation_id: str) -> None:
    async def steps(work: Work) -> Ids:
        conversation = await app.conversations.conversation(conversation_id, work.session)
        while conversation is not None and conversation.merged_into is not None:
            conversation = await app.conversations.conversation(conversation.merged_into, work.session)
        if conversation is not None and conversation.state is ConversationState.PLATFORM:
            queued = replace(conversation.queued(work.now), platform_until=None, agent_account="")
            await write_conversation(app, work, queued)
        return {}

    await app.work.run(Call("keepHere", SYSTEM), steps)
