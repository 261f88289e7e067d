"""What to run: a config, the runs that it selects, and the planned grid that the report is held against."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from saccade import rerun
from saccade.against import counterpart, timed
from saccade.cards import Entry, Method, load_method
from saccade.datasets import load_dataset
from saccade.plan import Run, blocked, check, phases, points, split_edition, weights
from saccade.project import check_budget, names
from saccade.records import SaccadeError
from saccade.stand_ins import role, stands_for
from saccade.strict import check_value, mapping, only, read_yaml, suggest


@dataclass(frozen=True)
class Config:
    """What to run. `runs`: `<dataset>[@<edition>]/<method>/<variant>[/seed<k>]`, globs allowed, each with all `seeds` where it names
    none; `points`: those to report (none: all);
    `measure`: which of the runs are also timed, globs as in `runs`, each with the first seed."""

    budget: str
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    points: tuple[str, ...] = field(default=())
    measure: tuple[str, ...] = field(default=())


def load_config(source: Path | Mapping[str, Any]) -> Config:
    """A config from its file or from Snakemake's merged `config`; the same keys in all of them."""
    where: object = "config" if isinstance(source, Mapping) else source
    body = source if isinstance(source, Mapping) else read_yaml(source)
    body = mapping(where, "", body)
    only(where, "", body, ["budget", "runs", "seeds", "points", "measure"], required=["budget", "runs", "seeds"])
    budget = check_value(str, body["budget"], f"{where}: budget")
    check_budget(budget, f"{where}: ")
    runs = tuple(check_value(list[str], body["runs"], f"{where}: runs"))
    for run in runs:
        if len(run.split("/")) not in (3, 4):
            raise SaccadeError(f"{where}: runs: '{run}' is not <dataset>[@<edition>]/<method>/<variant>[/seed<k>]")
    seeds = tuple(check_value(list[int], body["seeds"], f"{where}: seeds"))
    if len(set(seeds)) != len(seeds) or any(seed < 0 for seed in seeds) or not seeds:
        raise SaccadeError(f"{where}: seeds: {list(seeds)} must be one or more different numbers from 0 up")
    chosen, clocked = (tuple(check_value(list[str], body.get(key) or [], f"{where}: {key}")) for key in ("points", "measure"))
    return Config(budget, runs, seeds, chosen, clocked)


def expand(root: Path, config: Config) -> list[Run]:
    """The runs that a config selects, sorted; raises SaccadeError where a pattern selects nothing or a point is unknown."""
    runs: dict[Run, None] = {}
    for pattern in config.runs:
        *parts, wanted = pattern.split("/") if pattern.count("/") == 3 else (*pattern.split("/"), "*")
        seeds = [seed for seed in config.seeds if fnmatchcase(f"seed{seed}", wanted)]
        if not seeds:
            raise SaccadeError(f"config: runs: '{pattern}' selects none of the seeds {', '.join(map(str, config.seeds))}")
        for data, method, variant in _matches(root, "/".join(parts)):
            dataset, edition = split_edition(data)
            runs.update({Run(config.budget, dataset, edition, method, variant, seed): None for seed in seeds})
    known = {point for method in {run.method for run in runs} for point in load_method(root, method).points}
    for point in config.points:
        if point not in known:
            raise SaccadeError(f"config: points: unknown point '{point}'" + suggest(point, known))
    return sorted(runs, key=lambda run: (run.data, run.method, run.variant, run.seed))


def measured(root: Path, config: Config, runs: list[Run]) -> set[Run]:
    """Those of the runs that are also timed; raises SaccadeError where a pattern selects none, or none that names a counterpart."""
    found: set[Run] = set()
    for pattern in config.measure:
        alike = {run: f"{run.data}/{run.method}/{run.variant}" for run in runs if run.seed == config.seeds[0]}
        mine = [run for run, name in alike.items() if fnmatchcase(name, pattern)]
        if not mine:
            raise SaccadeError(f"config: measure: '{pattern}' selects none of the runs" + suggest(pattern, alike.values()))
        with_counterpart = [run for run in mine if timed(root, run)]
        if not with_counterpart:
            raise SaccadeError(f"config: measure: nothing that '{pattern}' selects has a point with a counterpart (`against` in its card)")
        found.update(with_counterpart)
    return found


