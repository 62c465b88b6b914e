"""The demo brands: every reference inside them resolves, and a visitor finds something to eat at any hour."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.run.stand_ins import ROOT

KINDS = {"CASH", "DISCOUNT", "EXCHANGE", "BUY_GET"}
FILES = sorted((ROOT / "scripts" / "demo").glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def demo(request: pytest.FixtureRequest) -> dict[str, Any]:
    path: Path = request.param
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert loaded["brand"]["key"] == path.stem
    return loaded


def dishes(demo: dict[str, Any]) -> list[dict[str, Any]]:
    return [dish for section in demo["sections"] for dish in section["dishes"]]


def test_keys_are_unique_where_they_are_looked_up(demo: dict[str, Any]) -> None:
    for things in (demo["stores"], demo["sections"], dishes(demo), demo["top_up_tiers"], demo["coupon_templates"]):
        keys = [thing["key"] for thing in things]
        assert len(set(keys)) == len(keys)
    for dish in dishes(demo):
        for group in dish["option_groups"]:
            keys = [option["key"] for option in group["options"]]
            assert len(set(keys)) == len(keys)
            assert 0 <= group["minimum"] <= group["maximum"] <= len(keys)


def test_coupons_and_staff_name_what_exists(demo: dict[str, Any]) -> None:
    keys = {dish["key"] for dish in dishes(demo)}
    for template in demo["coupon_templates"]:
        named = [*template.get("free_dishes", []), template.get("buy_dish"), template.get("get_dish")]
        assert {key for key in named if key} <= keys
    stores = {store["key"] for store in demo["stores"]}
    for person in demo["staff"]:
        assert person["stores"] == "all" or set(person["stores"]) <= stores
    assert demo["staff"][0]["role"] == "OWNER"


def test_every_kind_of_coupon_can_be_shown(demo: dict[str, Any]) -> None:
    templates = {template["key"]: template for template in demo["coupon_templates"]}
    assert {template["kind"] for template in templates.values()} == KINDS
    assert templates["welcome"]["claimable"]
    assert any(template["giveable"] for template in templates.values())


def test_a_visitor_finds_dishes_at_any_hour(demo: dict[str, Any]) -> None:
    assert demo["stores"][0]["hours"] == [["00:00", "24:00"]]
    all_day = [dish for dish in dishes(demo) if not dish["mealtimes"]]
    assert len(all_day) > 0.75 * len(dishes(demo))
    assert {mealtime for dish in dishes(demo) for mealtime in dish["mealtimes"]} == set(demo["mealtimes"])


def test_prices_are_whole_fen_and_offers_are_lower_than_the_list(demo: dict[str, Any]) -> None:
    for dish in dishes(demo):
        offers = [
            *(dish["member_price_fen"] or {}).values(),
            *([dish["special"]["price_fen"]] if dish["special"] else []),
        ]
        assert all(type(fen) is int and 0 < fen < dish["price_fen"] for fen in offers)
        cheapest = min([dish["price_fen"], *offers])
        for group in dish["option_groups"]:
            assert cheapest + min(option["price_delta_fen"] for option in group["options"]) > 0


def test_stored_value_keeps_within_the_legal_limits(demo: dict[str, Any]) -> None:
    assert all(tier["amount_fen"] + tier["bonus_fen"] <= 500_000 for tier in demo["top_up_tiers"])
    assert all(fen <= 100_000 for design in demo["gift_card_designs"] for fen in design["face_values_fen"])


def test_the_seafood_menu_is_rich() -> None:
    seafood = json.loads((ROOT / "scripts" / "demo" / "seafood.json").read_text("utf-8"))
    assert len(dishes(seafood)) >= 60
    assert len(seafood["stores"]) == 3
    assert len({store["city"] for store in seafood["stores"]}) == 2
