"""The supervisor: what it starts, what it tells, and that nothing is left of it however it ends."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.run.stand_ins import Launched, nothing_left_of

NEW_PORT = ("--port", "0")


def test_everything_starts_stops_on_sigterm_and_is_the_same_the_next_time(repository: Path, data: Path) -> None:
    with Launched(repository, *NEW_PORT, "--data", data) as first:
        told = first.ready()
        assert len(first.children()) == 3
        assert first.end(signal.SIGTERM) == (0, "", "")
    assert nothing_left_of(repository, seconds=0)
    with Launched(repository, *NEW_PORT, "--data", data) as second:
        again = second.ready()
        assert second.end(signal.SIGINT) == (0, "", "")
    assert nothing_left_of(repository, seconds=0)

    assert set(told) == {
        *("gateway", "simulator", "console", "wechat_app_id", "qq_app_id"),
        *("brand_id", "store_id", "template_ids", "staff"),
    }
    assert told["console"] == f"{told['gateway']}/console/graphql"
    assert told["staff"] == {"username": "boss", "password": "pw"}
    [key] = told["template_ids"]["keys"]
    assert len(bytes.fromhex(key)) == 32
    assert again["template_ids"]["keys"] == [key, key], "the data and the secret key survive"
    assert again["simulator"] == told["simulator"], "the port survives"
    assert (data / "secret-key").stat().st_mode & 0o777 == 0o600


def test_two_copies_run_side_by_side_but_not_in_one_folder(repository: Path, data: Path) -> None:
    with (
        Launched(repository, *NEW_PORT, "--data", data) as first,
        Launched(repository, *NEW_PORT, "--data", data.with_name("other")) as other,
    ):
        assert first.ready()["gateway"] != other.ready()["gateway"]
        with Launched(repository, *NEW_PORT, "--data", data) as second:
            code, output, errors = second.end()
        assert (code, output) == (1, "")
        assert errors == f"scripts/run: {data} is in use by another scripts/run; stop that one or name another --data\n"
        assert first.end(signal.SIGTERM)[0] == other.end(signal.SIGTERM)[0] == 0


def test_a_stop_while_starting_leaves_nothing(repository: Path, data: Path) -> None:
    with Launched(repository, *NEW_PORT, "--data", data) as launched:
        while not (data / "mongo" / "member-0.log").exists():
            assert launched.process.poll() is None
        assert launched.end(signal.SIGINT) == (0, "", "")
    assert nothing_left_of(repository, seconds=0)


def test_killing_the_supervisor_outright_leaves_nothing(repository: Path, data: Path) -> None:
    with Launched(repository, *NEW_PORT, "--data", data) as launched:
        launched.ready()
        assert len(launched.children()) == 3
        launched.end(signal.SIGKILL)
    assert nothing_left_of(repository)


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ("gateway", "scripts/run: gateway ended unexpectedly, signal SIGKILL"),
        ("scripts.simulator", "scripts/run: simulator ended unexpectedly, signal SIGKILL"),
        ("mongod", "scripts/run: MongoDB member 127.0.0.1:"),
    ],
)
def test_the_loss_of_a_part_stops_the_rest(repository: Path, data: Path, part: str, line: str) -> None:
    with Launched(repository, *NEW_PORT, "--data", data) as launched:
        launched.ready()
        [lost] = [pid for command, pid in launched.children().items() if f"{part} " in command]
        os.kill(lost, signal.SIGKILL)
        code, _, errors = launched.end()
    assert code == 1
    assert errors.startswith(line)
    assert errors.count("\n") == 1
    assert nothing_left_of(repository, seconds=0)


def test_one_member_of_three_may_go_and_comes_back(repository: Path, data: Path) -> None:
    with Launched(repository, *NEW_PORT, "--data", data, "--members", "3") as launched:
        launched.ready()
        members = {command: pid for command, pid in launched.children().items() if "mongod " in command}
        assert len(members) == 3
        os.kill(next(iter(members.values())), signal.SIGKILL)
        while set(members) <= set(launched.children()) or len(launched.children()) < 5:
            assert launched.process.poll() is None
            time.sleep(0.05)
        code, _, errors = launched.end(signal.SIGTERM)
    assert code == 0
    assert "the other members carry on, it is started again" in errors
    assert nothing_left_of(repository, seconds=0)


def test_the_tour_decides_the_exit_code(repository: Path, data: Path) -> None:
    with Launched(repository, *NEW_PORT, "--data", data, "--tour") as launched:
        launched.ready()
        assert launched.end() == (3, "step 1: brd_1\n", "")
    assert nothing_left_of(repository, seconds=0)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("STAND_IN_SEED_FAILS", "seed failed, exit code 1: ValueError: the menu is empty"),
        ("STAND_IN_GATEWAY_FAILS", "gateway did not start, exit code 1: KABAO_SECRET_KEY is too short"),
    ],
)
def test_a_part_that_does_not_start_says_why(repository: Path, data: Path, fault: str, reason: str) -> None:
    with Launched(repository, *NEW_PORT, "--data", data, **{fault: "1"}) as launched:
        code, output, errors = launched.end()
    assert (code, output) == (1, "")
    assert errors.startswith(f"scripts/run: {reason}")
    assert errors.count("\n") == 1
    assert nothing_left_of(repository, seconds=0)


def test_a_taken_port_is_told_before_anything_starts_or_is_deleted(repository: Path, data: Path) -> None:
    data.mkdir()
    (data / ".kabao-data").touch()
    (data / "precious").touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with Launched(repository, "--port", str(port), "--data", data, "--fresh") as launched:
            code, output, errors = launched.end()
    assert (code, output) == (1, "")
    assert errors == f"scripts/run: port {port}: Address already in use; stop what uses it or choose another --port\n"
    assert {entry.name for entry in data.iterdir()} == {".kabao-data", "precious"}


def test_a_folder_of_others_is_never_touched(repository: Path, data: Path) -> None:
    data.mkdir()
    (data / "thesis.txt").touch()
    with Launched(repository, *NEW_PORT, "--data", data, "--fresh") as launched:
        code, output, errors = launched.end()
    assert (code, output) == (1, "")
    assert errors == f"scripts/run: {data} holds other files; name an empty or a new folder with --data\n"
    assert [entry.name for entry in data.iterdir()] == ["thesis.txt"]


def test_fresh_starts_over_in_a_folder_of_ours(repository: Path, data: Path) -> None:
    data.mkdir()
    (data / ".kabao-data").touch()
    (data / "simulator").mkdir()
    (data / "simulator" / "old").touch()
    (data / "secret-key").write_text("old")
    with Launched(repository, *NEW_PORT, "--data", data, "--fresh") as launched:
        assert launched.ready()["template_ids"]["keys"] != ["old"]
        assert launched.end(signal.SIGTERM)[0] == 0
    assert not (data / "simulator" / "old").exists()


def test_a_mongodb_of_ones_own_has_its_own_members(repository: Path, data: Path) -> None:
    own = {"MONGODB_URI": "mongodb://127.0.0.1:1/?replicaSet=own"}
    with Launched(repository, *NEW_PORT, "--data", data, "--members", "3", **own) as launched:
        code, _, errors = launched.end()
    assert code == 1
    assert "leave --members out" in errors
