"""Pay passwords in MongoDB: one document per customer, of its own, so that no other write of the customer meets it."""

from datetime import datetime

from pymongo import ReturnDocument

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, Session
from resolvers.people.locking import one_more_try, unlocked
from resolvers.people.pay_password.model import PayPassword
from resolvers.work.queueing import KeyedQueue


class PayPasswordStore:
    """Pay passwords, and `turns`: a customer's guesses wait for one another, so that right ones never pile up."""

    def __init__(self, connection: Connection) -> None:
        self._passwords = connection.collection("pay_passwords")
        self.turns = KeyedQueue()

    async def ensure_indexes(self) -> None:
        """None: a password is found by its customer's id alone."""

    async def pay_password(self, customer_id: str, session: Session | None = None) -> PayPassword | None:
        """A customer's pay password, if one is set."""
        document = await self._passwords.find_one({"_id": customer_id}, session=session)
        return from_document(PayPassword, document) if document else None

    async def insert_first(self, session: Session, password: PayPassword) -> None:
        """Write a customer's first pay password."""
        await self._passwords.insert_one(to_document(password), session=session)

    async def count_guess(self, customer_id: str, now: datetime) -> PayPassword | None:
        """Count a guess, and lock where it is one too many, in one write before the password is compared.

        None while it is locked, or when none is set: of many guesses sent at once only the first few are compared.
        """
        document = await self._passwords.find_one_and_update(
            {"_id": customer_id, **unlocked(now)}, one_more_try(now), return_document=ReturnDocument.AFTER
        )
        return from_document(PayPassword, document) if document else None

    async def forget_guesses(self, customer_id: str, generation: int) -> None:
        """The password of this generation was given: start counting from nothing."""
        await self._passwords.update_one(
            {"_id": customer_id, "generation": generation}, {"$set": {"wrong_tries": 0, "locked_until": None}}
        )

    async def change(self, customer_id: str, generation: int, new_hash: str, now: datetime) -> bool:
        """Put a new password in the place of this generation; False when another one is there already.

        What a reset has started goes on: whoever waits after one cannot end that by a change.
        """
        changed = await self._passwords.update_one(
            {"_id": customer_id, "generation": generation, "joined_into": None},
            {"$inc": {"generation": 1}, "$set": _set_anew(new_hash, now)},
        )
        return changed.modified_count == 1

    async def reset(self, customer_id: str, new_hash: str, code: str, now: datetime) -> bool:
        """Put a new password in the place of any, and start the wait; `code` is the HMAC of what allowed it.

        False when the account was joined into another one meanwhile.
        """
        wait = {"reset_at": now, "reset_code": code}
        reset = await self._passwords.update_one(
            {"_id": customer_id, "joined_into": None},
            {"$inc": {"generation": 1}, "$set": {**_set_anew(new_hash, now), **wait}},
        )
        return reset.matched_count == 1

    async def unite(self, session: Session, survivor_id: str, absorbed_id: str) -> None:
        """Let the password of an account that is joined into another one go: the other's stays, with what is stricter.

        Where that has none, it gets this one as it is. The absorbed one's stays as a mark, so that what was proved by
        it a moment ago is neither nothing nor changed.
        """
        gone = await self._passwords.find_one({"_id": absorbed_id}, session=session)
        if gone is None:
            return
        strict = {key: gone[key] for key in ("locked_until", "reset_at") if gone.get(key)}
        kept = await self._passwords.update_one(
            {"_id": survivor_id}, {"$max": {"wrong_tries": gone["wrong_tries"], **strict}}, session=session
        )
        if not kept.matched_count:
            await self._passwords.insert_one({**gone, "_id": survivor_id}, session=session)
        await self._passwords.update_one({"_id": absorbed_id}, {"$set": {"joined_into": survivor_id}}, session=session)


def _set_anew(new_hash: str, now: datetime) -> dict[str, object]:
    return {"hash": new_hash, "changed_at": now, "wrong_tries": 0, "locked_until": None}
