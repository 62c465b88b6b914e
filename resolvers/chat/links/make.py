"""Making mini-program codes and URL links: by staff for tables, stores and coupons, by a giver for a gift."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from resolvers.app import App
from resolvers.chat.links.model import CodeUnavailable, MiniCode, Scene, SceneKind, read_scene, scene_text
from resolvers.errors import BadInput, NotFound, PlatformUnavailable
from resolvers.gifts.model import OPEN, Gift, NotGivable
from resolvers.gifts.tokens import share_token
from resolvers.people.model import Role, SignedIn, Staff
from resolvers.ports import ChatPlatform, LinkRefused, NotOffered, OutsideFault, Platform
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.unit import Work

WIDTHS = range(280, 1281)  # pixels, what the platform draws
LINK_DAYS = 30  # the most that a URL link lasts
LINK_AGAIN = timedelta(days=7)  # before its end another one is made
PAGES = {
    SceneKind.TABLE: "pages/table/index",
    SceneKind.STORE: "pages/store/index",
    SceneKind.COUPON: "pages/coupon/claim",
    SceneKind.GIFT: "pages/gift/open",
}


@dataclass(frozen=True, slots=True)
class Way:
    """A way in: its scene, the code with it, and a link that opens the same page; None where the platform has none."""

    scene: str
    code: MiniCode | None
    url: str | None
    url_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Target:
    """What a scene leads to."""

    kind: SceneKind
    store_id: str | None = None
    table_code: str | None = None
    template_id: str | None = None
    gift_token: str | None = None


async def make_code(app: App, staff: Staff, platform: Platform, scene: Scene, width: int) -> Way:
    """A code to print, of something of the brand's own. Managers only.

    Raises NotAllowed, NotFound, SceneTooLong, CodeUnavailable, PlatformUnavailable, BadInput.
    """
    store_id, brand_id = await _where(app, scene)
    if brand_id != staff.brand_id:
        raise NotFound(field=("input", "id"))
    staff.require(Role.MANAGER, store_id)
    app_id = next((app_id for each, app_id in app.platforms if each is platform), None)
    way = await _way(app, platform, app_id or "", scene, width)
    if way.code is None:
        raise CodeUnavailable

    async def steps(work: Work) -> dict[str, str]:
        work.record_staff_action("makeCode", scene.subject, memo=scene.kind.value)
        return {}

    await app.work.run(Call("makeCode", Actor(ActorKind.STAFF, staff.id)), steps)
    return way


async def share_gift(app: App, person: SignedIn, gift_id: str, width: int) -> Way:
    """A code and a link by which friends find a gift of one's own, as by its token.

    Raises NotFound, NotGivable (a private gift goes by its message), PlatformUnavailable, BadInput.
    """
    gift = await app.gifts.gift(gift_id)
    if gift is None or not person.owns(gift.giver_id):
        raise NotFound("没有这份礼物", field=("input", "giftId"))
    if gift.activity_id is not None:
        raise NotGivable("私密消息的礼物只能通过消息领取", field=("input", "giftId"))
    if gift.status_at(app.clock.now()) not in OPEN:
        raise NotGivable("礼物已结束", field=("input", "giftId"))
    return await _way(app, person.platform, person.app_id, Scene(SceneKind.GIFT, gift.id), width)


async def follow_scene(app: App, text: str) -> Target | None:
    """What a scanned code leads to; None for what is none of ours. A table's bare code is taken, too."""
    scene = read_scene(app.vault.key("scene"), text)
    if scene is None or scene.kind is SceneKind.TABLE:
        code = scene.subject if scene is not None else text
        store = await app.brands.store_with_table(code)
        return Target(SceneKind.TABLE, store.id, code) if store is not None else None
    if scene.kind is SceneKind.GIFT:
        gift: Gift | None = await app.gifts.gift(scene.subject)
        if gift is None or gift.activity_id is not None:
            return None
        return Target(scene.kind, gift_token=share_token(app.vault, gift.id))
    if scene.kind is SceneKind.STORE:
        return Target(scene.kind, store_id=scene.subject)
    return Target(scene.kind, template_id=scene.subject)


async def _where(app: App, scene: Scene) -> tuple[str | None, str | None]:
    """(store, brand) of what a code is to lead to; None for what is not there."""
    match scene.kind:
        case SceneKind.TABLE:
            store = await app.brands.store_with_table(scene.subject)
        case SceneKind.STORE:
            store = await app.brands.store(scene.subject)
        case SceneKind.COUPON:
            template = await app.coupons.template(scene.subject)
            return None, template.brand_id if template else None
        case SceneKind.GIFT:
            return None, None
    return (store.id, store.brand_id) if store is not None else (None, None)


async def _way(app: App, platform: Platform, app_id: str, scene: Scene, width: int) -> Way:
    if width not in WIDTHS:
        raise BadInput(f"width must be {WIDTHS.start} to {WIDTHS.stop - 1} pixels.")
    text, page = scene_text(app.vault.key("scene"), scene), PAGES[scene.kind]
    code_id = f"{platform.value}:{app_id}:{text}:{page}:{width}"
    chat = app.platforms.get((platform, app_id))
    if chat is None:
        raise CodeUnavailable
    try:
        code = await app.links.code(code_id)
        if code is None:
            image, content_type = await chat.mini_code(text, page, width)
            code = MiniCode(code_id, image, content_type)
            await app.links.keep(code, app.clock.now())
        url, expires_at = await _link(app, chat, code_id, page, text)
    except NotOffered:
        return Way(text, None, None, None)
    except LinkRefused as error:
        raise CodeUnavailable("平台拒绝生成小程序码") from error
    except OutsideFault as error:
        raise PlatformUnavailable from error
    return Way(text, code, url, expires_at)


async def _link(app: App, chat: ChatPlatform, code_id: str, page: str, scene: str) -> tuple[str, datetime]:
    """A link with its end: the last one made, as long as it is good for some days. Raises LinkRefused, OutsideFault."""
    now = app.clock.now()
    known = await app.links.link(code_id, now + LINK_AGAIN)
    if known is not None:
        return known
    url = await chat.url_link(page, f"scene={quote(scene, safe='')}", LINK_DAYS)
    expires_at = now + timedelta(days=LINK_DAYS)
    await app.links.keep_link(code_id, url, expires_at)
    return url, expires_at
