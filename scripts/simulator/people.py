"""The simulated persons: who they are to each app, and the one-time codes that their phones get."""

import base64
import hashlib
import hmac
import secrets
from typing import Any, Literal

from scripts.simulator.crypto import random_text
from scripts.simulator.records import Code, Identity, Person
from scripts.simulator.world import World

CODE_LIFE_SECONDS = 300
KEEP: Any = object()


class People:
    """Persons appear when they are first named; openids are stable per person and app and differ between apps."""

    def __init__(self, world: World) -> None:
        self._world = world

    def app_id(self, platform: str) -> str:
        credentials = self._world.credentials
        if platform == "official":
            return credentials.official_app_id
        return credentials.wechat_app_id if platform == "wechat" else credentials.qq_app_id

    def identity(self, platform: str, user: str, unionid: str | None = KEEP) -> Identity:
        """The person as the app knows them; `unionid`, when given, is what the platform says from now on or None."""
        store = self._world.store
        app_id = self.app_id(platform)
        found = store.one(Identity, platform=platform, user=user, app_id=app_id)
        if found is not None and unionid is KEEP:
            return found
        if found is None:
            openid = _openid(self._world.credentials.salt, platform, app_id, user)
            made_up = "u_" + _digest(self._world.credentials.salt, "unionid", user)[:26]
            default = None if platform == "qq" else made_up
            found = Identity(platform, user, app_id, openid, default, "", 0.0)
        if unionid is not KEEP:
            found.unionid = unionid
        store.save(found)
        return found

    def by_openid(self, platform: str, openid: str) -> Identity | None:
        return self._world.store.one(Identity, platform=platform, app_id=self.app_id(platform), openid=openid)

    def sign_in(self, platform: str, user: str) -> Identity:
        """A new session key, and the moment from which the content check knows the person."""
        identity = self.identity(platform, user)
        identity.session_key = base64.b64encode(secrets.token_bytes(16)).decode()
        identity.signed_in_at = self._world.clock()
        self._world.store.save(identity)
        return identity

    def phone(self, user: str, phone: str | None = None) -> str:
        """The person's number; one is made up from the name until one is given."""
        found = self._world.store.one(Person, user=user)
        if phone is None and found is not None:
            return found.phone
        number = phone or "138" + str(int(_digest(self._world.credentials.salt, "phone", user)[:12], 16))[-8:].zfill(8)
        self._world.store.save(Person(user, number))
        return number

    def new_code(self, platform: str, purpose: str, user: str) -> str:
        code = random_text(32)
        self._world.store.save(Code(code, platform, purpose, user, self._world.clock(), 0))
        return code

    def look_at_code(self, platform: str, purpose: str, code: str) -> Code | Literal["unknown", "expired", "used"]:
        """The code if it could be used now; looking does not use it up."""
        found = self._world.store.one(Code, code=code)
        if found is None or (found.platform, found.purpose) != (platform, purpose):
            return "unknown"
        if found.used:
            return "used"
        if self._world.clock() - found.made_at > CODE_LIFE_SECONDS:
            return "expired"
        return found


def _openid(salt: str, platform: str, app_id: str, user: str) -> str:
    """28 characters beginning with o on WeChat, 32 upper-case hex digits on QQ."""
    key = f"{platform}\n{app_id}\n{user}"
    if platform == "qq":
        return _digest(salt, "openid", key)[:32].upper()
    raw = hmac.new(salt.encode(), f"openid\n{key}".encode(), hashlib.sha256).digest()
    return "o" + base64.urlsafe_b64encode(raw).decode()[:27]


def _digest(salt: str, purpose: str, text: str) -> str:
    return hmac.new(salt.encode(), f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()
