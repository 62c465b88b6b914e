"""Jobs that issue to a list, and the members that a list names, in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import DESCENDING

from resolvers.coupons.issue_job.model import Batch, IssueJob, JobState, Naming
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes

JOB_INDEXES = [IndexModel([("started_at", DESCENDING)])]
FIELDS = {Naming.CUSTOMER_ID: "customer_id", Naming.MEMBER_NUMBER: "number"}  # of a membership


class IssueJobStore:
    """Begins jobs and moves them on."""

    def __init__(self, connection: Connection) -> None:
        self._jobs = connection.collection("issue_jobs")
        self._memberships = connection.collection("memberships")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._jobs, JOB_INDEXES)

    async def job(self, job_id: str, session: Session | None = None) -> IssueJob | None:
        """A job by id."""
        document = await self._jobs.find_one({"_id": job_id}, session=session)
        return from_document(IssueJob, document) if document else None

    async def newest(self, limit: int) -> list[IssueJob]:
        """The jobs that were begun last, newest first."""
        found = self._jobs.find({}).sort("started_at", DESCENDING).limit(limit)
        return [from_document(IssueJob, document) for document in await found.to_list(limit)]

    async def insert(self, session: Session, job: IssueJob) -> None:
        """Write a new job; a second one of the same template and name kills its transaction."""
        await self._jobs.insert_one(to_document(job), session=session)

    async def advance(self, session: Session, job: IssueJob, batch: Batch, now: datetime) -> bool:
        """Move a job from the beginning of a batch to its end; False when it does not stand there any more."""
        done: dict[str, Any] = {"state": JobState.DONE.value, "finished_at": now} if batch.ends == job.total else {}
        counted = {f"skipped.{reason}": count for reason, count in batch.skipped.items()}
        moved = await self._jobs.update_one(
            {"_id": job.id, "position": batch.begins, "state": JobState.RUNNING.value},
            {"$set": {"position": batch.ends, **done}, "$inc": {"issued": len(batch.customer_ids), **counted}},
            session=session,
        )
        return moved.modified_count == 1

    async def members(self, brand_id: str, naming: Naming, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """(customer id, level) of the brand's members among those that a list names, by that name."""
        field = FIELDS[naming]
        shown = {"customer_id": 1, "number": 1, "level": 1, "merged_into": 1}
        query = {field: {"$in": list(names)}, "brand_id": brand_id}
        found = await self._memberships.find(query, projection=shown).to_list(None)
        merged = [each["merged_into"] for each in found if each.get("merged_into")]
        into = self._memberships.find({"_id": {"$in": merged}}, projection=shown)
        now = {each["_id"]: each for each in (await into.to_list(None) if merged else [])}
        present = {each[field]: now.get(each.get("merged_into"), each) for each in found}
        return {name: (each["customer_id"], each["level"]) for name, each in present.items()}
