"""The machine that a time was measured on, and whether anything else ran meanwhile. What can't be read stays empty;
nothing fails for it."""

import os
import platform
import time
from pathlib import Path
from typing import Any

OTHERS = 0.1  # cores that others may keep busy, on average, before a time says that it wasn't alone
BUSY = (0, 1, 2, 5, 6, 7)  # of /proc/stat's columns: user, nice, system, irq, softirq, steal


class Watch:
    """Measures how busy the machine was from here on, and how much of that was this process."""

    def __init__(self) -> None:
        self.load = os.getloadavg() if hasattr(os, "getloadavg") else None
        self.started, self.busy, self.own = time.perf_counter(), _busy_s(), time.process_time()

    def read(self) -> dict[str, Any]:
        """load_average at the start (over 1, 5, 15 minutes). others_cores: how many cores others kept busy since, None
        where it can't be read. alone: whether that is little. Where it can't be read the load average decides, which
        also counts what ended before."""
        seconds = max(time.perf_counter() - self.started, 1e-9)
        busy = _busy_s()
        others = (
            None
            if busy is None or self.busy is None
            else max(busy - self.busy - (time.process_time() - self.own), 0.0) / seconds
        )
        alone = others <= OTHERS if others is not None else self.load is None or self.load[0] <= 0.5
        return {"load_average": list(self.load or ()), "others_cores": others, "alone": alone}


def describe() -> dict[str, str]:
    """cpu: its model; governor: what decides its clock rate."""
    lines = _text("/proc/cpuinfo").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    governor = _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip()
    return {"cpu": model or platform.processor() or platform.machine(), "governor": governor}


def _busy_s() -> float | None:
    """Seconds that all cores together have been busy since the machine started."""
    fields = _text("/proc/stat").partition("\n")[0].split()[1:]
    return sum(int(fields[column]) for column in BUSY) / os.sysconf("SC_CLK_TCK") if len(fields) > max(BUSY) else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
