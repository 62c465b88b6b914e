"""The public directory: brands by city, distance and text, for visitors too, at a constant number of commands."""

import uuid
from dataclasses import dataclass, replace
from typing import Any

import pytest

from resolvers.brands.directory import refresh_places
from resolvers.brands.model import Brand, parse_hours
from resolvers.brands.model import Store as Shop
from resolvers.brands.terms import city_key, terms_of, terms_to_find
from resolvers.coupons.model import CouponKind, Template
from resolvers.coupons.publish import publish
from scripts.client import Api, GraphQLFailed, Json
from tests.support.watching import scan_of, watching
from tests.support.world import World

DIRECTORY = """query($search: String, $city: String, $near: GeoPointInput, $first: Int! = 20, $after: String) {
  brands(search: $search, city: $city, near: $near, first: $first, after: $after) {
    nodes { id name membership { id } stores(near: $near, first: 1) { nodes { name city distanceMetres } }
      claimableCoupons(first: 2) { nodes { title claimedByMe remaining notClaimable } } topUpTiers { title }
      giftCardDesigns { title } }
    pageInfo { hasNextPage endCursor } } }"""


@dataclass
class Town:
    """A city that no other test knows."""

    world: World
    name: str

    async def brand(
        self, name: str, *stores: tuple[str, float, float], city: str | None = None, last: bool = False
    ) -> str:
        """A brand with stores of (name, longitude, latitude): its id; `last` of all where nothing else decides."""
        app, brand_id = self.world.app, f"brd_{'z' * last}{uuid.uuid4().hex[:25]}"
        await app.brands.put_brand(Brand(brand_id, name, None))
        for title, longitude, latitude in stores:
            await app.brands.put_store(
                Shop(
                    f"sto_{uuid.uuid4().hex[:26]}", brand_id, title, city or self.name, "人民路 1 号",
                    longitude, latitude, None, (parse_hours("00:00", "24:00"),),
                )
            )  # fmt: skip
        await refresh_places(app, brand_id)
        return brand_id

    async def coupon(self, brand_id: str, title: str, *, claimable: bool = True) -> Template:
        """A coupon of the brand's that can be claimed."""
        template = Template(
            f"tpl_{uuid.uuid4().hex}", brand_id, CouponKind.CASH, title, "", 30, 1, claimable, True, amount_off_fen=100
        )
        await publish(self.world.app, template)
        return template


@pytest.fixture
def town(world: World) -> Town:
    """A city of this test's own."""
    return Town(world, f"城{uuid.uuid4().hex[:10]}市")


async def names(person: Api, **wanted: Any) -> list[str]:
    """The brands found, in order."""
    return [brand["name"] for brand in (await person.ask(DIRECTORY, **wanted))["brands"]["nodes"]]


async def test_by_city_with_and_without_its_last_character(town: Town) -> None:
    await town.brand("潮汐小馆", ("一店", 113.9, 22.5))
    await town.brand("远方小馆", ("一店", 113.9, 22.5), city=f"{town.name}外")
    visitor = town.world.visitor()
    assert await names(visitor, city=town.name) == ["潮汐小馆"]
    assert await names(visitor, city=town.name.removesuffix("市")) == ["潮汐小馆"]
    assert await names(visitor, city=f" {town.name.upper()} ") == ["潮汐小馆"]
    assert await names(visitor, city="没有这个城市") == []


async def test_the_cities_there_are_and_a_brands_stores_of_one(town: Town) -> None:
    brand_id = await town.brand("两城小馆", ("本店", 113.9, 22.5))
    far = town.name.removesuffix("市") + "外"
    stores = await town.world.app.brands.stores_of(brand_id)
    await town.world.app.brands.put_store(replace(stores[0], id=f"{stores[0].id[:-1]}_", name="外店", city=far))
    await refresh_places(town.world.app, brand_id)
    visitor = town.world.visitor()
    cities = (await visitor.ask("{ cities }"))["cities"]
    assert {town.name.removesuffix("市"), far} <= {*cities}
    assert len(cities) == len({*cities})
    query = "query($id: ID!, $c: String) { brand(id: $id) { stores(city: $c) { nodes { name } } } }"
    for city, found in ((None, ["外店", "本店"]), (town.name, ["本店"]), (far, ["外店"])):
        shown = (await visitor.ask(query, id=brand_id, c=city))["brand"]["stores"]["nodes"]
        assert sorted(each["name"] for each in shown) == found


async def test_by_text_in_brand_store_address_and_coupon_each_word_of_it(town: Town) -> None:
    seafood = await town.brand("听海渔村Seafood", ("蛇口海上世界店", 113.9, 22.5), last=True)
    await town.brand("山里人家", ("听海大厦店", 113.9, 22.5))
    await town.coupon(seafood, "双人蟹宴立减券")
    await town.coupon(seafood, "员工内部券", claimable=False)
    visitor, city = town.world.visitor(), town.name
    for search, found in (
        ("海渔", ["听海渔村Seafood"]),
        ("渔海", []),  # the neighbours, not the characters
        ("seaFOOD", ["听海渔村Seafood"]),
        ("ｓｅａ", ["听海渔村Seafood"]),  # full width
        ("蟹宴", ["听海渔村Seafood"]),
        ("内部券", []),  # which nobody can claim
        ("蛇口 蟹", ["听海渔村Seafood"]),
        ("蛇口 牛排", []),
        ("人民路", None),
        ("海", None),
        ("  ", None),
        ("!!", []),
    ):
        shown = await names(visitor, city=city, search=search)
        assert sorted(shown) == (sorted(["听海渔村Seafood", "山里人家"]) if found is None else found), search
    # Both have 听海, but one of them in its own name.
    assert await names(visitor, city=city, search="听海") == ["听海渔村Seafood", "山里人家"]


