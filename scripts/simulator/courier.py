"""Does what is due: settles refunds and delivers notifications, again and again until the merchant accepts them.

WeChat Pay accepts 200 and 204 within 5 s and tries up to 15 times more at official distances. QQ Wallet accepts
`<return_code>SUCCESS</return_code>`; its distances are not published, so WeChat Pay's are used. Distances are divided
by the world's speed. Jobs lie in the store, so a restart goes on where it stopped.
"""

import asyncio
import contextlib
import uuid

import aiohttp
import orjson

from scripts.simulator import faults
from scripts.simulator.book import Book
from scripts.simulator.envelopes import Envelope, qq_envelope, wechat_envelope
from scripts.simulator.qq_forms import is_accepted
from scripts.simulator.records import Delivery, Job
from scripts.simulator.world import World

RETRY_SECONDS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10_800, 10_800, 10_800, 21_600, 21_600)
ANSWER_SECONDS = 5.0
MAX_ANSWER_BYTES = 16 * 1024
# A test may move the clock, so the next due moment alone is not enough.
LOOK_AGAIN_SECONDS = 0.25
FORGED = frozenset({"bad_signature", "stale", "wrong_amount", "unknown"})


class Courier:
    """One background task with one HTTP session."""

    def __init__(self, world: World, book: Book) -> None:
        self._world = world
        self._book = book
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Work until the world stops."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False) as self._session:
            try:
                while not self._world.stopping.is_set():
                    self._world.jobs_changed.clear()
                    now = self._world.clock()
                    for job in self._world.store.due_jobs(now):
                        if job.job_id not in self._busy:
                            self._busy[job.job_id] = asyncio.create_task(self._do(job))
                    next_due = self._world.store.next_due(now)
                    wait = LOOK_AGAIN_SECONDS if next_due is None else min(next_due - now, LOOK_AGAIN_SECONDS)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._world.jobs_changed.wait()
            finally:
                for task in self._busy.values():
                    task.cancel()
                await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _do(self, job: Job) -> None:
        try:
            if job.kind == "settle":
                self._book.end_refund(job.provider, job.subject, orjson.loads(job.content))
                self._world.store.delete_job(job.job_id)
            elif await self.attempt(job) or job.attempt >= len(RETRY_SECONDS):
                self._world.store.delete_job(job.job_id)
            else:
                job.due_at = self._world.clock() + RETRY_SECONDS[job.attempt] / self._world.speed
                job.attempt += 1
                self._world.store.save(job)
            self._world.jobs_changed.set()
        finally:
            self._busy.pop(job.job_id, None)

    async def attempt(self, job: Job) -> bool:
        """One attempt, as the fault rules would have it; true when the merchant has accepted what is right."""
        fault = self._world.faults.for_notification(job.provider, job.out_trade_no) or ""
        if fault == "drop":
            self._note(job, fault, 0)
            return False
        if fault == "late":
            await asyncio.sleep(faults.LATE_SECONDS)
        if fault == "duplicate":
            return any(await asyncio.gather(*(self._send(job, fault) for _ in range(faults.DUPLICATES))))
        if fault == "probe":
            await self._send(job, fault)
            return await self._send(job, "")
        accepted = await self._send(job, fault)
        return accepted and fault not in FORGED

    async def _send(self, job: Job, fault: str) -> bool:
        envelope = (wechat_envelope if job.provider == "wechat" else qq_envelope)(self._world, job, fault)
        status, accepted = await self._post(job, envelope)
        self._note(job, fault, status)
        return accepted

    async def _post(self, job: Job, envelope: Envelope) -> tuple[int, bool]:
        if self._session is None:
            raise RuntimeError("the courier is not running")
        headers = {"User-Agent": "Mozilla/4.0", **envelope.headers}
        # Without the threshold aiohttp rounds five seconds up to as much as six.
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, ceil_threshold=ANSWER_SECONDS + 1)
        try:
            async with self._session.post(
                job.url, data=envelope.body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                if job.provider == "wechat":
                    return answer.status, answer.status in (200, 204)
                said = await answer.content.read(MAX_ANSWER_BYTES)
                return answer.status, answer.status == 200 and is_accepted(said)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return 0, False

    def _note(self, job: Job, fault: str, status: int) -> None:
        now = self._world.clock()
        delivery = Delivery(str(uuid.uuid4()), job.provider, job.out_trade_no, job.event_type, now, fault, status)
        self._world.store.save(delivery)
