"""Who stands behind an Authorization header."""

from dataclasses import dataclass
from datetime import datetime

from gateway.access_tokens import JwtAccessTokens, TokenInvalid
from resolvers.app import App
from resolvers.people.model import Audience, SignedIn, Staff
from resolvers.ports import Platform

_SCHEME = "bearer "


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
            staff = await self._app.people.staff(token.owner_id)
            if staff is None or not staff.active:
                raise TokenInvalid
            return Bearer(staff, token.session_id, token.expires_at)
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

        A request looks at the customer itself, in the session in which it then reads everything else.
        """
        bearer = await self.read(authorization)
        if bearer is not None and isinstance(bearer.actor, SignedIn):
            customer = await self._app.people.customer(bearer.actor.customer_id)
            if customer is None or customer.blocked:
                raise TokenInvalid
        return bearer


class SessionEnded(TokenInvalid):
    """The session was signed out, or its refresh token was used twice."""
