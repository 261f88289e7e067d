"""What the clock said in sentences, made from the numbers: which runtime to pick, what a method then saves, how far to
trust it, and what wasn't timed. No torch."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator

import pandas as pd

from saccade.records import EAGER, EXACT, FASTEST, RUNTIMES, first_few
from saccade.results.runs import rows_of
from saccade.results.speed import single_stream

Times = dict[tuple[str, str, int], dict[str, float]]  # (variant, title, seed) -> runtime -> milliseconds per video
WORTH = 1.03  # a runtime that is less than so many times as fast as eager isn't worth leaving it


def advice(readings: pd.DataFrame, not_timed: pd.DataFrame) -> str:
    """Which runtime to pick on each device, a line for each, and what the method then saves; '' without readings.
    readings: `results.speed.read_speed`; not_timed: `results.speed.read_not_timed`."""
    devices = readings.groupby("device", sort=False)
    return "\n".join(" ".join(_advise(some, set(not_timed.runtime))) for _, some in devices)


def _advise(readings: pd.DataFrame, not_timed: set[str]) -> Iterator[str]:
    device, run = readings.device.iloc[0], readings.run.iloc[0]
    ready = readings[~readings.decoding.astype(bool)]
    exact = ready[ready.runtime.isin(EXACT)]
    several, one = exact[exact.timed_in > 1], exact[exact.timed_in == 1]
    if len(several):
        yield from _picks({int(str(batch)): _times(some) for batch, some in several.groupby("batch")}, device)
        yield from _saves(readings[readings.leads & (readings.timed_in > 1)], "With each in its fastest exact form")
        yield from _apart(readings[readings.timed_in > 1])
    if len(one):
        runtimes = " or ".join(dict.fromkeys(one.runtime))
        others = set(RUNTIMES) - set(readings.runtime) - not_timed
        how = f": `python -m saccade measure {run} --runtime all` times the others" if others or len(several) else ""
        yield f"Only {runtimes} was timed on {device}{f' for {_named(_points(one))}' if len(several) else ''}{how}."
        yield from _saves(readings[readings.leads & (readings.timed_in == 1)], f"In {runtimes}")
    yield from _inexact(ready)
    yield from _doubt(readings[readings.runtime.isin((*EXACT, FASTEST))])


def _points(readings: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(readings.variant, readings.title, strict=True))


def _times(readings: pd.DataFrame) -> Times:
    times: Times = {}
    for row in rows_of(readings):
        times.setdefault((row.variant, row.title, row.seed), {})[row.runtime] = row.ms["mean"]
    return times


def _picks(times: dict[int, Times], device: str) -> Iterator[str]:
    """For each batch size the runtime in which most points are fastest, and which points aren't."""
    before = ""
    for batch, found in times.items():
        best = {who: _best(some) for who, some in found.items()}
        wins = Counter(best.values())
        pick = max(wins, key=lambda name: (wins[name], name == EAGER))
        asked = "one video at a time" if batch == 1 else f"{batch} videos at once"
        verb = "The same" if pick == before else f"Stay with {pick}" if pick == EAGER else f"Pick {pick}"
        gains = [found[who][EAGER] / found[who][pick] for who in best if best[who] == pick and EAGER in found[who]]
        faster = f", {_range(gains)} times as fast as in {EAGER}" if pick != EAGER and gains else ""
        others = "".join(
            f"; {name} for {_named(who[:2] for who in best if best[who] == name)}" for name in wins if name != pick
        )
        where = f"{asked} on {device}" if not before else asked
        yield f"{verb} for {where}: {_counted(wins[pick], len(best))} fastest in it{faster}{others}."
        before = pick


def _best(found: dict[str, float]) -> str:
    """The fastest runtime; eager where no other is worth leaving it."""
    best = min(found, key=lambda name: found[name])
    return EAGER if found.get(EAGER, math.inf) <= WORTH * found[best] else best


