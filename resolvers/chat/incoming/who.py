"""Who is behind a callback, and which brand they mean."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.chat.desk.model import Conversation, ConversationState
from resolvers.chat.desk.quota import person_id
from resolvers.chat.incoming.model import ChatPerson, Incoming, IncomingKind, brand_of_session
from resolvers.people.model import Identity
from resolvers.ports import OutsideFault, Platform
from resolvers.ports_chat import Channel

log = logging.getLogger("kabao.chat")

ASK_SECONDS = 1.5  # of the time in which a callback is answered; the next message asks again


@dataclass(frozen=True, slots=True)
class Writer:
    """A person who writes to us, in one app. `customer_id` is None for a visitor."""

    person_id: str
    customer_id: str | None


async def writer_of(app: App, channel: Channel, incoming: Incoming) -> Writer:
    """The person of a callback: known by openid, or by the unionid that the platform is asked for once.

    It tells none of who does not follow, and is asked again when they do.
    """
    person = await app.callbacks.person(person_id(incoming.app_id, incoming.openid))
    identity = Identity(Platform.WECHAT, incoming.app_id, incoming.openid)
    customer_id = await app.people.customer_of_identity(identity)
    if customer_id is not None:
        return Writer(person.id, customer_id)
    unionid = person.unionid
    now_following = person.unionid is None and incoming.kind is IncomingKind.SUBSCRIBE
    if channel.official and (person.asked_at is None or now_following):
        with contextlib.suppress(OutsideFault, TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                unionid = await channel.service.unionid(incoming.openid)
            await app.callbacks.keep_unionid(person.id, unionid, app.clock.now())
    if unionid is None:
        return Writer(person.id, None)
    async with app.connection.session() as session:
        owner = await app.people.customer_of_unionid(unionid, session)
    joint = await app.people.customer_now(owner) if owner is not None else None
    return Writer(person.id, joint.id if joint is not None else None)


async def brand_meant(app: App, channel: Channel, incoming: Incoming, writer: Writer) -> Brand | None:
    """The brand that a person means: an official account is one brand's; a mini-program says it, or it is guessed.

    In this order: what `session-from` says; the brand of the conversation that is under way, unless another was said
    since; the one said before; the newest membership; the only brand there is. All as it was when the person wrote.
    """
    if channel.official:
        return await app.brands.brand_of_official(channel.app_id)
    said = brand_of_session(incoming.session_from)
    if said is None:
        said = await _brand_so_far(app, await app.callbacks.person(writer.person_id), incoming)
    if said is None and writer.customer_id is not None:
        memberships = await app.people.memberships(writer.customer_id)
        said = memberships[-1].brand_id if memberships else None
    if said is not None:
        return await app.brands.brand(said)
    return await app.brands.only_brand()


async def _brand_so_far(app: App, person: ChatPerson, incoming: Incoming) -> str | None:
    """The brand of a conversation in which a person answers or is awaited; else, or if said since, the one said.

    Since: after what the person wrote and saw there last, by when we learned of it. What they said only after they
    wrote this counts for nothing, nor does what they wrote and saw since then with a brand that they said then.
    """
    said = person.said_by(incoming.at)
    newest, shown = await _newest(app, incoming, person.said_after(incoming.at))
    brand_id = said.brand_id if said is not None else None
    if newest is None or newest.state_at(app.clock.now()) in (ConversationState.BOT, ConversationState.CLOSED):
        return brand_id
    return brand_id if said is not None and (shown is None or said.noted_at >= shown) else newest.brand_id


async def _newest(
    app: App, incoming: Incoming, said_after: Sequence[str]
) -> tuple[Conversation | None, datetime | None]:
    """The conversation of which a person had seen something last when they wrote, and when that was.

    Of those with brands that they said after, only what was seen by then counts; the platform says whole seconds.
    """
    newest = await app.conversations.newest_at_openid(incoming.app_id, incoming.openid, said_after)
    shown = newest.last_shown_at if newest is not None else None
    if not said_after:
        return newest, shown
    for each in await app.conversations.at_openid(incoming.app_id, incoming.openid, said_after):
        seen = await app.conversations.shown_before(each, incoming.at + timedelta(seconds=1))
        if seen is not None and (shown is None or seen > shown):
            newest, shown = each, seen
    return newest, shown
