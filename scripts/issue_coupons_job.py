"""Issuing to a long list as a command: exits 0 when all got one, 1 when some were skipped, 2 if it could not run."""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from gateway.settings import Settings, UnsafeSettings, load_settings
from gateway.wiring import wire
from resolvers.app import App
from resolvers.coupons.issue_job.model import CustomerList, IssueJob, JobState, read_list
from resolvers.coupons.issue_job.run import begin_job, run_job
from resolvers.errors import Refused, RequestError
from resolvers.mongo import PyMongoError
from scripts.reconcile_bills import settings_in

PROGRESS_SECONDS = 1.0
JOBS_SHOWN = 50
CUT_OFF = 130  # what a command exits with after ctrl-C
COMMAND = "scripts/issue_coupons"


class Progress:
    """What is printed while a job runs: a line a second."""

    def __init__(self, job: IssueJob) -> None:
        self._began = self._said = time.monotonic()
        self._from = job.position

    def line(self, job: IssueJob) -> str:
        """How far it has come, how fast, and how long the rest takes at that speed."""
        done = job.position - self._from
        rate = done / max(time.monotonic() - self._began, 0.001)
        rest = f", {(job.total - job.position) / rate:.0f} s left" if rate and job.position < job.total else ""
        skipped = sum(job.skipped.values())
        return f"{job.position}/{job.total}: {job.issued} issued, {skipped} skipped, {rate:.0f}/s{rest}"

    def say(self, job: IssueJob) -> None:
        """Print it, unless a line was printed within the last second."""
        if time.monotonic() - self._said >= PROGRESS_SECONDS:
            self._said = time.monotonic()
            print(self.line(job), flush=True)


def summary(job: IssueJob) -> str:
    """One line of a job, as a list of jobs shows it."""
    reasons = "".join(f", {count} {reason}" for reason, count in sorted(job.skipped.items()))
    when = f"{job.started_at:%Y-%m-%d %H:%M}"
    done = f"{job.position}/{job.total}: {job.issued} issued{reasons}"
    return f"{job.state.value} {job.name} {job.template_id} begun {when} UTC, {done}"


async def run(app: App, template_id: str, listed: CustomerList, username: str, name: str | None) -> int:
    """Run or go on with a job and print how it goes; answers the exit code."""
    staff = await app.staff.named(username)
    if staff is None:
        print(f"{COMMAND}: there is no member of staff {username}")
        return 2
    job = begun = await begin_job(app, staff, template_id, listed, name)
    if job.state is JobState.DONE:
        print("this list is done already, nothing is changed; another --job NAME issues to it again")
    else:
        print(f"job {job.name}: {job.total} customers, from {job.position}", flush=True)
        progress = Progress(job)
        async for job in run_job(app, staff, begun, listed):
            progress.say(job)
        print(progress.line(job))
    print(summary(job))
    return 1 if job.skipped else 0


async def show_jobs(app: App) -> int:
    """Print the jobs that were begun last; answers the exit code."""
    jobs = await app.coupons.jobs.newest(JOBS_SHOWN)
    print("\n".join(summary(job) for job in jobs) or "no coupons were issued to a list yet")
    return 0


async def run_with(settings: Settings, arguments: argparse.Namespace, listed: CustomerList | None) -> int:
    """Do what was asked for with an application of these settings."""
    wired = wire(settings)
    try:
        if listed is None:
            return await show_jobs(wired.app)
        await wired.app.ensure_indexes()
        return await run(wired.app, arguments.template_id, listed, arguments.staff, arguments.job)
    except Refused as refusal:
        print(f"{COMMAND}: {refusal.code} {refusal.text}")
    except RequestError as error:
        print(f"{COMMAND}: {error.text} What is done stays done; run it again to go on.")
    except PyMongoError as error:
        print(f"{COMMAND}: the database does not answer ({type(error).__name__}); run it again to go on")
    finally:
        await wired.close()
    return 2


def read(path: Path) -> CustomerList:
    """The list in a file, in UTF-8 or as a spreadsheet in China writes it. Raises OSError, UnicodeError, BadInput."""
    content = path.read_bytes()
    try:
        return read_list(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return read_list(content.decode("gb18030"))


def parsed() -> argparse.Namespace:
    """The arguments of the command."""
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description="Give a coupon of a template to each member of a list. Run again, it goes on where it stopped.",
    )
    parser.add_argument("template_id", nargs="?", metavar="TEMPLATE_ID")
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="customer ids, one per line; or a CSV whose header names a column customer_id or member_number",
    )
    parser.add_argument("--staff", metavar="USERNAME", help="the manager or owner of the brand who issues them")
    parser.add_argument("--job", metavar="NAME", help="of this issuing; default: named after the list")
    parser.add_argument("--list", action="store_true", help="print the jobs that were begun last")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder of a running scripts/run; default: .data, or MONGODB_URI"
    )
    arguments = parser.parse_args()
    if not arguments.list and (arguments.file is None or arguments.staff is None):
        parser.error("TEMPLATE_ID, FILE and --staff are needed")
    return arguments


def main() -> int:
    """Issue with what the environment names, or what runs from a data folder."""
    arguments = parsed()
    if arguments.data is not None or "MONGODB_URI" not in os.environ:
        data = arguments.data or Path(".data")
        try:
            os.environ.update(settings_in(data))
        except (OSError, ValueError, KeyError):
            print(f"{COMMAND}: nothing runs from {data};", end=" ")
            print("name the data folder of a running scripts/run with --data, or set MONGODB_URI and KABAO_…")
            return 2
    try:
        listed = None if arguments.list else read(arguments.file)
        return asyncio.run(run_with(load_settings(), arguments, listed))
    except UnsafeSettings as error:
        print(f"{COMMAND}: {error}")
    except (OSError, UnicodeError) as error:
        print(f"{COMMAND}: {arguments.file}: {error}")
    except RequestError as error:
        print(f"{COMMAND}: {arguments.file}: {error.text}")
    except KeyboardInterrupt:
        print(f"{COMMAND}: stopped; what is done stays done, run it again to go on")
        return CUT_OFF
    return 2


if __name__ == "__main__":
    sys.exit(main())
