"""Whether a run's settings can be met: each within its bounds and together (the cards and `layers` see to that), and by
the data. Asked where something is planned, before anything runs. No torch."""

import dataclasses
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.plan.layers import Resolved, heads_of, resolve
from saccade.plan.phases import phases_of, weights_of
from saccade.plan.points import points_of
from saccade.plan.runs import Run
from saccade.records import SaccadeError, suggest
from saccade.settings import why_no_views


def check_settings(root: Path, run: Run) -> None:
    """Raises SaccadeError, naming card and layer, where the settings of the run, of a phase that its model is made of,
    or of one of its points can't be met."""
    _check(root, dataclasses.replace(run, seed=0))


@lru_cache
def _check(root: Path, run: Run) -> None:
    for each in dict.fromkeys([run, *(need.run for need in weights_of(root, run))]):
        for phase in phases_of(root, each):
            _refuse(root, each, f"phase {phase.name}", resolve(root, each, phase.name), views=False)
    for point, why in points_of(root, run):
        if not why:
            _refuse(root, run, f"point {point.name}", resolve(root, run, point=point.name), views=True)


def _refuse(root: Path, run: Run, part: str, resolved: Resolved, views: bool) -> None:
    for key, wrong in _problems(root, run, resolved):
        place = f"{load_method(root, run.method).file}: {resolved.origins[key]}.{key}"
        raise SaccadeError(f"{place}: {resolved.values[key]!r} ({part} of {run.name}): {wrong}")
    if views and (problem := why_no_views(resolved.typed)):
        raise SaccadeError(f"{load_method(root, run.method).file}: {run.name}, {part}: {problem}")


def _problems(root: Path, run: Run, resolved: Resolved) -> Iterator[tuple[str, str]]:
    """(setting, what is wrong with it) of those that the data can't meet."""
    dataset, values = load_dataset(root, run.dataset), resolved.values
    heads, weights = [head.name for head in heads_of(root, run)], values["head_weights"]
    if values["heads"] != resolve(root, run).values["heads"]:
        yield "heads", "a run learns the same heads throughout; say them in a variant, a budget or a dataset"
    for name in weights:
        if name not in heads:
            yield "head_weights", f"the run learns no head '{name}'" + suggest(name, heads)
    if not any(weights.get(name, 1.0) for name in heads):
        yield "head_weights", "nothing is learned where all heads weigh 0"
    lacks = f"{dataset.file} says that its ground truth per frame isn't known"
    if values["truth"] and not dataset.truth:
        yield "truth", f"{lacks}; set truth to []"
    if values["sampler"] == "oracle" and not dataset.truth:
        yield "sampler", f"{lacks}; take another sampler"
