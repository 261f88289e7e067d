"""The operating points of a run, and which of them a stand-in (oracle, random, fixed, equal-cost static) stands beside,
as the card's `of` says.

A stand-in stands beside a variant at one of its points (`VariantPoint`). A point's `of` names `[<variant>/]<point>`,
without a variant a point of its own variant: the same weights, another choice. A variant's `of` names `<variant>` or
`<variant>/<point>`: weights trained for that choice.
"""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from saccade.cards.address import OF_POINT, OF_VARIANT, Address, parse_address
from saccade.cards.dataset import load_dataset
from saccade.cards.entries import Entry
from saccade.cards.method import Method, load_method, offers
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.records import SaccadeError, suggest

VariantPoint = tuple[str, str]  # variant, point


def role(method: Method, variant: str, point: str) -> str | None:
    """The kind of stand-in that the variant is at that point; None where it is the method's own."""
    return method.points[point].stand_in or method.variants[variant].stand_in


def stands_for(method: Method, variant: str, point: str) -> list[VariantPoint]:
    """What of the method's own the variant at that point stands beside; nothing where it is its own.

    A stand-in variant's point stands beside the point of the same name. Where the variant has no point of that name,
    each of its points does.
    """
    entry = method.points[point]
    if entry.stand_in:
        named = [parse_address(text, OF_POINT, Address(variant=variant)) for text in entry.of]
        found = [(one.variant, one.point) for one in named]
    else:
        found = [each for text in method.variants[variant].of for each in _beside(method, variant, point, text)]
    return [each for each in dict.fromkeys(found) if offers(method, *each) and role(method, *each) is None]


def _beside(method: Method, variant: str, point: str, text: str) -> list[VariantPoint]:
    """Of the variants and points that a stand-in variant's `of` names, those that its point stands beside."""
    named = parse_address(text, OF_VARIANT)
    offered = [name for name in method.points if offers(method, named.variant, name)]
    targets = [named.point] if named.point else offered
    return [(named.variant, name) for name in targets if name == point or not offers(method, variant, name)]


def points_of(root: Path, run: Run) -> list[tuple[Entry, str | None]]:
    """The operating points of the run's variant, each with the reason why it can't run here (None where it can). Of
    those only the ones that the card names (globs) for the run's budget, where it names any of them."""
    named, points = load_method(root, run.method).points_under.get(run.budget, ()), all_points(root, run)
    return [each for each in points if any(fnmatchcase(each[0].name, glob) for glob in named)] or points


def all_points(root: Path, run: Run) -> list[tuple[Entry, str | None]]:
    """The same, whatever the budget."""
    method, dataset = load_method(root, run.method), load_dataset(root, run.dataset)
    found = []
    for point in method.points.values():
        if not offers(method, run.variant, point.name):
            continue
        why = (
            f"needs ground truth per frame, which {dataset.name} doesn't have"
            if "truth" in point.requires and not dataset.truth
            else None
        )
        found.append((point, why))
    return found


def point_settings(root: Path, run: Run) -> dict[str, dict[str, Any]]:
    """For each operating point that can be had, the settings that decide its predictions."""
    keys = sorted(key for section in load_method(root, run.method).sections.values() for key in section)
    found = {point.name: resolve(root, run, point=point.name).values for point, why in points_of(root, run) if not why}
    return {point: {key: values[key] for key in keys} for point, values in found.items()}


def point_to_try(root: Path, run: Run, wanted: str | None = None) -> str:
    """The operating point for a video of which nothing is known: the one wanted, else the one with the run's own
    settings, else the card's first that is no stand-in. Raises SaccadeError where it is unknown or can't be had."""
    points = all_points(root, run)
    known = {point.name: "needs ground truth per frame" if "truth" in point.requires else why for point, why in points}
    if wanted is not None:
        if wanted not in known:
            raise SaccadeError(f"{run.name}: unknown point '{wanted}'" + suggest(wanted, known))
        if known[wanted]:
            raise SaccadeError(
                f"{run.name}: point '{wanted}' {known[wanted]}, which can't be had for any video; take another point"
            )
        return wanted
    free = [point.name for point, _ in points if not known[point.name] and not point.stand_in]
    own = resolve(root, run).values
    return next(
        (name for name in free if resolve(root, run, point=name).values == own), free[0] if free else next(iter(known))
    )
