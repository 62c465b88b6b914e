"""Folders for the tests of the launcher; these tests read /proc, so they run on Linux."""

import sys
from pathlib import Path

import pytest

from tests.run.stand_ins import make_repository

if sys.platform != "linux":
    collect_ignore_glob = ["test_*_stack.py", "test_embedded_mongo.py"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"