def _saves(leading: pd.DataFrame, form: str) -> Iterator[str]:
    """What the method saves with point and counterpart each at its fastest."""
    first = single_stream(leading)
    if not len(first):
        return
    many = leading[~leading.decoding.astype(bool) & (leading.batch > 1)]
    decoded = leading[leading.decoding.astype(bool) & (leading.batch == 1)]
    share = 100 * first.speedup / first.mac_ratio
    more = [
        f"{_range(some.speedup)} {said}" for some, said in ((decoded, "with decoding"), (many, "offline")) if len(some)
    ]
    yield (
        f"{form}, {'a point answers' if len(first) > 1 else f'{first.title.iloc[0]} answers'} {_range(first.speedup)} "
        f"times as fast as its counterpart, {_range(share, 0)} % of what the multiply-adds say"
        + (f" ({'; '.join(more)})" if more else "")
        + "."
    )


def _apart(several: pd.DataFrame) -> Iterator[str]:
    """Which points' fastest wasn't timed in turns with their counterpart's."""
    points = several.groupby(["variant", "title", "seed"], sort=False)
    left = [_points(some)[0] for _, some in points if not some.leads.any()]
    if left:
        yield f"Of {_named(left)} and the counterpart each was timed in its fastest, but not in turns."


def _inexact(readings: pd.DataFrame) -> Iterator[str]:
    """What is faster and isn't the same model."""
    one_by_one = single_stream(readings)
    times = _times(one_by_one)
    for name, some in one_by_one[~one_by_one.runtime.isin((*EXACT, FASTEST))].groupby("runtime"):
        gains = [found[EAGER] / found[str(name)] for found in times.values() if {EAGER, name} <= set(found)]
        gain = f": {_range(gains)} times as fast as {EAGER}" if gains else ""
        yield (
            f"{name} isn't exact and no equal of these{gain}, but up to {some.decided_otherwise.max():.0f} of "
            f"{some.videos.max():.0f} videos were decided otherwise, and probabilities are off by up to "
            f"{some.largest_difference.max():.2g}."
        )


def _doubt(readings: pd.DataFrame) -> Iterator[str]:
    """How many of the readings should be read with care."""
    found = {
        "stale (made with other code or settings)": int(readings.stale.sum()),
        "not alone on the machine": int((~readings.alone.astype(bool)).sum()),
        "marked † (A/A)": int(readings.marked.sum()),
    }
    said = [f"{count} {what}" for what, count in found.items() if count]
    if said:
        yield f"With care: of the {len(readings)} readings behind this, {', '.join(said)}."


def not_timed(rows: pd.DataFrame, points: int) -> str:
    """What was asked for and not timed, and why; '' where all was. `points`: how many there are, of which only some are
    named."""
    sentences = []
    for key, some in rows.groupby(["runtime", "why"], sort=False):
        runtime, why = map(str, key)
        prefix = "" if runtime in why else f"{'each in its fastest' if runtime == FASTEST else runtime}: "
        whom = f"{_named(_points(some))}: " if len(some) < points else ""
        sentences.append(f"{whom}{prefix}{why}.")
    return f"Not timed: {' '.join(sentences)}" if sentences else ""


def _named(points: Iterable[tuple[str, str]]) -> str:
    """A few of the points (variant, title); the variant where there are several."""
    points = list(dict.fromkeys(points))
    several = len({variant for variant, _ in points}) > 1
    return first_few([f"{variant} {title}" if several else title for variant, title in points])


def _counted(some: int, every: int) -> str:
    if some == every:
        return "the one timed point is" if every == 1 else f"all {every} points are"
    return f"{some} of {every} points {'is' if some == 1 else 'are'}"


def _range(values: Iterable[float], decimals: int = 2) -> str:
    """`1.20 to 1.90`, or `1.20` where all are."""
    ordered = sorted(values)
    low, high = (f"{value:.{decimals}f}" for value in (ordered[0], ordered[-1]))
    return low if low == high else f"{low} to {high}"
