"""Access tokens in MongoDB, sealed: one document an app, and a lease for the one process that fetches."""

from datetime import datetime, timedelta

from pymongo import ReturnDocument

from resolvers.chat.tokens.model import DAY, REFUSED_APART, KeptToken, may_force
from resolvers.documents import Document
from resolvers.mongo import Connection, insert_new
from resolvers.vault import Vault

LEASE = timedelta(seconds=10)  # longer than a call to a platform may take


class TokenStore:
    """The tokens of all apps. `name` is the app's, `WECHAT:wx…`."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._tokens = connection.collection("platform_tokens")
        self._vault = vault

    async def kept(self, name: str) -> KeptToken | None:
        """The newest token of an app, whichever process has fetched it."""
        document = await self._tokens.find_one({"_id": name})
        return self._read(document) if document else None

    async def lease(self, name: str, holder: str, now: datetime) -> bool:
        """Whether it is this holder's turn to fetch: nobody else's is for as long as a call may take."""
        free = {"_id": name, "$or": [{"leased_until": None}, {"leased_until": {"$lte": now}}]}
        mine = {"holder": holder, "leased_until": now + LEASE}
        if (await self._tokens.update_one(free, {"$set": mine})).matched_count:
            return True
        return await insert_new(self._tokens, {"_id": name, "sealed": None, "forced": [], **mine})

    async def release(self, name: str, holder: str) -> None:
        """Fetching came to nothing: the next may try at once."""
        await self._tokens.update_one({"_id": name, "holder": holder}, {"$set": {"leased_until": None}})

    async def keep(self, name: str, holder: str, token: KeptToken) -> None:
        """Keep a token that was fetched, unless the lease is somebody else's by now: theirs is newer."""
        fields = {
            "sealed": self._vault.seal(token.token, _context(name)),
            "renew_at": token.renew_at,
            "expires_at": token.expires_at,
            "leased_until": None,
        }
        await self._tokens.update_one({"_id": name, "holder": holder}, {"$set": fields})

    async def may_fetch_again(self, name: str, now: datetime) -> bool:
        """Count a fetch because the last token was refused; not again within REFUSED_APART, whoever asks.

        Where the platform refuses whatever it gives, each new token would only end the one before.
        """
        spaced = {"_id": name, "$or": [{"refused_at": None}, {"refused_at": {"$lte": now - REFUSED_APART}}]}
        return (await self._tokens.update_one(spaced, {"$set": {"refused_at": now}})).matched_count == 1

    async def take_forced(self, name: str, now: datetime) -> bool:
        """Count a forced fetch before it is made; False when the platform would refuse one more."""
        document = await self._tokens.find_one({"_id": name})
        forced: list[datetime] = document["forced"] if document else []
        if not may_force(forced, now):
            return False
        kept = [each for each in forced if now - each < DAY]
        counted = await self._tokens.find_one_and_update(
            {"_id": name, "forced": forced}, {"$set": {"forced": [*kept, now]}}, return_document=ReturnDocument.AFTER
        )
        return counted is not None

    def _read(self, document: Document) -> KeptToken | None:
        if document["sealed"] is None:
            return None
        try:
            token = self._vault.unseal(document["sealed"], _context(document["_id"]))
        except ValueError:  # sealed under another master key: it is fetched anew
            return None
        return KeptToken(token, document["renew_at"], document["expires_at"])


def _context(name: str) -> str:
    return f"platform_token:{name}"
