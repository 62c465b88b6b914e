"""The token of a gift's link."""

import base64
import hashlib
import hmac

from resolvers.vault import Vault


def share_token(vault: Vault, gift_id: str) -> str:
    """The token of a gift: derived from its id, so that it can be shown again without being stored."""
    digest = hmac.new(vault.key("gift"), gift_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def token_mac(vault: Vault, token: str) -> str:
    """What a gift is found by: a database that leaks gives no token away."""
    return vault.mac("gift_token", token)
