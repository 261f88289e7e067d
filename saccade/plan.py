"""Turns cards and a config into what would run: which runs exist, each setting and where it comes from, phases and needs.

The path of a run is its identity. Everything here is decided from text files, without torch and without the data.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from saccade.cards import IMPORT, Entry, Method, Phase, load_method
from saccade.datasets import Dataset, load_dataset
from saccade.project import check_budget, load_module
from saccade.records import Head, SaccadeError
from saccade.settings import FREE
from saccade.strict import suggest


@dataclass(frozen=True)
class Run:
    """One trained model: a method's variant on a dataset (or an edition of it), under a budget, with a seed."""

    budget: str
    dataset: str
    edition: str
    method: str
    variant: str
    seed: int

    @property
    def data(self) -> str:
        return f"{self.dataset}@{self.edition}" if self.edition else self.dataset

    @property
    def name(self) -> str:
        return f"{self.budget}/{self.data}/{self.method}/{self.variant}/seed{self.seed}"

    @property
    def prepared(self) -> Path:
        """The folder, below the root, of the index that the run reads."""
        return Path("data", self.dataset, "prepared", self.budget + (f"@{self.edition}" if self.edition else ""))

    @property
    def folder(self) -> Path:
        return Path("results", self.name)

    @classmethod
    def parse(cls, root: Path, text: str) -> "Run":
        """The run that `<budget>/<dataset>[@<edition>]/<method>/<variant>/seed<k>` names; raises SaccadeError where a part is unknown."""
        parts = text.removeprefix("results/").strip("/").split("/")
        if len(parts) != 5 or not parts[4].removeprefix("seed").isdecimal() or not parts[4].startswith("seed"):
            raise SaccadeError(f"'{text}' is not a run: <budget>/<dataset>[@<edition>]/<method>/<variant>/seed<k>")
        check_budget(parts[0], f"'{text}': ")
        run = cls(parts[0], *split_edition(parts[1]), parts[2], parts[3], int(parts[4].removeprefix("seed")))
        check(root, run)
        return run


@dataclass(frozen=True)
class Resolved:
    """Settings with, for each, the layer of the card that decided it. `typed` is the method's own `Settings`."""

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    typed: Any


@dataclass(frozen=True)
class Need:
    """A trained phase that another one starts from."""

    run: Run
    phase: Phase

    @property
    def product(self) -> Path:
        return self.run.folder / f"{self.phase.name}.json"


def split_edition(text: str) -> tuple[str, str]:
    dataset, _, edition = text.partition("@")
    return dataset, edition


def check(root: Path, run: Run) -> None:
    """Raises SaccadeError where the run's dataset, edition, method or variant doesn't exist."""
    dataset, method = load_dataset(root, run.dataset), load_method(root, run.method)
    if run.edition and run.edition not in dataset.editions:
        raise SaccadeError(f"{dataset.file}: unknown edition '{run.edition}'" + suggest(run.edition, dataset.editions))
    if run.variant not in method.variants:
        raise SaccadeError(f"{method.file}: unknown variant '{run.variant}'" + suggest(run.variant, method.variants))


def resolve(root: Path, run: Run, phase: str | None = None, point: str | None = None) -> Resolved:
    """The settings of a run, in one of its phases or at one of its operating points.

    Order, later wins: defaults < settings < datasets.<d> < budgets.<b> < variants.<v> < points.<p>; within a layer, what
    stands under `phases.<phase>` wins over the rest.
    """
    method = load_method(root, run.method)
    values, origins = dict(method.defaults), dict.fromkeys(method.defaults, "default")
    for label, layer in _layers(method, run, point):
        inner = layer.get("phases", {}).get(phase, {}) if phase else {}
        for source, body in ((label, layer), (f"{label}.phases.{phase}", inner)):
            for key, value in body.items():
                if key in method.keys:
                    values[key], origins[key] = value, source
    settings = load_module(method.file.parent / "settings.py").Settings
    try:
        typed = settings(**values)
    except (ValueError, TypeError) as error:
        raise SaccadeError(f"{method.file}: the settings of {run.name} don't go together: {error}") from None
    return Resolved(values, origins, typed)


def heads(root: Path, run: Run) -> tuple[Head, ...]:
    """The label spaces that the run learns: those that `heads` names, or all that the dataset has."""
    dataset = load_dataset(root, run.dataset)
    wanted = resolve(root, run).values["heads"] or dataset.heads
    for head in wanted:
        if head not in dataset.heads:
            raise SaccadeError(f"{run.name}: head '{head}' is unknown to {dataset.file}" + suggest(head, dataset.heads))
    return tuple(dataset.heads[head] for head in wanted)


