"""Changing nickname and picture."""

from resolvers.app import App
from resolvers.errors import NotFound, PlatformUnavailable
from resolvers.people.model import Customer, SignedIn
from resolvers.people.profile.model import Picture, TextRejected, read_nickname, read_picture
from resolvers.ports import OutsideFault, TextScene
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

PATH = "/avatars"


async def update_profile(app: App, person: SignedIn, nickname: str | None, avatar: str | None, key: str) -> Customer:
    """Change what the customer is shown as; None leaves a thing as it is.

    The platform checks the nickname before anybody sees it; pictures it does not check. Raises TextRejected, NotFound,
    PlatformUnavailable, IdempotencyKeyReused, BadInput (the picture is none, or too large).
    """
    call = Call("updateProfile", person.actor, key, {"nickname": nickname, "avatar": avatar}, (person.customer_id,))
    if await app.work.answered(call) is None:
        name = read_nickname(nickname) if nickname is not None else None
        picture = read_picture(avatar) if avatar is not None else None
        if name is not None:
            await _check(app, person, name)
        await app.work.run(call, lambda work: _write(app, work, person, name, picture))
    customer = await app.people.customer_now(person.customer_id)
    if customer is None:
        raise NotFound
    return customer


async def _check(app: App, person: SignedIn, nickname: str) -> None:
    customer = await app.people.customer(person.customer_id)
    identity = customer.identity_for(person.platform, person.app_id) if customer else None
    chat = app.platforms.get((person.platform, person.app_id))
    if identity is None or chat is None:
        raise PlatformUnavailable
    try:
        accepted = await chat.accepts_text(identity.openid, nickname, TextScene.PROFILE)
    except OutsideFault as error:
        raise PlatformUnavailable from error
    if not accepted:
        raise TextRejected(field=("input", "nickname"))


async def _write(app: App, work: Work, person: SignedIn, name: str | None, picture: tuple[str, bytes] | None) -> Ids:
    owner = await app.people.customer_now(person.customer_id, work.session)  # joined meanwhile: that one is shown
    customer_id = owner.id if owner is not None else person.customer_id
    shown = {} if name is None else {"nickname": name}
    if picture is not None:
        media, content = picture
        picture_id = app.vault.mac("picture", f"{customer_id}:{content.hex()}")[:40]
        kept = Picture(picture_id, customer_id, media, content, work.now)
        await app.profiles.put_picture(work.session, kept, person.ids)
        shown["avatar_url"] = f"{app.public_url.rstrip('/')}{PATH}/{picture_id}"
    if shown:
        await app.profiles.set_shown(work.session, customer_id, shown)
    return {"customer": customer_id}
