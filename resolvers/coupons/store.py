"""Templates and coupons in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, ReturnDocument

from resolvers.coupons.counts.store import CountStore
from resolvers.coupons.issue_job.store import IssueJobStore
from resolvers.coupons.model import Coupon, CouponStatus, Template
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.paging import Page, PageRequest, Position, from_milliseconds, milliseconds, page_of

TEMPLATE_INDEXES = [IndexModel([("brand_id", ASCENDING), ("claimable", ASCENDING), ("_id", ASCENDING)])]
COUPON_INDEXES = [
    IndexModel([("customer_id", ASCENDING), ("valid_until", ASCENDING), ("_id", ASCENDING)]),
    IndexModel(
        [("customer_id", ASCENDING), ("brand_id", ASCENDING), ("status", ASCENDING), ("valid_until", ASCENDING)]
    ),
    IndexModel([("status", ASCENDING), ("valid_until", ASCENDING)]),
    IndexModel([("status", ASCENDING), ("told_days", ASCENDING), ("valid_until", ASCENDING)]),
    IndexModel([("template_id", ASCENDING)]),
    IndexModel([("order_id", ASCENDING)], sparse=True),
]
MAXIMUM_FOR_QUOTE = 100  # coupons looked at for one quote, soonest lapsing first


class CouponStore:
    """Reads and moves coupons; a move is a write filtered on the state it leaves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._templates = connection.collection("templates")
        self._coupons = connection.collection("coupons")
        self.counts = CountStore(connection)
        self.jobs = IssueJobStore(connection)

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._templates, TEMPLATE_INDEXES)
        await ensure_indexes(self._coupons, COUPON_INDEXES)
        await self.jobs.ensure_indexes()

    async def template(self, template_id: str, session: Session | None = None) -> Template | None:
        """A template by id."""
        document = await self._templates.find_one({"_id": template_id}, session=session)
        return from_document(Template, document) if document else None

    async def templates(self, template_ids: Sequence[str], session: Session | None = None) -> list[Template]:
        """Templates by id, those that exist."""
        found = self._templates.find({"_id": {"$in": list(template_ids)}}, session=session)
        return [from_document(Template, document) for document in await found.to_list(None)]

    async def claimable_page(
        self, brand_id: str, request: PageRequest, session: Session | None = None
    ) -> Page[Template]:
        """A brand's templates that may be claimed, oldest first."""
        query: dict[str, Any] = {"brand_id": brand_id, "claimable": True}
        if request.after is not None:
            query["_id"] = {"$gt": request.after[1]}
        found = self._templates.find(query, session=session).sort("_id", ASCENDING).limit(request.first + 1)
        templates = [from_document(Template, each) for each in await found.to_list(request.first + 1)]
        return page_of(templates, request, place_of_template)

    async def first_claimable(
        self, brand_ids: Sequence[str], count: int, session: Session | None = None
    ) -> dict[str, list[Template]]:
        """The first so many templates that may be claimed, of each of some brands, oldest first; no more are read."""
        if len(brand_ids) == 1:
            query = {"brand_id": brand_ids[0], "claimable": True}
            rows = self._templates.find(query, session=session).sort("_id", ASCENDING).limit(count)
            return {brand_ids[0]: [from_document(Template, each) for each in await rows.to_list(count)]}
        first = [{"$match": {"claimable": True}}, {"$sort": {"_id": ASCENDING}}, {"$limit": count}]
        of_brand = {
            "from": self._templates.name,
            "localField": "_id",
            "foreignField": "brand_id",
            "pipeline": first,
            "as": "templates",
        }
        stages: list[dict[str, Any]] = [{"$match": {"_id": {"$in": list(brand_ids)}}}, {"$lookup": of_brand}]
        found = await self._connection.aggregate(self._connection.collection("brands"), stages, session)
        return {each["_id"]: [from_document(Template, one) for one in each["templates"]] for each in found}

    async def not_for_store(self, brand_id: str, store_id: str, session: Session | None = None) -> list[str]:
        """The ids of a brand's templates that are for other stores only."""
        query = {"brand_id": brand_id, "store_ids.0": {"$exists": True}, "store_ids": {"$ne": store_id}}
        found = self._templates.find(query, projection={"_id": 1}, session=session)
        return [document["_id"] for document in await found.to_list(None)]

    async def put_template(self, template: Template) -> None:
        """Write a template as given."""
        await self._templates.replace_one({"_id": template.id}, to_document(template), upsert=True)

    async def coupon(self, coupon_id: str, session: Session | None = None) -> Coupon | None:
        """A coupon by id."""
        document = await self._coupons.find_one({"_id": coupon_id}, session=session)
        return from_document(Coupon, document) if document else None

    async def coupons(self, coupon_ids: Sequence[str], session: Session | None = None) -> list[Coupon]:
        """Coupons by id, those that exist."""
        found = self._coupons.find({"_id": {"$in": list(coupon_ids)}}, session=session)
        return [from_document(Coupon, document) for document in await found.to_list(None)]

    async def page(
        self,
        customer_ids: tuple[str, ...],
        request: PageRequest,
        brand_id: str | None,
        statuses: Sequence[CouponStatus],
        now: datetime,
        session: Session | None = None,
        without: Sequence[str] = (),
        back: Sequence[str] = (),
    ) -> Page[Coupon]:
        """A customer's coupons, soonest lapsing first, but for those of some templates.

        `back`: coupons that are called GIFTING and are not any more.
        """
        conditions = [_list_query(customer_ids, brand_id, statuses, now, without, back)]
        if request.after is not None:
            until, coupon_id = from_milliseconds(request.after[0]), request.after[1]
            later = {"valid_until": {"$gt": until}}
            conditions.append({"$or": [later, {"valid_until": until, "_id": {"$gt": coupon_id}}]})
        found = self._coupons.find({"$and": conditions}, session=session)
        found = found.sort([("valid_until", ASCENDING), ("_id", ASCENDING)]).limit(request.first + 1)
        coupons = [from_document(Coupon, each) for each in await found.to_list(request.first + 1)]
        return page_of(coupons, request, lambda coupon: (milliseconds(coupon.valid_until), coupon.id))

    async def count(
        self,
        customer_ids: tuple[str, ...],
        brand_id: str | None,
        statuses: Sequence[CouponStatus],
        now: datetime,
        session: Session | None = None,
        without: Sequence[str] = (),
        back: Sequence[str] = (),
    ) -> int:
        """How many coupons a page's list has in all."""
        query = _list_query(customer_ids, brand_id, statuses, now, without, back)
        return await self._coupons.count_documents(query, session=session)

    async def any_usable(self, customer_ids: tuple[str, ...], now: datetime, session: Session) -> bool:
        """Whether a customer has a coupon that can be used, or that can be again when what has it lets go of it."""
        usable = [status.value for status in (CouponStatus.AVAILABLE, CouponStatus.HELD, CouponStatus.GIFTING)]
        query = {"customer_id": {"$in": list(customer_ids)}, "valid_until": {"$gt": now}, "status": {"$in": usable}}
        return await self._coupons.find_one(query, projection={"_id": 1}, session=session) is not None

    async def at_hand(self, customer_ids: tuple[str, ...], brand_id: str, now: datetime) -> list[Coupon]:
        """A customer's unlapsed coupons at a brand that are available, or held or being given, soonest lapsing first.

        The available ones come first, so that others never keep one out of a long wallet.
        """
        found: list[Coupon] = []
        for statuses in ((CouponStatus.AVAILABLE,), (CouponStatus.HELD, CouponStatus.GIFTING)):
            room = MAXIMUM_FOR_QUOTE - len(found)
            if room:
                query = {
                    "customer_id": {"$in": list(customer_ids)},
                    "brand_id": brand_id,
                    "status": {"$in": [status.value for status in statuses]},
                    "valid_until": {"$gt": now},
                }
                rows = self._coupons.find(query).sort("valid_until", ASCENDING).limit(room)
                found += [from_document(Coupon, document) for document in await rows.to_list(room)]
        return found

    async def issued(self, template_id: str) -> int:
        """How many of a template's pieces are out: what a friend has is the giver's piece."""
        out = {"template_id": template_id, "status": {"$ne": CouponStatus.GIFTED.value}}
        return await self._coupons.count_documents(out)

    async def lapsed(self, now: datetime, limit: int) -> list[Coupon]:
        """Coupons that are called available and are past their time, longest past first."""
        found = self._coupons.find({"status": CouponStatus.AVAILABLE.value, "valid_until": {"$lte": now}})
        rows = await found.sort("valid_until", ASCENDING).limit(limit).to_list(limit)
        return [from_document(Coupon, document) for document in rows]

    async def lapsing(self, told: int | None, now: datetime, until: datetime, limit: int) -> list[Coupon]:
        """Available coupons that lapse by a moment, and whose last reminder was `told` days before."""
        query = {"status": CouponStatus.AVAILABLE.value, "told_days": told, "valid_until": {"$gt": now, "$lte": until}}
        rows = await self._coupons.find(query).sort("valid_until", ASCENDING).limit(limit).to_list(limit)
        return [from_document(Coupon, document) for document in rows]

    async def note_reminder(self, session: Session, coupon: Coupon, days: int) -> bool:
        """Note that it is reminded of so many days before; False when somebody else has, or it is in use."""
        noted = await self._coupons.update_one(
            {"_id": coupon.id, "status": CouponStatus.AVAILABLE.value, "told_days": coupon.told_days},
            {"$set": {"told_days": days}},
            session=session,
        )
        return noted.modified_count == 1

    async def insert(self, session: Session, coupons: Sequence[Coupon]) -> None:
        """Write new coupons."""
        await self._coupons.insert_many([to_document(coupon) for coupon in coupons], session=session)

    async def move(
        self, session: Session, coupon_id: str, leaving: CouponStatus, to: CouponStatus, **values: Any
    ) -> Coupon | None:
        """Move a coupon out of a state; None when it is not in it."""
        document = await self._coupons.find_one_and_update(
            {"_id": coupon_id, "status": leaving.value},
            {"$set": {"status": to.value, **values}, "$inc": {"revision": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(Coupon, document) if document else None


def _list_query(
    customer_ids: tuple[str, ...],
    brand_id: str | None,
    statuses: Sequence[CouponStatus],
    now: datetime,
    without: Sequence[str],
    back: Sequence[str],
) -> dict[str, Any]:
    """A filter on the state as it is now: an available coupon past its time counts as expired."""
    stored = [status.value for status in statuses if status is not CouponStatus.AVAILABLE]
    still: dict[str, Any] = {"_id": {"$nin": list(back)}} if back else {}
    options: list[dict[str, Any]] = [{"status": {"$in": stored}} | still] if stored else []
    # One branch each, so that the index on status and time is used for every one of them.
    returned: list[dict[str, Any]] = [{"_id": {"$in": list(back)}}] if back else []
    for available in ({"status": CouponStatus.AVAILABLE.value}, *returned):
        if CouponStatus.AVAILABLE in statuses:
            options.append(available | {"valid_until": {"$gt": now}})
        if CouponStatus.EXPIRED in statuses:
            options.append(available | {"valid_until": {"$lte": now}})
    query: dict[str, Any] = {"customer_id": {"$in": list(customer_ids)}, "$or": options or [{"_id": None}]}
    if brand_id is not None:
        query["brand_id"] = brand_id
    if without:
        query["template_id"] = {"$nin": list(without)}
    return query


def place_of_template(template: Template) -> Position:
    """Where a template stands among a brand's."""
    return 0, template.id
