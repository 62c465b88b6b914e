"""How refunds end: well, unless a control call has said otherwise for the next ones."""

from dataclasses import dataclass

ENDS = ("SUCCESS", "ABNORMAL", "CLOSED", "PROCESSING")
FINAL = ("SUCCESS", "CLOSED")
MAX_TIMES = 1000


@dataclass
class RefundPlan:
    """The end of the next `times` refunds that are asked for; PROCESSING means that none comes by itself."""

    end: str = "SUCCESS"
    times: int = 0

    def set(self, end: str, times: int) -> None:
        """Replaces what was planned; raises ValueError with a readable message when it is no plan."""
        if end not in ENDS:
            raise ValueError(f"next must be one of {', '.join(ENDS)}")
        if not 1 <= times <= MAX_TIMES:
            raise ValueError(f"times must be 1 to {MAX_TIMES}")
        self.end, self.times = end, times

    def take(self) -> str:
        """The end of one refund; it is used up by asking."""
        if self.times == 0:
            return "SUCCESS"
        self.times -= 1
        return self.end
