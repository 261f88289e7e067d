"""How numbers become the text of a table's cell, in a closed set of words (`CELLS`). No torch.

Each function is given the numbers of one row, in the order in which a `Column` names them, the first of which is there.
"""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from saccade.judging.printed_cells import EXECUTED

NONE = "–"  # what an empty cell shows


def percent(value: float, sd: float = math.nan, low: float = math.nan, high: float = math.nan) -> str:
    """`63.2 ± 1.1 [58.1, 68.0]` of fractions, without the parts that are NaN."""
    if pd.isna(value):
        return NONE
    spread = "" if pd.isna(sd) else f" ± {100 * sd:z.1f}"
    interval = "" if pd.isna(low) or pd.isna(high) else f" [{100 * low:z.1f}, {100 * high:z.1f}]"
    return _minus(f"{100 * value:z.1f}{spread}{interval}")  # z: no "-0.0"


def significant(value: float, digits: int = 3) -> str:
    """So many significant digits, without an exponent down to 1e-6."""
    if pd.isna(value):
        return NONE
    decimals = digits - 1 - math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    return f"{value:,.{min(max(decimals, 0), 8)}f}"


def text(value: object) -> str:
    return str(value)


def listed(*values: object) -> str:
    """Words with commas between them, without those that aren't there."""
    return ", ".join(str(value) for value in values if not (pd.isna(value) or value == ""))  # type: ignore[call-overload]


def listed_with_values(*pairs: Any) -> str:
    """`golf 1.5, running 2.0` of a word and a number by turns, without those that aren't there."""
    words = zip(pairs[::2], pairs[1::2], strict=True)
    return ", ".join(f"{word} {value:.1f}" for word, value in words if not pd.isna(value))


def whole(value: float) -> str:
    return f"{value:.0f}"


def number(value: float) -> str:
    return f"{value:g}"


def two_decimals(value: float) -> str:
    return f"{value:.2f}"


def count(value: float) -> str:
    """A number of things, with one decimal where it is a mean that isn't whole."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def count_in(value: float, other: float) -> str:
    return f"{count(value)} ({NONE if pd.isna(other) else count(other)})"


def out_of(value: float, most: float) -> str:
    return f"{value:.3g} of {significant(most) if most % 1 else f'{most:.0f}'}"


def four_digits(value: float) -> str:
    return significant(value, 4)


def printed_number(value: float) -> str:
    """As it stands in the paper: not rounded."""
    return f"{value:.10g}"


def with_range(value: float, low: float, high: float) -> str:
    return f"{significant(value)} [{significant(low)}, {significant(high)}]"


def with_sd(value: float, sd: float) -> str:
    """`1.24 ± 0.03`, without the second where it is NaN."""
    return f"{value:.2f}" if pd.isna(sd) else f"{value:.2f} ± {sd:.2f}"


def from_to(low: float, high: float) -> str:
    return f"{low:g} to {high:g}"


def ratios_from_to(low: float, high: float) -> str:
    return " to ".join(dict.fromkeys((f"{low:.2f}", f"{high:.2f}")))


def percent_with_range(value: float, low: float, high: float) -> str:
    return percent(value, math.nan, low, high)


def whole_percent(value: float, low: float, high: float) -> str:
    return _minus(f"{100 * value:.0f} [{100 * low:.0f}, {100 * high:.0f}]")


def times(value: float) -> str:
    return f"{value:.2f}×"


def at_most_times(value: float, bound: str) -> str:
    """A multiple, or an upper bound of one where `bound` says so."""
    return f"{'' if pd.isna(bound) or not bound else '≤ '}{significant(value)}×"


def speedup(value: float, low: float, high: float, marked: float) -> str:
    return f"{value:.2f}×{' †' if marked else ''} [{low:.2f}, {high:.2f}]"


def realised(value: float, low: float, high: float, marked: float, share: float) -> str:
    """A speed-up, and what share of the ratio of multiply-adds it is."""
    return f"{value:.2f}×{' †' if marked else ''} ({100 * share:.0f} %) [{low:.2f}, {high:.2f}]"


def runtime(name: str, own: str, against: str, shared: float) -> str:
    """What a point and its counterpart were run by."""
    if own != against:
        return f"fastest of each: {own} against {against}"
    return f"{name}{', fastest for both' if shared else ''}"


def scenario(batch: float, decoding: float) -> str:
    """MLPerf's name for what was timed."""
    name = "single stream" if batch == 1 else f"offline, {batch:.0f} at once"
    return name + (", with decoding" if decoding else "")


def percentiles(mean: float, *found: float) -> str:
    return f"{significant(mean)} [{', '.join(map(significant, found))}]"


def down_to(before: float, after: float) -> str:
    return f"{significant(before)} → {significant(after)}"


def best(value: float, variant: str, point: str, ms: float, marked: float) -> str:
    """The most accurate point, and its time."""
    return f"{percent(value)} {variant}/{point} [{marked_time(ms, marked)} ms]"


def marked_time(value: float, marked: float) -> str:
    return f"{significant(value)}{' †' if marked else ''}"


def limit(value: float) -> str:
    return f"{value:g} ms"


def saved(value: float) -> str:
    return _minus(f"{value:+.2f}")


def stand_in(value: float, cost: float, equal_cost: float) -> str:
    """Its accuracy; where it doesn't cost what the point costs, also what it costs."""
    return percent(value) + ("" if equal_cost else _minus(f" at {significant(cost)}×"))


def signed_percent(value: float) -> str:
    return _minus(f"{100 * value:+.1f} %")


def answer(value: float, sd: float, low: float, high: float, unit: str, source: str) -> str:
    """Ours to a printed number, in its unit; what no run executed says whence it comes."""
    if source != EXECUTED:
        return f"{significant(value, 4)} ({source})"
    if unit.startswith("%"):
        return percent(*(one / 100 for one in (value, sd, low, high)))
    return significant(value, 4)


def difference(value: float, unit: str) -> str:
    """In points where the unit is %, else in percent of the printed number."""
    return _minus(f"{value:+z.1f}" if unit.startswith("%") else f"{100 * value:+z.1f} %")


def _minus(words: str) -> str:
    return words.replace("-", "−")


CELLS: dict[str, Callable[..., str]] = {
    each.__name__: each
    for each in (
        *(text, listed, listed_with_values),
        *(whole, number, two_decimals, count, count_in, out_of, four_digits, significant, printed_number),
        *(percent, percent_with_range, whole_percent, signed_percent, with_range, with_sd, from_to, ratios_from_to),
        *(answer, difference),
        *(times, at_most_times, speedup, realised, marked_time, limit, saved, stand_in),
        *(runtime, scenario, percentiles, down_to, best),
    )
}