def grid(root: Path, config: Config) -> dict[str, Any]:
    """The planned grid as JSON: every run and point with whether it can run here, and the titles that a report needs."""
    runs = expand(root, config)
    clocked = measured(root, config, runs)
    rows = [_grid_row(root, config, run) | {"measured": run in clocked} for run in runs]
    methods = [load_method(root, name) for name in sorted({run.method for run in runs})]
    datasets = [load_dataset(root, name) for name in sorted({run.dataset for run in runs})]
    return {
        "budget": config.budget,
        "runs": rows,
        "methods": [{"name": m.name, "title": m.title, "summary": m.summary, "paper": m.paper, "baseline": m.baseline} for m in methods],
        "datasets": [
            {
                "name": d.name,
                "title": d.title,
                "classes": {h.name: list(h.classes) for h in d.heads.values()},
                "derive": {name: list(parts) for name, parts in d.derive.items()},
                "means": dict(d.means),
            }
            for d in datasets
        ],
    }


def _grid_row(root: Path, config: Config, run: Run) -> dict[str, Any]:
    chosen = [(point, why) for point, why in points(root, run) if not config.points or point.name in config.points]
    why, method = blocked(root, run), load_method(root, run.method)
    return {
        "run": run.name,
        "dataset": run.dataset,
        "edition": run.edition,
        "method": run.method,
        "variant": run.variant,
        "title": method.variants[run.variant].title,
        "seed": run.seed,
        "points": [_point(method, run.variant, point, reason) | _against(root, run, point, reason) for point, reason in chosen],
        "phases": [phase.name for phase in phases(root, run)],
        "weights": [need.product.as_posix() for need in weights(root, run)],
        "gates": {need.product.as_posix(): need.phase.gate for need in weights(root, run) if need.phase.gate},
        "status": "not run" if why else "available",
        "why": why,
    }


def _point(method: Method, variant: str, point: Entry, why: str) -> dict[str, Any]:
    """`of`: the cells (`<variant>/<point>`) that it stands in for."""
    of = ["/".join(cell) for cell in stands_for(method, variant, point.name)]
    return {"name": point.name, "title": point.title, "stand_in": role(method, variant, point.name), "of": of, "why": why}


def _against(root: Path, run: Run, point: Entry, why: str) -> dict[str, str]:
    """`against`: the run and point beside which it is timed, '' where there is none; `timed_with`: the digest of the code and settings
    that decide its times now, '' where it isn't timed."""
    other = counterpart(root, run, point.name)
    if other is None:
        return {"against": "", "timed_with": ""}
    digest = ""
    if not why and not other.why:
        code = rerun.measure_code(root, *sorted({run.method, other.run.method}))
        digest = rerun.timed_with(code, rerun.measure_settings(root, run, point.name, other))
    return {"against": f"{other.run.name}/{other.point}", "timed_with": digest}


def judge(gate: Mapping[str, Any], result: Mapping[str, float]) -> str:
    """What a phase reached of its gate's metric, if that is less than its card asks for; '' where it passes. A phase that misses its
    gate is kept and the runs go on, but the report leads with it."""
    metric, least = gate["metric"], gate["at_least"]
    if metric not in result:
        return f"reports no {metric} ({', '.join(sorted(result)) or 'nothing'}), for which its gate asks"
    return "" if result[metric] >= least else f"reached {metric} = {result[metric]:.3g}; its gate asks for {least:.3g}"


def _matches(root: Path, pattern: str) -> Iterator[tuple[str, str, str]]:
    """(dataset[@edition], method, variant) triples that the pattern selects; a part without `*` must exist."""
    data_pattern, method_pattern, variant_pattern = pattern.split("/")
    dataset_pattern, edition = split_edition(data_pattern)
    found = False
    for dataset in _choose(dataset_pattern, names(root, "data"), "dataset", root):
        for method in _choose(method_pattern, names(root, "methods"), "method", root):
            card = load_method(root, method)
            for variant in _choose(variant_pattern, list(card.variants), f"variant of {card.file}", root):
                if card.variants[variant].part:
                    if variant == variant_pattern:
                        raise SaccadeError(f"config: runs: '{pattern}' is only a part of other variants in {card.file}; name those")
                    continue
                found = True
                run = Run("", dataset, edition, method, variant, 0)
                check(root, run)
                yield run.data, method, variant
    if not found:
        raise SaccadeError(f"config: runs: '{pattern}' selects nothing")


def _choose(pattern: str, known: list[str], what: str, root: Path) -> list[str]:
    if "*" not in pattern and pattern not in known:
        raise SaccadeError(f"config: runs: unknown {what} '{pattern}'" + suggest(pattern, known))
    return [name for name in known if fnmatchcase(name, pattern)]
