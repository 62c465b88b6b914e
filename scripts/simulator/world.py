"""What every part of the simulator shares: keys, memory, clock, faults and the mode of signing."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric import rsa

from scripts.simulator.bill_lies import BillLies
from scripts.simulator.credentials import Credentials
from scripts.simulator.faults import Faults
from scripts.simulator.refund_plan import RefundPlan
from scripts.simulator.storage import Store

KeyMode = Literal["public_key", "certificate"]
KEY_MODES: tuple[KeyMode, ...] = get_args(KeyMode)


@dataclass
class World:
    """One simulated world of platforms; `clock` gives seconds since 1970, `speed` divides waiting times."""

    credentials: Credentials
    store: Store
    clock: Callable[[], float]
    key_mode: KeyMode = "public_key"
    speed: float = 1.0
    faults: Faults = field(default_factory=Faults)
    refund_plan: RefundPlan = field(default_factory=RefundPlan)
    bill_lies: BillLies = field(default_factory=BillLies)
    jobs_changed: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """Wake whoever waits, so that nothing holds the process up."""
        self.stopping.set()
        self.jobs_changed.set()

    def platform_key(self) -> tuple[str, rsa.RSAPrivateKey]:
        """Serial and private key that sign answers and notifications in the present mode."""
        if self.key_mode == "public_key":
            return self.credentials.public_key_id, self.credentials.public_key_pair
        return self.credentials.certificate_serial, self.credentials.certificate_pair


def request_id() -> str:
    """The trailing `rid` of api.weixin.qq.com's error messages."""
    return "-".join(secrets.token_hex(4) for _ in range(3))
