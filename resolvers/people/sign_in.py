"""Sign-in of customers: the platform's code becomes an openid, the openid a customer, the customer a session."""

from dataclasses import dataclass

from resolvers.app import App
from resolvers.errors import PlatformUnavailable
from resolvers.ids import new_id
from resolvers.people.model import (
    REFRESH_LIFE,
    AccountBlocked,
    Audience,
    CodeAlreadyUsed,
    CodeInvalid,
    Customer,
    Identity,
    Session,
    UnknownApp,
    refresh_token,
)
from resolvers.ports import CodeRefused, CodeUsed, OutsideFault, PersonBlocked, Platform, PlatformUser
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Signed:
    """A session with the refresh token of its present generation."""

    session: Session
    refresh_token: str


async def sign_in(app: App, platform: Platform, app_id: str, code: str, device_id: str | None) -> Signed:
    """Open a session for the person behind a platform's one-time code; the first time, make the customer.

    Raises UnknownApp, CodeInvalid, CodeAlreadyUsed, AccountBlocked, PlatformUnavailable.
    """
    chat = app.platforms.get((platform, app_id))
    if chat is None:
        raise UnknownApp(field=("input", "appId"))
    try:
        person = await chat.sign_in(code)
    except CodeUsed as error:
        raise CodeAlreadyUsed(field=("input", "code")) from error
    except CodeRefused as error:
        raise CodeInvalid(field=("input", "code")) from error
    except PersonBlocked as error:
        raise AccountBlocked from error
    except OutsideFault as error:
        raise PlatformUnavailable from error
    identity = Identity(platform, app_id, person.openid)
    customer_id = await _customer_for(app, identity, person)
    await app.people.keep_session_key(identity, app.vault.seal(person.session_key, f"session_key:{person.openid}"))
    customer = await app.people.customer_now(customer_id)
    if customer is None or customer.blocked:
        raise AccountBlocked
    return await open_session(app, Audience.CUSTOMER, customer.id, platform, app_id, device_id)


async def _customer_for(app: App, identity: Identity, person: PlatformUser) -> str:
    """The customer of an identity: known, or known by the same unionid, or new."""
    known = await app.people.customer_of_identity(identity)
    if known is not None and person.unionid is None:
        return known

    async def steps(work: Work) -> dict[str, str]:
        owner = await app.people.customer_of_identity(identity, work.session)
        same_person = await app.people.customer_of_unionid(person.unionid, work.session) if person.unionid else None
        same_person = await _survivor(app, work, same_person) if same_person else None
        customer_id = owner or same_person or work.new_id("cus")
        if owner is None:
            if same_person is None:
                await app.people.insert_customer(
                    work.session, Customer(id=customer_id, identities=(identity,), sequence=0, created_at=work.now)
                )
            else:
                await app.people.add_identity(work.session, customer_id, identity)
            await app.people.claim_identity(work.session, identity, customer_id)
        if person.unionid and same_person is None:
            await app.people.claim_unionid(work.session, person.unionid, customer_id)
        return {"customer": customer_id}

    call = Call("signIn", SYSTEM, contends=(f"identity:{identity.openid}",))
    return (await app.work.run(call, steps))["customer"]


async def _survivor(app: App, work: Work, customer_id: str) -> str:
    return (await app.people.survivors([customer_id], work.session)).get(customer_id, customer_id)


async def open_session(
    app: App,
    audience: Audience,
    owner_id: str,
    platform: Platform | None = None,
    app_id: str | None = None,
    device_id: str | None = None,
) -> Signed:
    """Start a family of refresh tokens for a customer or a member of staff."""
    now = app.clock.now()
    session = Session(
        id=new_id("ses", now),
        audience=audience,
        owner_id=owner_id,
        generation=1,
        rotated_at=now,
        expires_at=now + REFRESH_LIFE,
        platform=platform,
        app_id=app_id,
        device_id=device_id,
    )
    await app.people.insert_session(session)
    return Signed(session, refresh_token(app.vault.key("refresh"), session.id, session.generation))
