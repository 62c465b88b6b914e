"""The phone number that the chat platform confirms: what its phone-number button is exchanged for."""

from resolvers.app import App
from resolvers.errors import PlatformUnavailable
from resolvers.people.model import CodeAlreadyUsed, CodeInvalid, SignedIn
from resolvers.ports import CodeRefused, CodeUsed, OutsideFault


async def confirmed_number(app: App, person: SignedIn, code: str, field: tuple[str, ...]) -> str:
    """The number behind a code of the phone-number button, when the code is this very person's.

    Raises CodeInvalid, CodeAlreadyUsed, PlatformUnavailable.
    """
    customer = await app.people.customer(person.customer_id)
    identity = customer.identity_for(person.platform, person.app_id) if customer else None
    chat = app.platforms.get((person.platform, person.app_id))
    if identity is None or chat is None:
        raise PlatformUnavailable
    try:
        return await chat.phone_number(code, identity.openid)
    except CodeUsed as error:
        raise CodeAlreadyUsed("请重新获取手机号", field=field) from error
    except CodeRefused as error:
        raise CodeInvalid("手机号验证已失效，请重新获取", field=field) from error
    except OutsideFault as error:
        raise PlatformUnavailable from error
