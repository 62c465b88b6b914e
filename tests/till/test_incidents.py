"""Incidents: seen and tried again by managers and owners of the brand, page by page, open or settled."""

import uuid
from datetime import timedelta

from scripts.client import Api, Json
from tests.support.world import World
from tests.till.counter import (
    SHEKOU,
    TEA_BRAND,
    TEA_STORE,
    actions,
    at,
    hire,
    moment,
    outcome,
    staff_id,
)

PAGE = """query($open: Boolean!, $first: Int!, $after: String) { incidents(open: $open, first: $first, after: $after) {
  nodes { id kind summary at resolvedAt } pageInfo { hasNextPage endCursor } } }"""


async def incident(world: World, brand_id: str | None, summary: str = "退款未成功", key: str | None = None) -> str:
    """Open an incident: its id. The task it is about is not there, so trying again does nothing."""
    key = key or f"task:{uuid.uuid4().hex}"
    await world.app.incidents.open("DEAD_LETTER", key, summary, brand_id, key, world.clock.now())
    found = await world.app.connection.collection("incidents").find_one({"key": key})
    assert found is not None
    return str(found["_id"])


async def resolve(world: World, incident_id: str) -> None:
    """What an incident is about is settled."""
    found = await world.app.incidents.incident(incident_id)
    assert found is not None
    await world.app.incidents.resolve(found.key, world.clock.now())


async def seen(staff: Api, *, open: bool = True, first: int = 100) -> list[Json]:
    """The incidents that somebody sees, read page by page."""
    found: list[Json] = []
    page: Json = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while page["pageInfo"]["hasNextPage"]:
        after = page["pageInfo"]["endCursor"]
        page = (await staff.ask(PAGE, open=open, first=first, after=after))["incidents"]
        found.extend(page["nodes"])
        assert len(found) == len({each["id"] for each in found})  # nothing twice
    return found


async def retry(staff: Api, incident_id: str) -> Json:
    """Try an incident again. Raises Refused."""
    wanted = "incident { id kind summary at resolvedAt }"
    answer: Json = (await staff.do("retryIncident", wanted, incidentId=incident_id))["incident"]
    return answer


async def test_managers_and_owners_see_their_brands_and_cashiers_none(world: World) -> None:
    ours, theirs, nobodys = [await incident(world, each) for each in (world.brand_id, TEA_BRAND, None)]
    everybody = {
        ours: [await hire(world, "MANAGER"), await hire(world, "MANAGER", (SHEKOU,)), await hire(world, "OWNER", ())],
        theirs: [await hire(world, role, (TEA_STORE,), TEA_BRAND) for role in ("MANAGER", "OWNER")],
    }
    for mine, staff in everybody.items():
        for each in staff:
            ids = {node["id"] for node in await seen(each)}
            owner = (await each.ask("{ me { role } }"))["me"]["role"] == "OWNER"
            assert ids & {ours, theirs, nobodys} == {mine, *([nobodys] if owner else [])}
    for cashier in (await hire(world), await hire(world, store_ids=(TEA_STORE,), brand_id=TEA_BRAND)):
        assert await outcome(seen(cashier)) == "FORBIDDEN"
        assert await outcome(seen(cashier, open=False)) == "FORBIDDEN"
    assert await outcome(seen(Api(world.http, world.console))) == "UNAUTHENTICATED"


async def test_newest_first_page_by_page(time: World) -> None:
    manager, start, made = await hire(time, "MANAGER"), time.clock.now(), []
    for number in range(7):  # three of them in the same millisecond
        with at(time, start, milliseconds=max(0, number - 2)):
            made.append((time.clock.now(), await incident(time, time.brand_id, f"第 {number} 件")))
    order = [each for _, each in sorted(made, reverse=True)]
    for first in (1, 3, 7, 100):
        found = await seen(manager, first=first)
        assert [each["id"] for each in found] == order
    assert moment(found[0]["at"]) == start + timedelta(milliseconds=4)
    assert (found[0]["kind"], found[0]["summary"], found[0]["resolvedAt"]) == ("DEAD_LETTER", "第 6 件", None)
    for first in (0, 101):
        assert await outcome(seen(manager, first=first)) == "BAD_USER_INPUT"


async def test_what_is_settled_is_listed_apart_until_it_happens_again(world: World) -> None:
    manager, key = await hire(world, "MANAGER"), f"task:{uuid.uuid4().hex}"
    incident_id = await incident(world, world.brand_id, "第一次", key)
    assert await incident(world, world.brand_id, "又一次", key) == incident_id  # open already: there once

    async def lists() -> tuple[list[str], list[str]]:
        both = [await seen(manager, open=each) for each in (True, False)]
        waiting, settled = ([node["summary"] for node in nodes if node["id"] == incident_id] for nodes in both)
        return waiting, settled

    assert await lists() == (["第一次"], [])
    await resolve(world, incident_id)
    assert await lists() == ([], ["第一次"])
    [node] = [each for each in await seen(manager, open=False) if each["id"] == incident_id]
    assert node["resolvedAt"] is not None
    assert await incident(world, world.brand_id, "又一次", key) == incident_id
    assert await lists() == (["又一次"], [])


async def test_trying_again_leaves_an_audit_row_and_the_incident_open(world: World) -> None:
    for role, store_ids in (("MANAGER", (world.store_id,)), ("OWNER", ())):
        staff, incident_id = await hire(world, role, store_ids), await incident(world, world.brand_id)
        answer = await retry(staff, incident_id)
        assert (answer["id"], answer["resolvedAt"]) == (incident_id, None)
        assert await actions(world, incident_id) == [(await staff_id(staff), "retryIncident", None, "DEAD_LETTER")]


async def test_unknown_another_brands_and_nobodys_look_the_same_to_a_manager(world: World) -> None:
    ours, theirs, nobodys = [await incident(world, each) for each in (world.brand_id, TEA_BRAND, None)]
    cashier, manager, owner = [await hire(world, role) for role in ("CASHIER", "MANAGER", "OWNER")]
    for staff in (cashier, manager):
        for incident_id in ("inc_none", "", theirs, nobodys):
            assert await outcome(retry(staff, incident_id)) == "NOT_FOUND", incident_id
    assert await outcome(retry(owner, theirs)) == "NOT_FOUND"
    assert await outcome(retry(owner, nobodys)) == "SUCCESS"
    assert await outcome(retry(cashier, ours)) == "NOT_ALLOWED"
    assert [await actions(world, each) for each in (ours, theirs)] == [[], []]


async def test_a_settled_one_is_answered_as_it_is(world: World) -> None:
    manager, incident_id = await hire(world, "MANAGER"), await incident(world, world.brand_id)
    await resolve(world, incident_id)
    first = await retry(manager, incident_id)
    assert (first["id"], first["summary"], first["resolvedAt"] is None) == (incident_id, "退款未成功", False)
    assert await retry(manager, incident_id) == first
    assert await actions(world, incident_id) == []  # nothing was tried
