"""The demo brands, read from their files; every id is derived from the demo's own keys, the same at every run."""

import hashlib
import json
from pathlib import Path
from typing import Any

from resolvers.brands.model import Brand, BrandSettings, Hours, Store, Table, parse_hours
from resolvers.chat.menus.model import ButtonMenu
from resolvers.chat.replies.model import Content, Match, ReplyRule
from resolvers.coupons.model import CouponKind, Template, Window
from resolvers.documents import from_document
from resolvers.ordering.menu import Dish, Menu, Option, OptionGroup, Section, SpecialPrice, version_of
from resolvers.ports_chat import Button

DEMO = Path(__file__).parent / "demo"
BRANDS = ("seafood", "teahouse")


def made_id(prefix: str, *keys: str) -> str:
    """An id that is the same at every run."""
    return f"{prefix}_demo{hashlib.sha256('/'.join(keys).encode()).hexdigest()[:22]}"


def _ranges(pairs: list[list[str]]) -> tuple[Hours, ...]:
    return tuple(parse_hours(start, until) for start, until in pairs)


class Demo:
    """One demo brand, read from its file."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.key: str = content["brand"]["key"]
        self.brand_id = made_id("brd", self.key)
        self.official_app_id: str | None = None

    def brand(self) -> Brand:
        """The brand."""
        about = self.content["brand"]
        official = {"official_app_id": self.official_app_id}
        settings = from_document(BrandSettings, {**about.get("settings", {}), **official})
        return Brand(self.brand_id, about["name"], about.get("logo_url"), settings)

    def rules(self) -> list[ReplyRule]:
        """Its reply rules, in order."""
        return [
            ReplyRule(
                id=made_id("rul", self.key, each["key"]),
                brand_id=self.brand_id,
                position=position,
                match=Match(each["match"]),
                words=tuple(each.get("words", ())),
                windows=(),
                content=from_document(Content, each["content"]),
            )
            for position, each in enumerate(self.content.get("reply_rules", ()), 1)
        ]

    def button_menu(self) -> ButtonMenu | None:
        """The draft of its official account's menu."""
        buttons = tuple(from_document(Button, each) for each in self.content.get("button_menu", ()))
        return ButtonMenu(self.brand_id, buttons) if buttons else None

    def stores(self) -> list[Store]:
        """Its stores, in order."""
        return [
            Store(
                id=made_id("sto", self.key, each["key"]),
                brand_id=self.brand_id,
                name=each["name"],
                city=each["city"],
                address=each["address"],
                longitude=each["longitude"],
                latitude=each["latitude"],
                phone=each["phone"],
                hours=_ranges(each["hours"]),
                tables=tuple(
                    Table(f"{each['table_prefix']}T{number:02d}", f"{number} 号桌")
                    for number in range(1, each["table_count"] + 1)
                ),
            )
            for each in self.content["stores"]
        ]

    def dish_id(self, store_id: str, dish_key: str) -> str:
        """A dish belongs to one store."""
        return made_id("dsh", store_id, dish_key)

    def menu(self, store_id: str) -> Menu:
        """The menu of a store."""
        sections = tuple(
            Section(
                made_id("sec", store_id, section["key"]),
                section["name"],
                tuple(self._dish(store_id, dish) for dish in section["dishes"]),
            )
            for section in self.content["sections"]
        )
        return Menu(store_id, self.brand_id, version_of(sections), sections)

    def _dish(self, store_id: str, dish: dict[str, Any]) -> Dish:
        special = dish.get("special")
        mealtimes = self.content["mealtimes"]
        return Dish(
            id=self.dish_id(store_id, dish["key"]),
            name=dish["name"],
            price_fen=dish["price_fen"],
            description=dish.get("description"),
            image_url=dish.get("image_url"),
            tags=tuple(dish.get("tags", [])),
            mealtimes=tuple(hours for key in dish["mealtimes"] for hours in _ranges(mealtimes[key]["ranges"])),
            member_prices_fen=dish.get("member_price_fen") or {},
            special=SpecialPrice(special["price_fen"], tuple(special["weekdays"]), _ranges(special["ranges"]))
            if special
            else None,
            daily_stock=dish.get("daily_stock"),
            option_groups=tuple(self._group(store_id, dish["key"], group) for group in dish["option_groups"]),
            key=dish["key"],
        )

    def _group(self, store_id: str, dish_key: str, group: dict[str, Any]) -> OptionGroup:
        options = tuple(
            Option(
                made_id("opt", store_id, dish_key, group["key"], option["key"]),
                option["name"],
                option["price_delta_fen"],
            )
            for option in group["options"]
        )
        group_id = made_id("grp", store_id, dish_key, group["key"])
        return OptionGroup(group_id, group["name"], group["minimum"], group["maximum"], options)

    def template(self, each: dict[str, Any]) -> Template:
        """A coupon template; dishes it names are meant at every store of the brand."""
        stores = [store.id for store in self.stores()]

        def everywhere(dish_key: str) -> tuple[str, ...]:
            return tuple(self.dish_id(store_id, dish_key) for store_id in stores)

        return Template(
            id=self.template_id(each["key"]),
            brand_id=self.brand_id,
            kind=CouponKind(each["kind"]),
            title=each["title"],
            terms=each["terms"],
            valid_days=each["valid_days"],
            per_customer=each["per_customer"],
            claimable=each["claimable"],
            giveable=each["giveable"],
            total=each.get("total"),
            levels=tuple(each.get("levels", [])),
            amount_off_fen=each.get("amount_off_fen", 0),
            minimum_fen=each.get("minimum_fen") or 0,
            percent_off=each.get("percent_off", 0),
            cap_fen=each.get("cap_fen"),
            free_dish_ids=tuple(dish_id for key in each.get("free_dishes", []) for dish_id in everywhere(key)),
            buy_dish_ids=everywhere(each["buy_dish"]) if "buy_dish" in each else (),
            buy_quantity=each.get("buy_quantity", 1),
            get_dish_ids=everywhere(each["get_dish"]) if "get_dish" in each else (),
            get_quantity=each.get("get_quantity", 1),
            uses=each.get("uses", 1),
            per_day=each.get("per_day"),
            per_customer_day=each.get("per_customer_day"),
            windows=tuple(Window(tuple(one["weekdays"]), _ranges(one["ranges"])) for one in each.get("windows", [])),
            blackout=tuple(each.get("blackout", [])),
            stack_group=each.get("stack_group"),
            points_price=each.get("points_price"),
            price_fen=each.get("price_fen"),
            pass_uses=each.get("pass_uses"),
        )

    def template_id(self, key: str) -> str:
        """A template's id."""
        return made_id("tpl", self.key, key)


def read_demos() -> list[Demo]:
    """The demo brands; the first is the one that visitors are shown."""
    return [Demo(json.loads((DEMO / f"{name}.json").read_text(encoding="utf-8"))) for name in BRANDS]
