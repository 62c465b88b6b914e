"""How many coupons of a template each customer has had, in all and on a day, in MongoDB."""

from collections.abc import Collection, Sequence

from pymongo import UpdateOne

from resolvers.mongo import Connection, Session


class CountStore:
    """Counts up as long as the limit allows, and back; a row is found by its id alone."""

    def __init__(self, connection: Connection) -> None:
        self._counts = connection.collection("coupon_counts")

    async def count_for_customer(
        self,
        session: Session,
        template_id: str,
        customer_ids: tuple[str, ...],
        limit: int,
        day: str | None = None,
        *,
        count: int = 1,
    ) -> bool:
        """Count more coupons of a template for a customer, in all or on a day; False when that is above the limit.

        Counted under the first of their ids; what the others have had counts too.
        """
        key, *others = (_count_key(template_id, each, day) for each in customer_ids)
        if others:
            rows = await self._counts.find({"_id": {"$in": others}}, session=session).to_list(len(others))
            limit -= sum(row["count"] for row in rows)
        await self._counts.update_one({"_id": key}, {"$setOnInsert": {"count": 0}}, upsert=True, session=session)
        counted = await self._counts.update_one(
            {"_id": key, "count": {"$lte": limit - count}}, {"$inc": {"count": count}}, session=session
        )
        return counted.modified_count == 1

    async def had(self, template_id: str, customer_ids: Collection[str], day: str | None = None) -> dict[str, int]:
        """How many coupons of a template each of these customers has had, in all or on a day; rows made for the new."""
        keys = {_count_key(template_id, each, day): each for each in customer_ids}
        found = await self._counts.find({"_id": {"$in": list(keys)}}).to_list(len(keys))
        counts = {keys[document["_id"]]: document["count"] for document in found}
        missing = [key for key, customer_id in keys.items() if customer_id not in counts]
        if missing:  # outside a transaction, where two that make the same row do not harm each other
            new = [UpdateOne({"_id": key}, {"$setOnInsert": {"count": 0}}, upsert=True) for key in missing]
            await self._counts.bulk_write(new, ordered=False)
        return dict.fromkeys(customer_ids, 0) | counts

    async def count_for_customers(
        self, session: Session, template_id: str, customer_ids: tuple[str, ...], limit: int, day: str | None = None
    ) -> bool:
        """Count one more coupon for each of several customers whose rows are there; False when one is at the limit."""
        keys = [_count_key(template_id, customer_id, day) for customer_id in customer_ids]
        counted = await self._counts.update_many(
            {"_id": {"$in": keys}, "count": {"$lt": limit}}, {"$inc": {"count": 1}}, session=session
        )
        return counted.modified_count == len(keys)

    async def uncount_for_customer(
        self, session: Session, template_id: str, customer_ids: tuple[str, ...], day: str | None = None, *, count: int
    ) -> None:
        """Count coupons of a template back for a customer, in all or on a day: they came to nothing.

        Under the first of their ids that so many are counted under.
        """
        for customer_id in customer_ids:
            query = {"_id": _count_key(template_id, customer_id, day), "count": {"$gte": count}}
            counted = await self._counts.update_one(query, {"$inc": {"count": -count}}, session=session)
            if counted.modified_count:
                return

    async def counts_for_customer(self, template_ids: Sequence[str], customer_ids: tuple[str, ...]) -> dict[str, int]:
        """How many coupons of each template a customer has had, by all of their ids."""
        keys = {_count_key(each, whose): each for each in template_ids for whose in customer_ids}
        found = await self._counts.find({"_id": {"$in": list(keys)}}).to_list(len(keys))
        counts = dict.fromkeys(template_ids, 0)
        for row in found:
            counts[keys[row["_id"]]] += row["count"]
        return counts


def _count_key(template_id: str, customer_id: str, day: str | None = None) -> str:
    return f"{template_id}:{customer_id}" + (f":{day}" if day else "")
