"""What to run: a config, the runs that it selects, and the planned grid that the report is held against."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from saccade.cards.address import RUNS, VARIANT_ON_DATA, Address, parse_address
from saccade.cards.config import Config
from saccade.cards.dataset import Dataset, load_dataset
from saccade.cards.entries import Entry
from saccade.cards.method import Method, load_method
from saccade.editions import parse_edition
from saccade.plan import staleness
from saccade.plan.availability import what_is_wrong_with_data, why_blocked
from saccade.plan.checked import check_settings
from saccade.plan.counterparts import counterpart, counterparts_of
from saccade.plan.layers import heads_of
from saccade.plan.phases import phases_of, weights_of
from saccade.plan.points import points_of, role, stands_for
from saccade.plan.runs import Run, check_run
from saccade.project import names
from saccade.records import SaccadeError, suggest


def selected_runs(root: Path, config: Config) -> list[Run]:
    """The runs that a config selects, sorted. Raises SaccadeError where a pattern selects nothing or a point is
    unknown."""
    runs: dict[Run, None] = {}
    for pattern in config.runs:
        wanted = parse_address(pattern, RUNS, Address(budget=config.budget, seed="*"))
        seeds = [seed for seed in config.seeds if fnmatchcase(str(seed), wanted.seed)]
        if not seeds:
            raise SaccadeError(
                f"config: runs: '{pattern}' selects none of the seeds {', '.join(map(str, config.seeds))}"
            )
        for found in _matches(root, pattern, wanted):
            runs.update({Run.of(dataclasses.replace(found, seed=str(seed))): None for seed in seeds})
    known = {point for method in {run.method for run in runs} for point in load_method(root, method).points}
    for point in config.points:
        if point not in known:
            raise SaccadeError(f"config: points: unknown point '{point}'" + suggest(point, known))
    return sorted(runs, key=lambda run: (run.data, run.method, run.variant, run.seed))


def measured(root: Path, config: Config, runs: list[Run]) -> set[Run]:
    """Those of the runs that are also timed. Raises SaccadeError where a pattern selects no run, or no run whose card
    names a counterpart."""
    found: set[Run] = set()
    for pattern in config.measure:
        alike = {
            run: str(dataclasses.replace(run.address, budget="", seed=""))
            for run in runs
            if run.seed == config.seeds[0]
        }
        mine = [run for run, name in alike.items() if fnmatchcase(name, pattern)]
        if not mine:
            raise SaccadeError(
                f"config: measure: '{pattern}' selects none of the runs" + suggest(pattern, alike.values())
            )
        with_counterpart = [run for run in mine if counterparts_of(root, run)]
        if not with_counterpart:
            raise SaccadeError(
                f"config: measure: nothing that '{pattern}' selects has a point with a counterpart (`against` in its "
                "card)"
            )
        found.update(with_counterpart)
    return found


def planned_grid(root: Path, config: Config) -> dict[str, Any]:
    """The planned grid as JSON: every run and point, whether it can run here, and the titles that a report needs."""
    runs = selected_runs(root, config)
    if (wrong := [what_is_wrong_with_data(root, run) for run in runs]) and all(wrong):
        raise SaccadeError(wrong[0])  # else the others go on, and the pages say why these don't
    clocked = measured(root, config, runs)
    rows = [_grid_row(root, config, run) | {"measured": run in clocked} for run in runs]
    methods = [load_method(root, name) for name in sorted({run.method for run in runs})]
    return {
        "budget": config.budget,
        "runs": rows,
        "methods": [
            {"name": m.name, "title": m.title, "summary": m.summary, "paper": m.paper, "baseline": m.baseline}
            for m in methods
        ],
        "datasets": [
            _dataset_row(load_dataset(root, name), {run.edition for run in runs if run.dataset == name})
            for name in sorted({run.dataset for run in runs})
        ],
    }


def _dataset_row(dataset: Dataset, editions: Collection[str]) -> dict[str, Any]:
    """`classes`: {edition: {head: their names}} of the editions that the runs have (`reader.classes_of`)."""
    return {
        "name": dataset.name,
        "title": dataset.title,
        "classes": {
            edition: {head.name: list(head.classes) for head in dataset.heads_in(edition).values()}
            for edition in sorted(editions)
        },
        "derive": {name: list(parts) for name, parts in dataset.derive.items()},
        "means": {
            _named(name, like): [_named(member, like) for member in members]
            for like in ("", *sorted(editions))
            for name, members in dataset.means.items()
        },
    }


def _named(own: str, like: str) -> str:
    """An edition of the card, as a subset and encoded anew as the other edition is."""
    return str(dataclasses.replace(parse_edition(like), own=own))


def runs_behind(datasets: Iterable[Mapping[str, Any]], run: str) -> list[str]:
    """What a paper's run (`VARIANT_ON_DATA`) is made of: itself, or its like on every edition where its own is one of
    the data card's means. `datasets`: those of the planned grid."""
    named = parse_address(run, VARIANT_ON_DATA)
    means: Mapping[str, Sequence[str]] = next(
        (dataset.get("means", {}) for dataset in datasets if dataset["name"] == named.dataset), {}
    )
    editions = means.get(named.edition, [named.edition])
    return [str(dataclasses.replace(named, edition=edition)) for edition in editions]


