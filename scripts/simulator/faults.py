"""What goes wrong on demand: rules that make the next calls or notifications fail in a stated way.

A rule has `match`, `mode` and `times`; it is used up after `times` hits, and of several fitting rules the oldest is
used.

`match` is one of
- `notify:wechat`, `notify:qq`, `notify`: outgoing notifications of that provider, or of both;
- any other text: calls whose path holds it (as seen here, so `/wechatpay/v3/pay` or `qpay_refund` or `getToken`), and
  calls and notifications whose out_trade_no holds it. Control calls are never hit.

Modes for calls
- `error`: the platform's own answer for an inner error (errcode -1; HTTP 500 SYSTEM_ERROR; result_code FAIL
  SYSTEMERROR); the call is not carried out.
- `errcode:N`: that errcode of api.weixin.qq.com or api.q.qq.com; not carried out.
- `html`: an HTML page with status 502, as a proxy in front of the platform gives; not carried out.
- `drop`: the connection is closed without an answer; not carried out. (aiohttp silently repeats a GET on a kept-alive
  connection that was closed, so there it takes two hits to be seen.)
- `timeout`: the call is carried out, but nothing is answered for 60 s. (Hence `drop` and `timeout` are the two cases
  between which a client cannot tell.)
- `late`: the call is carried out at once and answered after 3 s.
- `duplicate`: the call is carried out twice, as when something on the way repeats it; the second answer is given.
- `bad_signature`: carried out, and the answer's signature is wrong. Changes nothing where answers have no signature.

Modes for notifications. A wrong one (the last four modes) never counts as delivered, whatever is answered to it: the
schedule goes on, so the right one follows with the next attempt.
- `drop`: this attempt is not sent.
- `late`: this attempt is sent after 3 s more. (Nothing is wrong with it: it counts.)
- `duplicate`: this attempt is sent 20 times at once. (It counts if any is accepted.)
- `probe`: one with a signature of `WECHATPAY/SIGNTEST/…` first, and at once after it the right one, which counts.
  WeChat only.
- `bad_signature`: the signature is wrong.
- `stale`: correctly signed, with a timestamp 10 minutes old. WeChat only.
- `wrong_amount`: correctly signed, with one fen more.
- `unknown`: correctly signed, for a payment that nobody made.
"""

from dataclasses import asdict, dataclass
from typing import Any

CALL_MODES = frozenset({"error", "html", "drop", "timeout", "late", "duplicate", "bad_signature"})
WECHAT_NOTIFICATION_MODES = frozenset(
    {"drop", "late", "duplicate", "bad_signature", "probe", "stale", "wrong_amount", "unknown"}
)
QQ_NOTIFICATION_MODES = WECHAT_NOTIFICATION_MODES - {"probe", "stale"}
NOTIFICATION_MODES = {"wechat": WECHAT_NOTIFICATION_MODES, "qq": QQ_NOTIFICATION_MODES}
ALL_MODES = CALL_MODES | WECHAT_NOTIFICATION_MODES
NAMED_MATCHES = {
    "notify": WECHAT_NOTIFICATION_MODES,
    "notify:wechat": WECHAT_NOTIFICATION_MODES,
    "notify:qq": QQ_NOTIFICATION_MODES,
}

ERRCODE = "errcode:"
TIMEOUT_SECONDS = 60.0
LATE_SECONDS = 3.0
DUPLICATES = 20
MAX_RULES = 100
MAX_TIMES = 1000


def is_errcode(mode: str) -> bool:
    """Whether a mode names an errcode to be answered, `errcode:45015`."""
    number = mode.removeprefix(ERRCODE).removeprefix("-")
    return mode.startswith(ERRCODE) and number.isascii() and number.isdigit() and len(number) <= 9


@dataclass
class Fault:
    """One rule, with the hits that it still has."""

    match: str
    mode: str
    times: int


class Faults:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a rule in force; raises ValueError with a readable message when it could never hit anything."""
        if fault.mode not in ALL_MODES and not is_errcode(fault.mode):
            raise ValueError(f"mode must be one of {', '.join(sorted(ALL_MODES))}, or {ERRCODE}N")
        if not 1 <= fault.times <= MAX_TIMES:
            raise ValueError(f"times must be 1 to {MAX_TIMES}")
        if not fault.match:
            raise ValueError("match must not be empty")
        allowed = NAMED_MATCHES.get(fault.match)
        if allowed is not None and fault.mode not in allowed:
            raise ValueError(f"mode {fault.mode} cannot happen to {fault.match}; it takes {', '.join(sorted(allowed))}")
        if allowed is None and fault.match.startswith("notify:"):
            raise ValueError("notifications are matched by notify, notify:wechat or notify:qq")
        if len(self._rules) >= MAX_RULES:
            raise ValueError(f"no more than {MAX_RULES} rules at a time; DELETE /_control/faults clears them")
        self._rules.append(fault)

    def list(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self._rules]

    def clear(self) -> None:
        self._rules.clear()

    def for_call(self, path: str, out_trade_no: str) -> str | None:
        """The mode that hits this call, if any; it is used up by asking."""
        for rule in self._rules:
            if rule.match in NAMED_MATCHES or not (rule.mode in CALL_MODES or is_errcode(rule.mode)):
                continue
            if rule.match in path or rule.match in out_trade_no:
                return self._use(rule)
        return None

    def for_notification(self, provider: str, out_trade_no: str) -> str | None:
        """The mode that hits this attempt to notify, if any; it is used up by asking."""
        for rule in self._rules:
            if rule.mode not in NOTIFICATION_MODES[provider]:
                continue
            if rule.match in ("notify", f"notify:{provider}"):
                return self._use(rule)
            if rule.match not in NAMED_MATCHES and rule.match in out_trade_no:
                return self._use(rule)
        return None

    def _use(self, rule: Fault) -> str:
        rule.times -= 1
        if rule.times == 0:
            self._rules.remove(rule)
        return rule.mode
