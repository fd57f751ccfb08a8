"""What the server allows, and who has asked how often."""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request

ADDRESSES = 10_000  # remembered at once
WINDOW = 60.0  # seconds


@dataclass(frozen=True)
class Limits:
    """Sizes, times and counts; the command line shows them as options."""

    megabytes: float = 10  # of a request
    megapixels: float = 24  # of a picture
    seconds: float = 30  # of work for an answer, and of waiting for it
    job_seconds: float = 600  # of work for a job, which nobody waits for
    workers: int = 4  # in work at once
    waiting: int = 16  # behind them
    per_minute: int = 60  # pictures of one address; 0 = any number
    batch: int = 100  # pictures in one request
    kept: int = 64  # finished jobs
    kept_minutes: float = 10
    kept_megabytes: float = 256

    @property
    def bytes(self) -> int:
        """The largest request."""
        return round(self.megabytes * 1e6)


class Often(Exception):
    """Too many pictures from one address; `after` seconds later there is room again."""

    def __init__(self, most: int, pictures: int, after: int) -> None:
        fewer = f" with at most {most} of these {pictures}" if pictures > most else ""
        super().__init__(f"More than {most} pictures a minute; try again in {after} s{fewer}.")
        self.after = after


class PerMinute:
    """Counts what each address asked for in the last minute. In memory only, forgotten after it."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.clock = most, clock
        self.asked: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, address: str, pictures: int = 1) -> None:
        """Take note of some pictures; raises `Often` if they are too many, and counts none then."""
        if not (self.most and pictures):
            return
        now = self.clock()
        times = self.asked.get(address, deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if (over := len(times) + pictures - self.most) > 0:
            freeing = times[min(over, len(times)) - 1] if times else now - WINDOW
            raise Often(self.most, pictures, max(1, math.ceil(freeing + WINDOW - now)))
        times.extend([now] * pictures)
        self.asked[address] = times
        self.asked.move_to_end(address)
        while len(self.asked) > ADDRESSES or self.stale(now):
            self.asked.popitem(last=False)

    def stale(self, now: float) -> bool:
        """Whether the address that asked longest ago did so more than a minute ago."""
        times = next(iter(self.asked.values()))
        return not times or times[-1] <= now - WINDOW


def address_of(request: Request, behind_proxy: bool) -> str:
    """Who asks: the address, or the last one that our own proxy has added. IPv6 by its /64."""
    given = request.client.host if request.client else ""
    if behind_proxy:
        given = request.headers.get("x-forwarded-for", given).rsplit(",", 1)[-1].strip()
    try:
        address = ip_address(given)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
