"""Access tokens: JWTs of 15 minutes, one key and one audience for customers and another for staff."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from resolvers.ids import new_id
from resolvers.people.model import Audience
from resolvers.ports import Clock
from resolvers.vault import Vault

LIFE = timedelta(minutes=15)
LEEWAY = timedelta(seconds=30)  # how far the clocks of two gateways may differ
ISSUER = "kabao"
ALGORITHM = "HS256"
MAXIMUM_LENGTH = 2_000  # characters; ours have about 450
_REQUIRED = ["iss", "aud", "sub", "sid", "jti", "iat", "exp"]


class TokenInvalid(Exception):
    """The token is not one of ours, or not for here."""


class TokenExpired(TokenInvalid):
    """The token was one of ours; its time is over."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a good token says."""

    owner_id: str
    session_id: str
    expires_at: datetime
    claims: Mapping[str, str]


class JwtAccessTokens:
    """Issues and reads access tokens."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._clock = clock
        self._keys = {audience: vault.key(f"jwt:{audience.value}") for audience in Audience}

    def issue(self, audience: str, owner_id: str, session_id: str, claims: Mapping[str, str]) -> tuple[str, datetime]:
        """A token for a session, and when it expires."""
        now = self._clock.now()
        expires_at = (now + LIFE).replace(microsecond=0)
        payload = {
            **claims,
            "iss": ISSUER,
            "aud": audience,
            "sub": owner_id,
            "sid": session_id,
            "jti": new_id("jti", now),
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        return jwt.encode(payload, self._keys[Audience(audience)], algorithm=ALGORITHM), expires_at

    def read(self, audience: Audience, token: str) -> AccessToken:
        """What a token of this audience says. Raises TokenExpired, TokenInvalid.

        PyJWT by itself accepts tokens without or with odd claims, so each claim's presence, type and range is checked
        here; the algorithm is pinned, so that a token cannot choose its own.
        """
        if len(token) > MAXIMUM_LENGTH:
            raise TokenInvalid
        try:
            payload: dict[str, Any] = jwt.decode(
                token,
                self._keys[audience],
                algorithms=[ALGORITHM],
                audience=audience.value,
                issuer=ISSUER,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenInvalid from error
        issued, expires = payload["iat"], payload["exp"]
        texts = [payload[name] for name in ("sub", "sid", "jti")]
        if type(issued) is not int or type(expires) is not int or not all(type(text) is str and text for text in texts):
            raise TokenInvalid
        now = self._clock.now()
        latest = int((now + LEEWAY).timestamp())
        if issued > latest or not 0 < expires - issued <= LIFE.total_seconds() + 1:
            raise TokenInvalid
        if expires <= int(now.timestamp()):
            raise TokenExpired
        claims = {name: payload.get(name, "") for name in ("platform", "app")}
        if not all(type(value) is str for value in claims.values()):
            raise TokenInvalid
        return AccessToken(payload["sub"], payload["sid"], datetime.fromtimestamp(expires, UTC), claims)
