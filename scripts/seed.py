"""Puts the demo brands into the database; safe to repeat, because every id is derived from the demo's own keys."""

import asyncio
import json
from pathlib import Path
from typing import Any

from gateway.settings import load_settings
from gateway.wiring import wire
from resolvers.app import App
from resolvers.brands.directory import refresh_places
from resolvers.cards.offers import GiftCardDesign, TopUpTier
from resolvers.chat.menus.model import check_menu
from resolvers.chat.messages.model import MessageEvent, MessageTemplate, template_key
from resolvers.chat.replies.model import check_rule
from resolvers.coupons.publish import publish
from resolvers.documents import from_document
from resolvers.people.model import Role, Staff
from scripts.demo_brands import Demo, made_id, read_demos

PASSWORD = "kabao-demo-2026"  # of every demo member of staff; the demo runs on this machine only


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
