"""scripts/prepare: refuses an old Python in one line, installs when the lock file changed and only then."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.run.stand_ins import ROOT

OLD_PYTHON = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n'
PYTHON_THAT_NOTES_INSTALLS = '#!/bin/sh\n[ "$2" != pip ] || echo install >> "$NOTES"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "prepare", tmp_path / "scripts")
    for name in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text("one==1\n")
    return tmp_path


def prepare(root: Path, lock: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, "NOTES": str(root / "notes")}
    return subprocess.run(
        [root / "scripts" / "prepare", lock], cwd="/", env=environment, capture_output=True, text=True, check=False
    )


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_an_old_python_is_refused_in_one_line(root: Path) -> None:
    for name in ("python", "python3", *(f"python3.{minor}" for minor in range(11, 15))):
        write_program(root / "bin" / name, OLD_PYTHON)
    result = prepare(root, "requirements.lock", f"{root / 'bin'}{os.pathsep}/usr/bin:/bin")
    assert result.returncode == 1
    assert result.stderr == (
        "kabao needs Python 3.11 or newer, but found: Python 3.9.2. Install it and run this again.\n"
    )
    assert not (root / ".venv").exists()


def test_it_installs_once_and_again_when_the_lock_file_changed(root: Path) -> None:
    write_program(root / ".venv" / "bin" / "python", PYTHON_THAT_NOTES_INSTALLS)
    notes = root / "notes"

    def installs() -> int:
        return len(notes.read_text().splitlines())

    assert prepare(root, "requirements.lock").returncode == 0
    assert installs() == 1
    assert prepare(root, "requirements.lock").stderr == ""
    assert installs() == 1
    (root / "requirements.lock").write_text("one==2\n")
    prepare(root, "requirements.lock")
    assert installs() == 2
    prepare(root, "requirements-dev.lock")
    prepare(root, "requirements.lock")
    assert installs() == 3, "the development lock holds the run-time lock"
