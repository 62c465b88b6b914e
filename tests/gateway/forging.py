"""Access tokens that the product would never issue, made with its own keys where that makes them more convincing."""

import time
import warnings
from typing import Any

import jwt

from resolvers.people.model import Audience
from tests.support.world import World


def genuine(token: str | None) -> dict[str, Any]:
    """What a token of the product says."""
    claims: dict[str, Any] = jwt.decode(token or "", options={"verify_signature": False})
    return claims


def forge(
    world: World,
    claims: dict[str, Any],
    *,
    audience: Audience = Audience.CUSTOMER,
    key: bytes | None = None,
    algorithm: str | None = "HS256",
) -> str:
    """A token with these claims, those that are None left out, under the product's key of an audience or another."""
    payload = {name: value for name, value in claims.items() if value is not None}
    signing = key if key is not None else world.app.vault.key(f"jwt:{audience.value}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)  # HS512 under our key: that is the forgery
        return jwt.encode(payload, signing if algorithm else "", algorithm=algorithm)


def present() -> int:
    """The present second."""
    return int(time.time())
