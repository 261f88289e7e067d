"""What `measure` leaves, with invented times, for the tests of speed and of the pages."""

from saccade.plan.staleness import timed_with

RUN = "demo/motion-digits/tsn/tiny/seed0"
MADE_WITH = {"code": "c0de", "settings": {"threads": 1}}


def a_reading(batch, decoding, own, against, aa=1.0, device="cpu", processor=1.1):
    """own, against: milliseconds per video; processor: how many times the elapsed speed-up the processor's is, or None
    on a GPU."""
    seconds = {
        side: {"mean": ms / 1000, "p50": ms / 1000, "p90": 1.5 * ms / 1000, "p95": 2 * ms / 1000, "p99": 3 * ms / 1000}
        for side, ms in (("own", own), ("against", against))
    }
    ratio = against / own
    return {
        **{"device": device, "batch": batch, "decoding": decoding},
        **{"scenario": "single stream" if batch == 1 else "offline", "n": 768 // batch, "seconds": seconds},
        "processor": processor and {"seconds": seconds, "speedup": processor * ratio, "aa": 1.01},
        **{"speedup": ratio, "by_process": [ratio - 0.1, ratio, ratio + 0.1]},
        **{"aa": aa, "marked": abs(aa - 1) > 0.03, "repeats": 3 if abs(aa - 1) > 0.03 else 0},
    }


def a_runtime(own, against, name="eager", other="", aa=1.0, alone=True, device="cpu", otherwise=0):
    """own, against: milliseconds of one video; half of it where many are run at once. other: the counterpart's runtime,
    where it is another."""
    processor = None if device != "cpu" else 1.1
    side = {"folded": 5, "decided_otherwise": 0, "largest_difference": 1e-7}
    parts = {
        "own": {"decode": 0.010, "model.net": own / 1000},
        "against": {"decode": 0.012, "model.net": against / 1000, "model.extra": 0.001},
    }
    return {
        **{"own": name, "against": other or name},
        "readings": [
            a_reading(1, False, own, against, aa, device, processor),
            a_reading(1, True, 10 + own, 10 + against, 1.0, device, processor),
            a_reading(16, False, own / 2, against / 2, 1.0, device, processor),
        ],
        "parts": {device: parts},
        "optimised": {
            device: {"own": side, "against": side | {"decided_otherwise": otherwise, "largest_difference": 0.01}}
        },
        "machine": {"cpu": "Invented x86", "governor": "performance", "threads": 1, "processes": []},
        "alone": alone,
    }


def an_entry(runtimes=None, absent=None, videos=64, against="uniform8", run=RUN, macs=2.0):
    """Of one point: {runtime: `a_runtime`}, by default eager alone, with 4 ms against 6 ms."""
    return {
        "against": {"run": run, "point": against},
        "macs": {"own": 100.0, "against": 100.0 * macs, "ratio": macs},
        "videos": videos,
        "runtimes": runtimes or {"eager": a_runtime(4, 6)},
        "absent": absent or {},
        "provenance": {},
        **MADE_WITH,
    }


def before_runtimes(own=4, against=6):
    """An entry as measure wrote it when there was but one runtime."""
    entry = an_entry()
    timed = entry.pop("runtimes")["eager"]
    entry.pop("absent")
    return entry | {key: timed[key] for key in ("readings", "parts", "optimised", "machine", "alone")}


def expect(grid):
    """The grid, as if it were planned with the settings and code that the invented times were taken with."""
    for point in (point for run in grid["runs"] for point in run["points"]):
        point["timed_with"] = timed_with(MADE_WITH["code"], MADE_WITH["settings"])
    return grid