def _grid_row(root: Path, config: Config, run: Run) -> dict[str, Any]:
    check_settings(root, run)
    chosen = [(point, why) for point, why in points_of(root, run) if not config.points or point.name in config.points]
    why, method = why_blocked(root, run), load_method(root, run.method)
    answers = {head.name: list(head.classes) for head in heads_of(root, run) if head.of_weights}
    return ({"answers": answers} if answers else {}) | {
        "run": run.name,
        "dataset": run.dataset,
        "edition": run.edition,
        "method": run.method,
        "variant": run.variant,
        "title": method.variants[run.variant].title,
        "seed": run.seed,
        "points": [
            _point(method, run.variant, point, reason) | _against(root, run, point, reason) for point, reason in chosen
        ],
        "phases": [phase.name for phase in phases_of(root, run)],
        "weights": [need.product.as_posix() for need in weights_of(root, run)],
        "gates": {
            need.product.as_posix(): need.phase.gate.model_dump() for need in weights_of(root, run) if need.phase.gate
        },
        "status": "not run" if why else "available",
        "why": why,
    }


def _point(method: Method, variant: str, point: Entry, why: str | None) -> dict[str, Any]:
    """`of`: the `<variant>/<point>`s that it stands in for."""
    of = ["/".join(each) for each in stands_for(method, variant, point.name)]
    return {
        "name": point.name,
        "title": point.title,
        "stand_in": role(method, variant, point.name),
        "of": of,
        "why": why,
    }


def _against(root: Path, run: Run, point: Entry, why: str | None) -> dict[str, str]:
    """`against`: the run and point beside which it is timed, '' where there is none; `timed_with`: the digest of the
    code and settings that decide its times now, '' where it isn't timed."""
    other = counterpart(root, run, point.name)
    if other is None:
        return {"against": "", "timed_with": ""}
    digest = ""
    if not why and not other.why:
        code = staleness.measure_code(root, *sorted({run.method, other.run.method}))
        digest = staleness.timed_with(code, staleness.measure_settings(root, run, point.name, other))
    return {"against": f"{other.run.name}/{other.point}", "timed_with": digest}


def _matches(root: Path, pattern: str, wanted: Address) -> Iterator[Address]:
    """What the pattern selects, the seed still a glob; a part without `*` must exist."""
    found = False
    for dataset in _choose(wanted.dataset, names(root, "data"), "dataset", root):
        for method in _choose(wanted.method, names(root, "methods"), "method", root):
            card = load_method(root, method)
            for variant in _choose(wanted.variant, list(card.variants), f"variant of {card.file}", root):
                if card.variants[variant].part:
                    if variant == wanted.variant:
                        raise SaccadeError(
                            f"config: runs: '{pattern}' is only a part of other variants in {card.file}; name those"
                        )
                    continue
                found = True
                one = dataclasses.replace(wanted, dataset=dataset, method=method, variant=variant)
                check_run(root, Run.of(dataclasses.replace(one, seed="0")))
                yield one
    if not found:
        raise SaccadeError(f"config: runs: '{pattern}' selects nothing")


def _choose(pattern: str, known: list[str], what: str, root: Path) -> list[str]:
    if "*" not in pattern and pattern not in known:
        raise SaccadeError(f"config: runs: unknown {what} '{pattern}'" + suggest(pattern, known))
    return [name for name in known if fnmatchcase(name, pattern)]
