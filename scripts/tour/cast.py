"""Who plays in the tour, and what they do in more than one scene."""

from typing import Any

from scripts.client import Api
from scripts.tour import queries
from scripts.tour.stage import Stage

LIN, JIE = "小林", "阿杰"
TABLE = "T08"  # of the demo's first store
CARD = "card { id kind balance { amountFen display } }"


async def cursor_of(api: Api) -> str:
    """The wallet's cursor: whatever happens after this answer is told to who subscribes after it."""
    cursor: str = (await api.ask(queries.WALLET))["me"]["wallet"]["cursor"]
    return cursor


def dinner(stage: Stage, least_fen: int) -> list[dict[str, Any]]:
    """Dishes of the menu, each once, until they cost enough; options as they must be chosen."""
    lines: list[dict[str, Any]] = []
    cost = 0
    for item in stage.things["dishes"]:
        if not item["available"] or item["soldOut"] or item["price"]["amountFen"] > 30_000:
            continue
        groups = item["dish"]["optionGroups"]
        options = [option["id"] for group in groups for option in group["options"][: group["minimum"]]]
        lines.append({"dishId": item["dish"]["id"], "quantity": 1, "optionIds": options})
        cost += item["price"]["amountFen"]
        if cost >= least_fen:
            break
    return lines


def dessert(stage: Stage) -> dict[str, Any]:
    """One of the desserts that the demo's coupon makes free."""
    item = next(each for each in stage.things["dishes"] if each["dish"]["name"] == "杨枝甘露")
    groups = item["dish"]["optionGroups"]
    options = [option["id"] for group in groups for option in group["options"][: group["minimum"]]]
    return {"dishId": item["dish"]["id"], "quantity": 1, "optionIds": options}
