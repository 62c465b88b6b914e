"""The shortest way through everything."""

from tests.support.world import World


async def test_a_visitor_reads_the_brand_and_its_menu(world: World) -> None:
    data = await world.visitor().ask(
        """query($id: ID!) { me { id } store(id: $id) { name open brand { name } menu { version
        sections { name items { dish { id name } price { display } available soldOut } } } } }""",
        id=world.store_id,
    )
    assert data["me"] is None
    assert data["store"]["open"] is True
    assert sum(len(section["items"]) for section in data["store"]["menu"]["sections"]) >= 60


async def test_a_person_joins_and_claims_a_coupon(world: World) -> None:
    person = await world.person()
    joined = await person.do("joinBrand", "membership { number level brand { name } }", brandId=world.brand_id)
    assert joined["membership"]["number"].isdigit()
    claimed = await person.do(
        "claimCoupon",
        "coupon { id status headline }",
        templateId=world.seeded["template_ids"]["welcome"],
        idempotencyKey="k1",
    )
    assert claimed["coupon"]["headline"] == "¥30"
