"""Puts the demo brands into the database; safe to repeat, because every id is derived from the demo's own keys."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

from gateway.settings import load_settings
from gateway.wiring import wire
from resolvers.app import App
from resolvers.brands.directory import refresh_places
from resolvers.brands.model import Brand, BrandSettings, Hours, Store, Table, parse_hours
from resolvers.cards.offers import GiftCardDesign, TopUpTier
from resolvers.chat.menus.model import ButtonMenu, check_menu
from resolvers.chat.messages.model import MessageEvent, MessageTemplate, template_key
from resolvers.chat.replies.model import Content, Match, ReplyRule, check_rule
from resolvers.coupons.model import CouponKind, Template, Window
from resolvers.coupons.publish import publish
from resolvers.documents import from_document
from resolvers.ordering.menu import Dish, Menu, Option, OptionGroup, Section, SpecialPrice, version_of
from resolvers.people.model import Role, Staff
from resolvers.ports_chat import Button

DEMO = Path(__file__).parent / "demo"
BRANDS = ("seafood", "teahouse")
PASSWORD = "kabao-demo-2026"  # of every demo member of staff; the demo runs on this machine only


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


def message_templates(app: App, brand_id: str) -> list[MessageTemplate]:
    """A brand's templates of one-time messages, for each app that there is."""
    content: dict[str, list[dict[str, Any]]] = json.loads(
        (Path(__file__).parent / "message_templates.json").read_text("utf-8")
    )
    return [
        from_document(
            MessageTemplate,
            {
                "_id": template_key(brand_id, platform, app_id, MessageEvent(each["event"])),
                "brand_id": brand_id,
                "platform": platform.value,
                "app_id": app_id,
                **each,
            },
        )
        for platform, app_id in app.platforms
        for each in content[platform.value]
    ]


async def put(app: App, demo: Demo) -> None:
    """Write one demo brand; what was sold or claimed of it meanwhile stays, and so does a menu that was imported."""
    await app.brands.put_brand(demo.brand())
    stores = demo.stores()
    for store in stores:
        await app.brands.put_store(store)
        menu = await app.menus.menu(store.id)
        if menu is None or not menu.imported:
            await app.menus.put(demo.menu(store.id))
    for tier in demo.content["top_up_tiers"]:
        await app.cards.put_tier(
            TopUpTier(
                id=made_id("tir", demo.key, tier["key"]),
                brand_id=demo.brand_id,
                title=tier["title"],
                amount_fen=tier["amount_fen"],
                bonus_fen=tier["bonus_fen"],
                bonus_days=tier["bonus_days"],
                bonus_points=tier.get("bonus_points", 0),
                template_ids=tuple(demo.template_id(key) for key in tier.get("coupons", ())),
                first_only=tier.get("first_only", False),
                per_customer=tier.get("per_customer"),
            )
        )
    for design in demo.content["gift_card_designs"]:
        await app.cards.put_design(
            GiftCardDesign(
                made_id("dsg", demo.key, design["key"]),
                demo.brand_id,
                design["title"],
                tuple(design["face_values_fen"]),
                design.get("image_url"),
            )
        )
    for each in demo.content["coupon_templates"]:
        await publish(app, demo.template(each))
    await refresh_places(app, demo.brand_id)
    for template in message_templates(app, demo.brand_id):
        await app.messages.put_template(template)
    await put_staff(app, demo, [store.id for store in stores])
    await put_chat(app, demo)


async def put_chat(app: App, demo: Demo) -> None:
    """Write the demo's reply rules and its menu's draft, unless it has any: staff may have changed them."""
    if not await app.reply_rules.rules_of(demo.brand_id):
        for rule in demo.rules():
            check_rule(rule.match, rule.words, rule.windows, rule.content)
            await app.reply_rules.put(None, rule)
    menu = demo.button_menu()
    if menu is not None and await app.button_menus.menu(demo.brand_id) is None:
        check_menu(menu.draft)
        await app.button_menus.put(None, menu)


async def put_staff(app: App, demo: Demo, store_ids: list[str]) -> None:
    """Write the demo's staff, unless they are there."""
    by_key = dict(zip((each["key"] for each in demo.content["stores"]), store_ids, strict=True))
    for each in demo.content["staff"]:
        if await app.staff.named(each["username"]) is not None:
            continue
        works_at = store_ids if each["stores"] == "all" else [by_key[key] for key in each["stores"]]
        await app.staff.insert(
            Staff(
                id=made_id("stf", each["username"]),
                username=each["username"],
                name=each["name"],
                brand_id=demo.brand_id,
                role=Role(each["role"]),
                store_ids=tuple(works_at),
                password_hash=await app.vault.hash_password(PASSWORD),
            )
        )


def read_demos() -> list[Demo]:
    """The demo brands; the first is the one that visitors are shown."""
    return [Demo(json.loads((DEMO / f"{name}.json").read_text(encoding="utf-8"))) for name in BRANDS]


async def seed(app: App) -> dict[str, Any]:
    """Write everything; answers what a visitor needs to know of it."""
    await app.ensure_indexes()
    demos = read_demos()
    account = next((channel.app_id for channel in app.channels.values() if channel.official), None)
    demos[0].official_app_id = account
    for demo in demos:
        await put(app, demo)
    shown = demos[0]
    owner = next(each for each in shown.content["staff"] if each["role"] == Role.OWNER)
    return {
        "brand_id": shown.brand_id,
        "store_id": shown.stores()[0].id,
        "template_ids": {each["key"]: shown.template_id(each["key"]) for each in shown.content["coupon_templates"]},
        "staff": {"username": owner["username"], "password": PASSWORD},
    }


async def main() -> None:
    """Seed the database that the environment names."""
    wired = wire(load_settings())
    try:
        print(json.dumps(await seed(wired.app), ensure_ascii=False))
    finally:
        await wired.close()


if __name__ == "__main__":
    asyncio.run(main())
