"""The token of a gift's link."""

import base64
import hashlib
import hmac

from resolvers.app import App
from resolvers.gifts.model import MAXIMUM_TOKEN, Gift
from resolvers.mongo import Session
from resolvers.vault import Vault


def share_token(vault: Vault, gift_id: str) -> str:
    """The token of a gift: derived from its id, so that it can be shown again without being stored."""
    digest = hmac.new(vault.key("gift"), gift_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def token_mac(vault: Vault, token: str) -> str:
    """What a gift is found by: a database that leaks gives no token away."""
    return vault.mac("gift_token", token)


async def gift_behind(app: App, token: str, session: Session | None = None) -> Gift | None:
    """The gift a token stands for. Unknown and malformed tokens take the same steps and look alike: None."""
    return await app.gifts.by_token(token_mac(app.vault, token[: MAXIMUM_TOKEN + 1]), session)
