"""The static counterpart that a point is timed beside. Its card says which, under `against`:
`[[<method>/]<variant>/]<point>`, or one such for each variant (a variant that isn't listed has none).

Parts that aren't named are the point's own. Dataset, edition, budget and seed are always its own, since both are timed
on the same videos.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from saccade.cards.address import COUNTERPART, parse_address
from saccade.cards.method import load_method
from saccade.plan.points import points_of
from saccade.plan.runs import Run, check_run
from saccade.records import SaccadeError, suggest

if TYPE_CHECKING:
    from saccade.cards.entries import Entry


class Counterpart(NamedTuple):
    """A run and one of its points; `why` it can't run here, None where it can."""

    run: Run
    point: str
    why: str | None


def counterpart(root: Path, run: Run, point: str) -> Counterpart | None:
    """The point's counterpart, or None where its card names none. Raises SaccadeError where what the card names doesn't
    exist for this run."""
    method = load_method(root, run.method)
    against = method.points[point].against
    text = against if against is None or isinstance(against, str) else against.get(run.variant)
    if text is None:
        return None
    place = f"{method.file}: points.{point}.against: "
    named, where = parse_address(text, COUNTERPART, run.address, place), f"{place}'{text}'"
    rival, other = Run.of(named), named.point
    try:
        check_run(root, rival)
    except SaccadeError as error:
        raise SaccadeError(f"{where} doesn't exist: {error}") from None
    offered = {entry.name: why for entry, why in points_of(root, rival)}
    if other not in offered:
        raise SaccadeError(f"{where}: {rival.method}/{rival.variant} has no point '{other}'" + suggest(other, offered))
    if (rival, other) == (run, point):
        raise SaccadeError(f"{where} is the point itself; name what it should be faster than")
    return Counterpart(rival, other, offered[other])


def counterparts_of(root: Path, run: Run) -> dict[str, Counterpart]:
    """The run's points that have a counterpart, where both can run here."""
    mine: list[Entry] = [entry for entry, why in points_of(root, run) if not why]
    found = {entry.name: counterpart(root, run, entry.name) for entry in mine}
    return {name: other for name, other in found.items() if other is not None and not other.why}