def phases(root: Path, run: Run) -> list[Phase]:
    """The run's own phases, each after those it needs."""
    method = load_method(root, run.method)
    use = method.variants[run.variant].use or tuple(name for name in method.phases if name != IMPORT)
    own = {name: _in_run(method, run, method.phases[name]) for name in use}
    ordered: list[Phase] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise SaccadeError(f"{method.file}: phases need each other in a circle: {' -> '.join((*path, name))}")
        for need in own[name].needs:
            if "/" not in need:
                if need not in own:
                    raise SaccadeError(
                        f"{method.file}: phases.{name}.needs: no phase '{need}' in variant {run.variant}" + suggest(need, own)
                    )
                visit(need, (*path, name))
        if own[name] not in ordered:
            ordered.append(own[name])

    for name in own:
        visit(name, ())
    return ordered


def phase_of(root: Path, run: Run, name: str) -> Phase:
    found = {phase.name: phase for phase in phases(root, run)}
    if name not in found:
        raise SaccadeError(f"{run.name} has no phase '{name}'" + suggest(name, found))
    return found[name]


def needs(root: Path, run: Run, phase: Phase, _path: tuple[str, ...] = ()) -> list[Need]:
    """All that must be loaded before `phase` starts, in order, its needs' needs first. Raises SaccadeError where a need doesn't
    exist or was trained with other settings than the ones it `reads` have here."""
    found: list[Need] = []
    for text in phase.needs:
        need = _need(root, run, phase, text)
        other = need.run
        label = str(need.product)
        if label in _path:
            raise SaccadeError(f"{run.name}: phases need each other in a circle: {' -> '.join((*_path, label))}")
        if (other.method, other.dataset) == (run.method, run.dataset) and other != run:  # another one has its own recipe
            _check_shared(root, run, need)
        for inner in [*needs(root, other, need.phase, (*_path, label)), need]:
            if inner not in found:
                found.append(inner)
    return found


def weights(root: Path, run: Run) -> list[Need]:
    """Every phase that the finished model is made of, in loading order."""
    found: list[Need] = []
    for phase in phases(root, run):
        for need in [*needs(root, run, phase), Need(run, phase)]:
            if need not in found:
                found.append(need)
    return found


def drops(root: Path, run: Run) -> dict[Path, tuple[str, ...]]:
    """Globs over the tensors of other runs' phases that this run leaves out when it loads them, by product."""
    found: dict[Path, tuple[str, ...]] = {}
    for phase in phases(root, run):
        for need in needs(root, run, phase):
            if need.run != run and phase.drops:
                found[need.product] = (*found.get(need.product, ()), *phase.drops)
    return found


def phase_settings(root: Path, run: Run, phase: Phase) -> dict[str, Any]:
    """The settings that decide the phase's weights."""
    values = resolve(root, run, phase.name).values
    return {key: values[key] for key in sorted(values if phase.reads is None else phase.reads) if key not in (*FREE, *phase.ignores)}


def points(root: Path, run: Run) -> list[tuple[Entry, str]]:
    """The operating points of the run's variant, each with the reason why it can't run here ('' where it can)."""
    method, dataset = load_method(root, run.method), load_dataset(root, run.dataset)
    found = []
    for point in method.points.values():
        if point.only is not None and not any(fnmatchcase(run.variant, pattern) for pattern in point.only):
            continue
        why = f"needs ground truth per frame, which {dataset.name} doesn't have" if "truth" in point.requires and not dataset.truth else ""
        found.append((point, why))
    return found


def point_to_try(root: Path, run: Run, wanted: str | None = None) -> str:
    """The operating point for a video of which nothing is known: the one wanted, or the one with the run's own settings, or the card's
    first that is no stand-in. Raises SaccadeError where it is unknown or can't be had."""
    known = {point.name: "needs ground truth per frame" if "truth" in point.requires else why for point, why in points(root, run)}
    if wanted is not None:
        if wanted not in known:
            raise SaccadeError(f"{run.name}: unknown point '{wanted}'" + suggest(wanted, known))
        if known[wanted]:
            raise SaccadeError(f"{run.name}: point '{wanted}' {known[wanted]}, which can't be had for any video; take another point")
        return wanted
    free = [point.name for point, _ in points(root, run) if not known[point.name] and not point.stand_in]
    own = resolve(root, run).values
    return next((name for name in free if resolve(root, run, point=name).values == own), free[0] if free else next(iter(known)))


