"""The command scripts/reconcile, run from a data folder such as scripts/run leaves."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.books.reconciled import Day

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("agrees_again")


@pytest.fixture
def command(day: Day, tmp_path: Path) -> Callable[..., Awaitable[tuple[int, str]]]:
    """The command, run from a data folder such as scripts/run leaves: its exit code and what it printed."""
    settings = day.world.settings
    running = {name: settings[name] for name in ("MONGODB_URI", "KABAO_DATABASE", "KABAO_PUBLIC_URL")}
    (tmp_path / "running.json").write_text(json.dumps(running), "utf-8")
    (tmp_path / "secret-key").write_text(settings["KABAO_SECRET_KEY"], "utf-8")
    (tmp_path / "simulator").mkdir()
    platforms = {name: value for name, value in settings.items() if name.startswith(("KABAO_WECHAT", "KABAO_QQ"))}
    (tmp_path / "simulator" / "gateway-settings.json").write_text(json.dumps(platforms), "utf-8")

    async def call(*arguments: str, data: Path = tmp_path) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "scripts.reconcile_bills",
            *("--data", str(data), *arguments),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    return call


async def test_the_command_finds_what_runs_from_a_data_folder(
    day: Day, command: Callable[..., Awaitable[tuple[int, str]]], tmp_path: Path
) -> None:
    when = ("--date", day.day.isoformat())
    assert (await command(*when))[0] == 0
    async with day.lying(provider="qq", kind="amount", number=day.payments["qq"]):
        code, said = await command(*when)
    assert code == 1
    told = f"AMOUNT QQ_WALLET {day.day} payment {day.payments['qq']}: here ¥123.45 SUCCEEDED, there ¥123.46 SUCCESS"
    assert told in said.splitlines()
    assert (await command(*when, data=tmp_path / "nowhere"))[0] == 2
