"""Who stands behind an Authorization header, and on a connection that stays, whether they still do."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.access_tokens import JwtAccessTokens, TokenInvalid
from resolvers.app import App
from resolvers.mongo import PyMongoError
from resolvers.people.model import Audience, SignedIn, Staff
from resolvers.ports import Platform

_SCHEME = "bearer "
RECHECK_SECONDS = 2.0  # how long staff shown the door may still watch; it costs a read by id per console socket


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody who brought a good token."""

    actor: SignedIn | Staff
    session_id: str
    expires_at: datetime


class SignInCheck:
    """Reads tokens of one audience."""

    def __init__(self, app: App, tokens: JwtAccessTokens, audience: Audience) -> None:
        self._app = app
        self._tokens = tokens
        self._audience = audience

    async def read(self, authorization: str | None) -> Bearer | None:
        """Who it is; None without a header. Raises TokenExpired, SessionEnded, TokenInvalid."""
        if not authorization:
            return None
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise TokenInvalid
        token = self._tokens.read(self._audience, authorization[len(_SCHEME) :].strip())
        if self._app.hub.is_ended(token.session_id):
            raise SessionEnded
        if self._audience is Audience.STAFF:
            return Bearer(await self._staff(token.owner_id), token.session_id, token.expires_at)
        try:
            platform = Platform(token.claims["platform"])
        except ValueError as error:
            raise TokenInvalid from error
        if not token.claims["app"]:
            raise TokenInvalid
        person = SignedIn(token.owner_id, token.session_id, platform, token.claims["app"])
        return Bearer(person, token.session_id, token.expires_at)

    async def read_for_long(self, authorization: str | None) -> Bearer | None:
        """Like `read`, for a connection that stays: also looks whether the customer is there and not blocked.

        Of an account that was joined into another one it is that one from now on.

        A request looks at the customer itself, in the session in which it then reads everything else.
        """
        bearer = await self.read(authorization)
        if bearer is not None and isinstance(bearer.actor, SignedIn):
            customer = await self._app.people.customer_now(bearer.actor.customer_id)
            if customer is None or customer.blocked:
                raise TokenInvalid
            return replace(bearer, actor=replace(bearer.actor, customer_id=customer.id, also=customer.also))
        return bearer

    async def actor_now(self, bearer: Bearer) -> SignedIn | Staff:
        """Who it is on a connection that stayed, staff with the powers they have now. Raises TokenInvalid.

        A customer is what they were: whether they are blocked by now, each operation looks itself.
        """
        actor = bearer.actor
        return await self._staff(actor.id) if isinstance(actor, Staff) else actor

    async def _staff(self, staff_id: str) -> Staff:
        staff = await self._app.staff.staff(staff_id)
        if staff is None or not staff.active:
            raise TokenInvalid
        return staff


class Standing:
    """What the owner of a connection may do while it stays."""

    def __init__(self, check: SignInCheck, bearer: Bearer) -> None:
        self.bearer = bearer
        self._check = check
        self._watching: list[SignedIn | Staff] = []  # one for each stream, as they were when it began

    @property
    def is_staff(self) -> bool:
        """Whether powers can change at all: a customer has none."""
        return isinstance(self.bearer.actor, Staff)

    async def actor(self) -> SignedIn | Staff:
        """Who it is, with the powers of this moment. Raises TokenInvalid."""
        return await self._check.actor_now(self.bearer)

    @contextlib.contextmanager
    def watched(self, actor: SignedIn | Staff) -> Iterator[None]:
        """A stream runs, and is allowed as long as the actor's powers stay what they are."""
        self._watching.append(actor)
        try:
            yield
        finally:
            self._watching.remove(actor)

    async def until_changed(self) -> None:
        """Look now and then. Raises TokenInvalid when staff are inactive, PowersChanged when a stream is affected.

        A change of any kind counts: the client comes back and asks for its streams anew, each from its cursor, and each
        is then allowed or refused.
        """
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            with contextlib.suppress(PyMongoError):  # without a database there is nothing to watch either
                now = _powers(await self.actor())
                if any(_powers(each) != now for each in self._watching):
                    raise PowersChanged


def _powers(actor: SignedIn | Staff) -> tuple[object, ...]:
    return (actor.brand_id, actor.role, actor.store_ids) if isinstance(actor, Staff) else ()


class PowersChanged(Exception):
    """A member of staff has another role or other stores than when a stream of theirs began."""


class SessionEnded(TokenInvalid):
    """The session was signed out, or its refresh token was used twice."""
