"""What `plan` prints: one run, with the origin of every setting."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from saccade import files, products
from saccade.cards.address import with_edition
from saccade.cards.dataset import Dataset, load_dataset
from saccade.cards.method import IMPORT, Method, load_method
from saccade.plan import staleness
from saccade.plan.availability import released_file, why_blocked
from saccade.plan.checked import check_settings
from saccade.plan.features import Cached, deciding_features, features_of
from saccade.plan.gates import why_gate_missed
from saccade.plan.layers import Resolved, data_settings, resolve, without_defaults
from saccade.plan.phases import Need, needs_of, phase_settings, phases_of, weights_of
from saccade.plan.points import point_settings, points_of, role, stands_for
from saccade.plan.runs import Run
from saccade.records import COVERAGE_FILE, INDEX_FILE, PREDICTIONS_FILE, canonical, provenance_name

CODE_CHANGED = "its code changed"  # among what makes a product stale


def describe_run(root: Path, run: Run) -> str:
    """The run's phases with their needs and state; its points with what they change; each setting with its value and
    the layer of the card that decided it; and the settings that a phase has otherwise."""
    check_settings(root, run)
    method = load_method(root, run.method)
    lines = [
        run.name,
        f"  data {run.prepared}",
        f"  can't run here: {why}" if (why := why_blocked(root, run)) else "  can run here",
    ]
    lines += [f"  {line}" for line in _weights(root, run)]
    lines += [f"  predict: {_predict_state(root, run)}"]
    resolved = resolve(root, run)
    lines += ["  points, each with the settings that it changes"]
    for point, why in points_of(root, run):
        changed = _changed(resolve(root, run, point=point.name), resolved)
        lines += [
            f"    {point.name}: "
            f"{changed}{_stands(method, run.variant, point.name)}{f' (not run: {why})' if why else ''}"
        ]
    lines += ["  settings", *_lines(resolved, resolved.values)]
    for phase in phases_of(root, run):
        own = resolve(root, run, phase.name)
        if differ := _differ(own, resolved):
            lines += [f"  settings of phase {phase.name} that differ", *_lines(own, differ)]
    return "\n".join(lines)


def _differ(own: Resolved, rest: Resolved) -> list[str]:
    return [key for key in sorted(own.values) if own.values[key] != rest.values[key]]


def _changed(own: Resolved, rest: Resolved) -> str:
    """`num_frames 2, stride 4 (points.few)`: the settings that differ, with the layer that decided them."""
    layers: dict[str, list[str]] = {}
    for key in _differ(own, rest):
        layers.setdefault(own.origins[key], []).append(f"{key} {canonical(own.values[key])}")
    return "; ".join(f"{', '.join(changes)} ({layer})" for layer, changes in layers.items()) or "the run's own settings"


def _lines(resolved: Resolved, keys: Iterable[str]) -> list[str]:
    """A line per setting: key, value, the layer that decided it."""
    width = max(len(key) for key in resolved.values)
    return [f"    {key:{width}} {canonical(resolved.values[key]):24} {resolved.origins[key]}" for key in sorted(keys)]


def _weights(root: Path, run: Run) -> Iterator[str]:
    """The phases that the model is made of, in the order of loading, two lines each, and a third where a later one
    trains on its features. Those of other runs are named by their path."""
    moves: list[Need] = []  # those whose weights may still change
    taken = [cached for need in weights_of(root, run) for cached in features_of(root, need.run, need.phase)]
    for need in weights_of(root, run):
        name = f"phase {need.phase.name}" if need.run == run else f"phase {need.phase.name} of {need.run.name}"
        without = f" without {', '.join(need.phase.drops)}" if need.phase.drops else ""
        takes = f"; takes the features of {', '.join(need.phase.features)}" if need.phase.features else ""
        needs = ", ".join(need.phase.needs) or "nothing"
        yield f"{name}: needs {needs}{without}{takes}; trains {', '.join(need.phase.trains)}"
        state = _phase_state(root, need.run, need.phase)
        before = [other.phase.name for other in needs_of(root, need.run, need.phase) if other in moves]
        others = [one for one in features_of(root, need.run, need.phase) if stale_features(root, one)]
        if state == "trained, up to date" and before:
            state = f"trained; runs again if the weights of {', '.join(before)} change"
        elif state == "trained, up to date" and others:
            state = f"trained; runs again if the features of {', '.join(one.phase.name for one in others)} change"
        if state != "trained, up to date":
            moves.append(need)
        yield f"  {state}{_gate_state(root, need)}"
        if (cached := Cached(need.run, need.phase)) in taken:
            yield f"  features: {_features_state(root, cached, need in moves)}"


def _features_state(root: Path, cached: Cached, moves: bool) -> str:
    if not (root / cached.product).is_file():
        return "not computed yet; are when a phase that takes them is trained"
    if changes := stale_features(root, cached):
        asked = on_request(cached.run, changes)
        would = "stale; are computed again on request (--forcerun features)" if asked else "would be computed again"
        return f"{would}: {', '.join(changes)}"
    return "computed; again if its weights change" if moves else "computed, up to date"


def stale_features(root: Path, cached: Cached) -> list[str]:
    """Why a phase's features aren't what would be computed now, beside its weights and data. Empty where they are, and
    where none were computed."""
    product, run, phase = root / cached.product, cached.run, cached.phase
    if not product.is_file():
        return []
    was = products.read(product)
    now, defaults = deciding_features(root, run, phase), load_method(root, run.method).defaults
    code = staleness.features_code(root, run.method, phase.name)
    return [*_changes(was["settings"], now, defaults), *([CODE_CHANGED] if was["code"] != code else [])]


def on_request(run: Run, changes: Sequence[str]) -> bool:
    """Whether what is stale by these changes is made anew only if one asks for it: by edited code alone, in a budget
    where that re-runs nothing by itself."""
    return run.budget not in staleness.ALWAYS_CURRENT and set(changes) == {CODE_CHANGED}


def _gate_state(root: Path, need: Need) -> str:
    if need.phase.gate is None or not (root / need.product).is_file():
        return ""
    missed = why_gate_missed(need.phase.gate.model_dump(), products.read(root / need.product)["result"])
    return f"; MISSED its gate: {missed}" if missed else "; passed its gate"


def _stands(method: Method, variant: str, point: str) -> str:
    kind = role(method, variant, point)
    return (
        f", {kind} stand-in for {', '.join(map('/'.join, stands_for(method, variant, point))) or 'nothing'}"
        if kind
        else ""
    )


def stale(root: Path, run: Run, phase: Any) -> list[str]:
    """Why a finished phase isn't what would be trained now. Empty where it is, or where the phase isn't finished."""
    product = root / run.folder / f"{phase.name}.json"
    if not product.is_file():
        return []
    was = products.read(product)
    now, code = phase_settings(root, run, phase), staleness.train_code(root, run.method, phase.name)
    changes = list(_changes(was["settings"], now, load_method(root, run.method).defaults))
    changes += [CODE_CHANGED] if was["code"] != code else []
    if phase.name == IMPORT and was["released"]["asked"] != staleness.released(root, run):
        changes.append("the card's `released` changed")
    if phase.name == IMPORT and (file := root / released_file(root, run)).is_file():
        changes += ["its published file is another"] if files.sha256(file) != was["released"]["sha256"] else []
    return changes + (
        [f"trains {_short(was['trains'])} -> {_short(list(phase.trains))}"]
        if was["trains"] != list(phase.trains)
        else []
    )


def _phase_state(root: Path, run: Run, phase: Any) -> str:
    if not (root / run.folder / f"{phase.name}.json").is_file():
        return "not trained yet: would run"
    changes = stale(root, run, phase)
    if why := why_prepared_again(root, load_dataset(root, run.dataset), run.budget, run.edition):
        return f"would run again: its data would be prepared again ({why})"
    if not changes:
        return "trained, up to date"
    asked = on_request(run, changes)
    would = "stale; runs again on request (--forcerun train)" if asked else "would run again"
    return f"{would}: {', '.join(changes)}"


def _predict_state(root: Path, run: Run) -> str:
    record = root / run.folder / provenance_name("predict")
    if not record.is_file() or not (root / run.folder / PREDICTIONS_FILE).is_file():
        return "not predicted yet: would run"
    if any(
        _phase_state(root, need.run, need.phase).startswith(("would", "not trained")) for need in weights_of(root, run)
    ):
        return "would run again: what it needs would"
    was = products.read(record)
    now, defaults = point_settings(root, run), load_method(root, run.method).defaults
    changes = [f"point {point} is new" for point in now if point not in was["settings"]]
    for point, values in was["settings"].items():
        changed = _changes(values, now[point], defaults) if point in now else ()
        changes += [f"{point}.{change}" for change in changed] if point in now else [f"point {point} is gone"]
    changes += [CODE_CHANGED] if was["code"] != staleness.predict_code(root, run.method) else []
    return f"would run again: {', '.join(changes)}" if changes else "predicted, up to date"


def _changes(was: Mapping[str, Any], now: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[str]:
    """The settings that differ as the plan compares them. A setting at its published default changes nothing, whether
    it is new or is no longer read."""
    before, after = without_defaults(was, defaults), without_defaults(now, defaults)
    for key in sorted(set(before) | set(after)):
        old, new = was.get(key, defaults.get(key)), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from (f"{key}.{change}" for change in _changes(old, new, {}))
        elif before.get(key) != after.get(key):
            yield f"{key} {_short(old)} -> {_short(new) if key in now else '(not read)'}"


def why_prepared_again(root: Path, dataset: Dataset, budget: str, edition: str = "") -> str | None:
    """How the settings of the data differ from those that it was prepared with; None where they don't. Raises
    SaccadeError where what was prepared is damaged."""
    coverage = dataset.folder / "prepared" / with_edition(budget, edition) / COVERAGE_FILE
    if not coverage.is_file() and not coverage.with_name(INDEX_FILE).is_file():
        return "not prepared yet"
    was, now = products.read(coverage), data_settings(root, dataset, budget, edition)
    changes = list(_changes(was["settings"], now, dataset.defaults))
    return ", ".join(changes + (["other videos in raw/"] if was.get("listing", "") != dataset.listing else [])) or None


def _short(value: Any) -> str:
    text = canonical(value)
    return text if len(text) <= 40 else "(other)"
