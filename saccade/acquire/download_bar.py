"""One bar in bytes for all files that are being fetched, and lines between. No torch."""

import sys
import threading
from collections.abc import Mapping
from types import TracebackType

from tqdm import tqdm

SECONDS = 1.0
SECONDS_IN_A_FILE = 60.0  # a log of hours stays readable


class DownloadBar:
    """The bar over files of these sizes, by name; several threads may use it. A file whose size isn't known yet joins
    the total when it is."""

    def __init__(self, label: str = "", sizes: Mapping[str, int | None] | None = None):
        self._sizes = {name: count for name, count in (sizes or {}).items() if count is not None}
        self._lock = threading.Lock()
        seconds = SECONDS if sys.stderr.isatty() else SECONDS_IN_A_FILE
        self._bar = tqdm(
            total=sum(self._sizes.values()),
            desc=label,
            unit="B",
            unit_scale=True,
            mininterval=seconds,
            maxinterval=max(seconds, 10.0),
            smoothing=0.1,
        )

    def __enter__(self) -> "DownloadBar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()

    def expect(self, name: str, count: int) -> None:
        """The file has so many bytes, whatever was thought before."""
        with self._lock:
            self._bar.total = (self._bar.total or 0) + count - self._sizes.get(name, 0)
            self._sizes[name] = count

    def came(self, count: int) -> None:
        """So many bytes came; negative where they were in vain."""
        with self._lock:
            self._bar.update(count)

    def found(self, count: int) -> None:
        """So many bytes were here before, which says nothing of the speed."""
        with self._lock:
            self._bar.initial += count
            self._bar.n += count
            self._bar.last_print_n += count

    def say(self, line: str) -> None:
        tqdm.write(line)
