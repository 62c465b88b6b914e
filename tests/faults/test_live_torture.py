"""Clients lose their sockets hundreds of times while events flow; `scripts/torture live` does the same for longer."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.tortures.live import LiveOutcome, LivePlan, live_report, torture_live
from scripts.tortures.live_check import ADVANCED, COUPONS, ORDER, RESYNC, WALLET, Segment, Told, live_breaches

SHORT = LivePlan(disconnects=300, clients=6, seed=7, gateways=2, kill_every=4, primaries_die=False)


@pytest.fixture(scope="session")
async def live(tmp_path_factory: pytest.TempPathFactory) -> LiveOutcome:
    """What came of it."""
    return await torture_live(SHORT, Path(tmp_path_factory.mktemp("live")))


def test_every_client_pieces_the_log_together_whatever_dies(live: LiveOutcome) -> None:
    print(live_report(live))
    assert live.breaches == []


def test_the_disconnects_did_happen_and_were_felt(live: LiveOutcome) -> None:
    assert live.disconnects >= 300
    assert {name for name in ("close", "abort", "torn", "deaf") if live.lost[f"by the phone: {name}"] < 10} == set()
    assert live.killed["gateways killed"] >= 1
    assert live.killed["primaries that stepped down"] >= 1
    assert sum(live.newest.values()) > 200
    for stream in (WALLET, COUPONS, ORDER):
        mine = [segment for story in live.stories for segment in story.segments if segment.stream == stream]
        assert sum(len(segment.told) for segment in mine) > 30
    moved_on = [each for story in live.stories for segment in story.segments for each in segment.told]
    assert any(each.kind == ADVANCED for each in moved_on)


def longest(live: LiveOutcome, stream: str) -> Segment:
    """The subscription of a kind that told the most events."""
    mine = [segment for story in live.stories for segment in story.segments if segment.stream == stream]
    return max(mine, key=lambda segment: sum(each.kind not in (ADVANCED, RESYNC) for each in segment.told))


def places(segment: Segment) -> list[int]:
    """Where in it the events are, bare cursors left out."""
    return [place for place, each in enumerate(segment.told) if each.kind not in (ADVANCED, RESYNC)]


def drop(segment: Segment) -> None:
    del segment.told[places(segment)[1]]


def swap(segment: Segment) -> None:
    first, second = places(segment)[:2]
    segment.told[first], segment.told[second] = segment.told[second], segment.told[first]


def repeat(segment: Segment) -> None:
    place = places(segment)[0]
    segment.told.insert(place, segment.told[place])


def age(segment: Segment) -> None:
    place = places(segment)[-1]
    segment.told[place] = replace(segment.told[place], revision=(segment.told[place].revision or 0) - 1)


def date(segment: Segment) -> None:
    place = places(segment)[-1]
    segment.told[place] = replace(segment.told[place], at=(segment.told[place].at or 0) + 1)


def exchange(segment: Segment) -> None:
    place = places(segment)[-1]
    segment.told[place] = replace(segment.told[place], subject_id="crd_of_another")


def resync(segment: Segment) -> None:
    segment.told.append(Told(segment.told[-1].number + 1, RESYNC))


def jump(segment: Segment) -> None:
    """A bare cursor that moves past an event before it is told."""
    place = places(segment)[0]
    segment.told.insert(place, Told(segment.told[place].number, ADVANCED))


@pytest.mark.parametrize("stream", [WALLET, COUPONS, ORDER])
@pytest.mark.parametrize(
    "doctor", [drop, swap, repeat, age, date, exchange, resync, jump], ids=lambda each: each.__name__
)
def test_a_client_that_was_told_something_else_is_named(
    live: LiveOutcome, stream: str, doctor: Callable[[Segment], None]
) -> None:
    spoiled = copy.deepcopy(live)
    segment = longest(spoiled, stream)
    assert len(places(segment)) >= 2
    doctor(segment)
    found = live_breaches(spoiled.stories, spoiled.logs, spoiled.newest)
    assert any(breach.startswith(str(segment)) for breach in found), found


@pytest.mark.parametrize("stream", [WALLET, COUPONS, ORDER])
def test_a_client_that_never_saw_the_end_is_named(live: LiveOutcome, stream: str) -> None:
    spoiled = copy.deepcopy(live)
    last = next(story.segments[-1] for story in spoiled.stories if story.segments[-1].stream == stream)
    assert last.whole
    last.told.clear()
    last.after = min(last.after, spoiled.newest[last.customer_id] - 1)
    found = live_breaches(spoiled.stories, spoiled.logs, spoiled.newest)
    assert any("its cursor stayed at" in breach for breach in found)


@pytest.mark.parametrize("stream", [WALLET, COUPONS])
def test_a_client_that_skipped_a_subscription_did_not_piece_it_together(live: LiveOutcome, stream: str) -> None:
    spoiled = copy.deepcopy(live)
    story = next(each for each in spoiled.stories if each.segments[-1].stream == stream)
    story.segments = [replace(story.segments[-1], after=spoiled.newest[story.customer_id], told=[])]
    assert any("pieced together 0 events" in each for each in live_breaches([story], spoiled.logs, spoiled.newest))


def test_a_hole_in_the_log_is_named(live: LiveOutcome) -> None:
    spoiled = copy.deepcopy(live)
    customer_id, log = next((each, log) for each, log in spoiled.logs.items() if len(log) > 5)
    del log[3]
    assert f"the log of {customer_id} has 5 where 4 must be" in live_breaches([], spoiled.logs, spoiled.newest)
