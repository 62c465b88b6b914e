"""What payment providers tell us: verified, applied exactly once, answered in their own words."""

import logging
from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.http import Refusal, read_body
from gateway.qq_wallet import FormInvalid
from gateway.wechat_pay_crypto import SignatureInvalid
from gateway.wiring import Wired
from resolvers.errors import TryAgain
from resolvers.payments.refunds import apply_refund
from resolvers.payments.settle import NoticeRefused, settle
from resolvers.ports_payment import ProviderPayment, ProviderRefund

log = logging.getLogger("kabao.webhooks")

MAXIMUM_NOTICE = 64 * 1024  # bytes; a real one has two kilobytes
_XML_OK = b"<xml><return_code>SUCCESS</return_code></xml>"
_XML_FAIL = b"<xml><return_code>FAIL</return_code></xml>"


class Webhooks:
    """The providers' notification URLs. Whatever fails is answered with 4xx or 5xx, and they will say it again."""

    def __init__(self, wired: Wired) -> None:
        self._wired = wired

    async def wechat_pay(self, request: Request) -> Response:
        """WeChat Pay: payments and refunds."""

        async def apply() -> None:
            body = await read_body(request, MAXIMUM_NOTICE)
            notice = self._wired.wechat_pay.read_notice(request.headers, body)
            if isinstance(notice, ProviderRefund):
                await apply_refund(self._wired.app, notice)
            elif isinstance(notice, ProviderPayment):
                await settle(self._wired.app, notice)

        status = await _status(apply, "wechat")
        if status == 200:
            return Response(status_code=204)
        return Response(orjson.dumps({"code": "FAIL", "message": "失败"}), status, media_type="application/json")

    async def qq_wallet(self, request: Request) -> Response:
        """QQ Wallet: payments."""

        async def apply() -> None:
            body = await read_body(request, MAXIMUM_NOTICE)
            await settle(self._wired.app, self._wired.qq_wallet.read_notice(body))

        status = await _status(apply, "qq")
        return Response(_XML_OK if status == 200 else _XML_FAIL, status, media_type="text/xml")


async def _status(apply: Callable[[], Awaitable[None]], provider: str) -> int:
    try:
        await apply()
    except Refusal as refusal:
        return refusal.status
    except (SignatureInvalid, FormInvalid) as error:
        log.warning("notice not authentic", extra={"provider": provider, "reason": str(error)})
        return 401
    except NoticeRefused as error:
        log.error("notice does not fit our books", extra={"provider": provider, "reason": str(error)})
        return 400
    except TryAgain as error:
        log.warning("notice to be sent again", extra={"provider": provider, "reason": error.text})
        return 503
    except Exception as error:
        log.error("notice failed", extra={"provider": provider}, exc_info=error)
        return 500
    return 200