async def test_nearest_first_by_the_nearest_of_a_brands_stores(town: Town) -> None:
    """A degree of latitude is 111 km: stores 0.01 apart are about 1 112 m apart."""
    await town.brand("远", ("一店", 113.9, 22.55))
    await town.brand("两家", ("远店", 113.9, 22.9), ("近店", 113.9, 22.51))
    await town.brand("中", ("一店", 113.9, 22.52))
    visitor, here = town.world.visitor(), {"longitude": 113.9, "latitude": 22.5}
    found = (await visitor.ask(DIRECTORY, city=town.name, near=here))["brands"]["nodes"]
    shown = [(each["name"], each["stores"]["nodes"][0]["name"]) for each in found]
    assert shown == [("两家", "近店"), ("中", "一店"), ("远", "一店")]
    metres = [each["stores"]["nodes"][0]["distanceMetres"] for each in found]
    assert metres == [pytest.approx(1_112, abs=2), pytest.approx(2_224, abs=3), pytest.approx(5_560, abs=6)]


@pytest.mark.parametrize("near", [None, {"longitude": 113.9, "latitude": 22.5}])
async def test_pages_show_every_brand_once(town: Town, near: Json | None) -> None:
    made = {await town.brand(f"店{number}", ("一店", 113.9, 22.5 + number // 3 / 1000)) for number in range(10)}
    visitor, after, seen = town.world.visitor(), None, []
    while True:
        page = (await visitor.ask(DIRECTORY, city=town.name, near=near, first=3, after=after))["brands"]
        seen += [each["id"] for each in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        assert len(page["nodes"]) == 3
        after = page["pageInfo"]["endCursor"]
    assert (len(seen), set(seen)) == (10, made)


async def test_what_was_changed_is_found_by_what_it_is_now(town: Town) -> None:
    brand_id = await town.brand("旧名字", ("一店", 113.9, 22.5), ("二店", 113.9, 22.5))
    template = await town.coupon(brand_id, "开业券")
    app, visitor = town.world.app, town.world.visitor()
    await app.brands.put_brand(Brand(brand_id, "新名字", None))
    first = (await app.brands.stores_of(brand_id))[0]
    await app.connection.collection("stores").delete_one({"_id": first.id})
    await publish(app, replace(template, claimable=False))
    assert await names(visitor, city=town.name, search="旧名") == []
    assert await names(visitor, city=town.name, search="新名") == ["新名字"]
    assert await names(visitor, city=town.name, search="开业") == []
    rows = app.connection.collection("places")
    assert await rows.count_documents({"brand_id": brand_id}) == 1


async def test_a_visitor_sees_what_is_public_and_a_member_what_is_theirs(town: Town) -> None:
    brand_id = await town.brand("会员之家", ("一店", 113.9, 22.5))
    template = await town.coupon(brand_id, "见面礼")
    visitor, person = town.world.visitor(), await town.world.person("QQ")
    await person.do("claimCoupon", "coupon { id }", templateId=template.id, idempotencyKey="k")
    [seen] = (await visitor.ask(DIRECTORY, city=town.name))["brands"]["nodes"]
    assert seen["membership"] is None
    assert [(each["title"], each["claimedByMe"]) for each in seen["claimableCoupons"]["nodes"]] == [("见面礼", 0)]
    [mine] = (await person.ask(DIRECTORY, city=town.name))["brands"]["nodes"]
    assert mine["membership"]
    assert [each["claimedByMe"] for each in mine["claimableCoupons"]["nodes"]] == [1]


@pytest.mark.parametrize(
    "wanted",
    [
        {"search": "x" * 51},
        {"city": "x" * 31},
        {"near": {"longitude": 181, "latitude": 0}},
        {"near": {"longitude": 0, "latitude": -90.1}},
        {"first": 0},
        {"first": 101},
        {"after": "nonsense"},
    ],
)
async def test_what_cannot_be_looked_for_is_refused(world: World, wanted: Json) -> None:
    with pytest.raises(GraphQLFailed) as failed:
        await world.visitor().ask(DIRECTORY, **wanted)
    assert failed.value.code == "BAD_USER_INPUT"


async def test_a_page_costs_the_same_for_two_brands_and_for_twenty(
    mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with watching(mongodb_uri, tmp_path_factory.mktemp("directory")) as (world, commands):
        town = Town(world, "常数市")
        for number in range(20):
            await town.coupon(await town.brand(f"店{number}", ("一店", 113.9, 22.5)), "券")
        person, counts = await world.person(), {}
        for near in (None, {"longitude": 113.9, "latitude": 22.5}):
            for first in (2, 20):
                commands.seen.clear()
                found = await person.ask(DIRECTORY, city="常数", first=first, near=near, search="店")
                assert len(found["brands"]["nodes"]) == first
                sent = [*commands.seen]
                counts[first] = len(sent)
                assert [command for name, command in sent if await scan_of(world, name, command)] == []
            assert counts[2] == counts[20]


def test_terms() -> None:
    assert terms_of("海鲜 A1") == ["海", "鲜", "海鲜", "a", "1", "a1"]
    assert terms_to_find("海鲜馆 a") == ["a", "海鲜", "鲜馆"]
    assert terms_to_find("，。!") == []
    assert (city_key("深圳市"), city_key(" 深 圳 "), city_key("市")) == ("深圳", "深圳", "市")
