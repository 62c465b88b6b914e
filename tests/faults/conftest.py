"""One short torture for all tests of this folder."""

from pathlib import Path

import pytest

from scripts.tortures.run import Outcome, Plan, torture

SHORT = Plan(seconds=22, clients=10, kill_every=5, seed=7, quiet_seconds=30, hasten=True)


@pytest.fixture(scope="session")
async def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What came of it."""
    return await torture(SHORT, Path(tmp_path_factory.mktemp("torture")))