def unavailable(root: Path, dataset: Dataset, budget: str, edition: str = "") -> str:
    """Why the dataset can't be used here and now; '' where it can."""
    if dataset.source == "embedded" and budget not in dataset.budgets:
        return f"{dataset.name} is embedded data and has no {budget} budget ({', '.join(dataset.budgets)})"
    prepared = Path("data", dataset.name, "prepared", budget + (f"@{edition}" if edition else ""), "index.parquet")
    if not all(head.classes for head in dataset.heads.values()):  # not even the prepared index tells what its labels mean
        return lacking(dataset)
    return "" if (root / prepared).is_file() else lacking(dataset)


def lacking(dataset: Dataset) -> str:
    """What raw/ lacks, and how to bring it; '' where it is whole."""
    missing = [path for path in dataset.expects if not (dataset.folder / "raw" / path).exists()]
    what = f"lacks {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}" if missing else "holds no videos yet"
    whole = not missing and all(head.classes for head in dataset.heads.values())
    return "" if whole else f"data/{dataset.name}/raw {what}; {dataset.acquire}".rstrip("; ")


def blocked(root: Path, run: Run) -> str:
    """Why the run can't be done here and now: its data, data that a phase it needs is trained on, or released weights; '' where it can."""
    for one in dict.fromkeys([run, *(need.run for need in weights(root, run))]):
        if why := unavailable(root, load_dataset(root, one.dataset), one.budget, one.edition):
            return why
    imports = [need.run for need in weights(root, run) if need.phase.name == IMPORT]
    return next((why for one in imports if (why := lacks_released(root, load_method(root, one.method), one.variant))), "")


def released_file(root: Path, run: Run) -> Path:
    """Where, below the root, the run's published weights are expected."""
    released = load_method(root, run.method).variants[run.variant].released
    assert released is not None, f"{run.name} has no phase {IMPORT}"  # the card was checked
    return Path("methods", run.method, "released", released.file)


def lacks_released(root: Path, method: Method, variant: str) -> str:
    """Which file of published weights the variant lacks and where to get it; '' where it lacks none."""
    released = method.variants[variant].released
    if released is None or (root / (file := Path("methods", method.name, "released", released.file))).is_file():
        return ""
    return f"{file} is missing; {released.get}"


def data_settings(root: Path, dataset: Dataset, budget: str, edition: str = "") -> dict[str, Any]:
    """The settings of a dataset's preparation: defaults < settings < budgets.<b> < editions.<e>."""
    values = dict(dataset.defaults)
    for label in ("settings", f"budgets.{budget}", f"editions.{edition}"):
        values.update(dataset.layers.get(label, {}))
    return values


def _layers(method: Method, run: Run, point: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for label in ("settings", f"datasets.{run.dataset}", f"budgets.{run.budget}"):
        yield label, method.layers.get(label, {})
    yield f"variants.{run.variant}", method.variants[run.variant].layer
    if point is not None:
        if point not in method.points:
            raise SaccadeError(f"{method.file}: unknown point '{point}'" + suggest(point, method.points))
        yield f"points.{point}", method.points[point].layer


def _in_run(method: Method, run: Run, phase: Phase) -> Phase:
    """The phase with what it needs, and drops of that, in this run."""
    for _, layer in _layers(method, run, None):
        inner = layer.get("phases", {}).get(phase.name, {})
        needs, drops = (tuple(inner.get(key, getattr(phase, key))) for key in ("needs", "drops"))
        phase = dataclasses.replace(phase, needs=needs, drops=drops)
    return phase


def _need(root: Path, run: Run, phase: Phase, text: str) -> Need:
    """What a need names; parts that aren't said are this run's own: [<dataset>/][<method>/][<variant>/]<phase>."""
    *parts, name = text.split("/")
    if len(parts) > 3:
        raise SaccadeError(f"{run.name}: phase {phase.name} needs '{text}', which isn't [<dataset>/][<method>/][<variant>/]<phase>")
    data, method, variant = [run.data, run.method, run.variant][: 3 - len(parts)] + parts
    other = Run(run.budget, *split_edition(data), method, variant, run.seed)
    try:
        check(root, other)
        return Need(other, phase_of(root, other, name))
    except SaccadeError as error:
        card = load_method(root, run.method).file
        raise SaccadeError(f"{card}: in {run.name}, phase {phase.name} needs '{text}', which doesn't exist: {error}") from None


def _check_shared(root: Path, run: Run, need: Need) -> None:
    theirs, mine = phase_settings(root, need.run, need.phase), resolve(root, run, need.phase.name).values
    differ = [f"{key} ({mine[key]!r} here, {theirs[key]!r} there)" for key in theirs if key in mine and mine[key] != theirs[key]]
    if differ:
        raise SaccadeError(
            f"{run.name} needs {need.product.with_suffix('')}, which was trained with other settings: {', '.join(differ)}; "
            f"make them equal, or list under the phase's `ignores` the settings that don't decide its weights"
        )
