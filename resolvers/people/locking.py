"""Counting wrong tries and locking, as parts of one conditional write: many guesses at once are compared few times."""

from datetime import datetime

from resolvers.documents import Document
from resolvers.people.model import FULL_LOCK, FULL_LOCK_AFTER, lock_schedule


def unlocked(now: datetime) -> Document:
    """The part of a filter that lets through who is not locked."""
    return {"$or": [{"locked_until": None}, {"locked_until": {"$lte": now}}]}


def one_more_try(now: datetime) -> list[Document]:
    """The update that counts a try and locks where it is one too many."""
    tries = {"$add": ["$wrong_tries", 1]}
    locks = [{"case": {"$eq": [tries, count]}, "then": until} for count, until in lock_schedule(now)]
    beyond = {"case": {"$gte": [tries, FULL_LOCK_AFTER]}, "then": now + FULL_LOCK}
    locked_until = {"$switch": {"branches": [*locks, beyond], "default": None}}
    return [{"$set": {"wrong_tries": tries, "locked_until": locked_until}}]
