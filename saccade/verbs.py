"""What each verb of the command line does: it asks the plan what is meant, and hands it to a step."""

import argparse
import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any

from saccade import products
from saccade.cards.address import DATA, parse_address, with_edition
from saccade.cards.config import Config, load_config
from saccade.cards.dataset import load_dataset
from saccade.cards.method import IMPORT, Phase, load_method
from saccade.cards.plain_yaml import parse_yaml
from saccade.editions import parse_edition
from saccade.files import need_writable
from saccade.plan import staleness
from saccade.plan.availability import (
    what_is_wrong_with_data,
    why_blocked,
    why_not_imported,
    why_raw_lacking,
    why_unavailable,
    why_unfit,
)
from saccade.plan.checked import check_settings
from saccade.plan.counterparts import Counterpart, counterparts_of
from saccade.plan.describe import describe_run, on_request, stale, stale_features
from saccade.plan.features import Cached, deciding_features, features_of, features_settings
from saccade.plan.grid import planned_grid, selected_runs
from saccade.plan.layers import data_settings, heads_of, resolve, tests_only
from saccade.plan.overview import describe_one, describe_project
from saccade.plan.phases import Need, drops_of, needs_of, phase_of, phase_settings, phases_of, weights_of
from saccade.plan.points import point_settings, point_to_try, points_of
from saccade.plan.runs import Run, check_edition
from saccade.product_names import command_for
from saccade.project import check_budget
from saccade.records import EAGER, EXACT, FEATURES_ENDS, PLAN_FILE, RUNTIMES, SaccadeError, Task, suggest
from saccade.temporary import clear_leftovers
from saccade.video.subset import Whole


def run_list(root: Path, options: argparse.Namespace) -> None:
    width = shutil.get_terminal_size((80, 24)).columns
    config = _config(root, options)
    print(describe_one(root, config, options.name, width) if options.name else describe_project(root, config, width))


def run_doctor(root: Path, options: argparse.Namespace) -> None:
    from saccade.doctor.one_dataset import describe_dataset
    from saccade.doctor.screen import describe_all

    width = shutil.get_terminal_size((80, 24)).columns
    dataset = load_dataset(root, options.dataset) if options.dataset else None
    for line in describe_dataset(root, dataset, width) if dataset else describe_all(root, width):
        print(line, flush=True)


def run_plan(root: Path, options: argparse.Namespace) -> None:
    if options.write:
        products.write(options.write, planned_grid(root, _config(root, options)))
    elif options.run:
        print(describe_run(root, Run.parse(root, options.run)))
    else:
        for run in selected_runs(root, _config(root, options)):
            print(run.name)


def run_new(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.new import new

    print(new(root, options.kind, options.name))


def run_acquire(root: Path, options: argparse.Namespace) -> None:
    dataset = load_dataset(root, options.dataset)
    if not dataset.obtained:
        if why := why_raw_lacking(dataset):
            raise SaccadeError(why)
        print(f"{dataset.name}: nothing to acquire")
        return
    from saccade.steps.acquire import Order, acquire

    asked = {item.name: getattr(options, item.name) for item in dataclasses.fields(Order)}
    patterns = {name: tuple(getattr(options, name)) for name in ("only", "accept_changed")}
    acquire(dataset, Order(**asked | patterns))


def run_prepare(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.prepare import prepare

    check_budget(options.budget)
    address = parse_address(options.dataset, DATA)
    dataset, edition = load_dataset(root, address.dataset), address.edition
    check_edition(dataset, options.budget, edition)
    if why := why_unavailable(root, dataset, options.budget, edition):
        raise SaccadeError(why)
    settings = data_settings(root, dataset, options.budget, edition)
    named = parse_edition(edition)
    whole = Whole(dataset.heads_in(named.own), named.subset.videos) if named.subset else None
    label, trained = with_edition(options.budget, edition), not tests_only(root, dataset, options.budget, edition)
    prepare(
        root,
        dataset.folder,
        label,
        settings,
        dataset.heads_in(edition),
        dataset.allow_missing,
        options.workers,
        listing=dataset.listing,
        truth=dataset.truth,
        clusters_apart=dataset.clusters_apart and trained,
        whole_classes=dataset.whole_classes and trained,
        way=dataset.probe,
        whole=whole,
        min_frames=dataset.min_frames,
        counts=dataset.counts.get(named.own, {}),
        raw_name=with_edition(options.budget, named.own),
        encoded=named.way,
    )


def run_train(root: Path, options: argparse.Namespace) -> None:
    run = Run.parse(root, options.run)
    _train_phase(root, run, phase_of(root, run, options.phase))


def _train_phase(root: Path, run: Run, phase: Phase) -> None:
    from saccade.steps.train import import_weights, train

    # published weights need no videos
    if why := why_not_imported(root, run) if phase.name == IMPORT else why_blocked(root, run):
        raise SaccadeError(f"{run.name} can't be {'imported' if phase.name == IMPORT else 'trained'} here: {why}")
    settings = resolve(root, run, phase.name).typed
    products = [need.product for need in needs_of(root, run, phase)]
    values, code = phase_settings(root, run, phase), staleness.train_code(root, run.method, phase.name)
    imports = staleness.released(root, run) if phase.name == IMPORT else None
    more = {"trains": phase.trains, "identity": staleness.train_params(root, run, phase), "released": imports}
    more |= {"features": {one.phase.name: _current(root, one) for one in features_of(root, run, phase)}}
    task = _task(root, run, settings, products, code, values, phase=phase.name, **more)
    for folder in (task.folder, task.checkpoint.parent):
        need_writable(folder)
        clear_leftovers(folder)
    (import_weights if imports else train)(task)


def _current(root: Path, cached: Cached) -> Path:
    """The product of the features; raises SaccadeError where they are so stale that Snakemake would compute them anew.
    Of weights and data the step sees that itself."""
    changes = stale_features(root, cached)
    if changes and not on_request(cached.run, changes):
        product = root / cached.product
        raise SaccadeError(
            f"{product} was made otherwise than it would be now: {', '.join(changes)}; this makes it anew: "
            f"{command_for(product)}"
        )
    return cached.product


def run_features(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.features import features

    run = Run.parse(root, options.run)
    phase = phase_of(root, run, options.phase)
    if why := why_blocked(root, run):
        raise SaccadeError(f"{run.name}: no features can be computed here: {why}")
    products = [need.product for need in [*needs_of(root, run, phase), Need(run, phase)]]
    settings, values = features_settings(root, run, phase), deciding_features(root, run, phase)
    code = staleness.features_code(root, run.method, phase.name)
    identity = {"settings": staleness.features_params(root, run, phase)["settings"]}
    task = _task(root, run, settings, products, code, values, phase=phase.name, identity=identity)
    for folder in (task.folder, task.folder / f"{phase.name}{FEATURES_ENDS}"):
        need_writable(folder)
        clear_leftovers(folder)
    features(task)


def run_predict(root: Path, options: argparse.Namespace) -> None:
    from saccade.engine.inference import need_trained
    from saccade.steps.predict import predict

    run = _run_on_sound_data(root, options.run)
    if options.runtime in RUNTIMES and options.runtime not in EXACT:
        raise SaccadeError(
            f"pages show what predict leaves, and {options.runtime} isn't exact; `try` and `measure` take it"
        )
    resolved = {point.name: resolve(root, run, point=point.name) for point, why in points_of(root, run) if not why}
    _need_runtime(options.runtime, resolve(root, run).typed)
    values = point_settings(root, run)
    products = [need.product for need in weights_of(root, run)]
    points = {name: point.typed for name, point in resolved.items()}
    task = _task(
        root, run, resolve(root, run).typed, products, staleness.predict_code(root, run.method), values, points=points
    )
    need_trained(task)
    if options.runtime == EAGER:
        predict(task)
    else:
        from saccade.timing.side import checked

        predict(task, options.runtime, checked)


def run_try(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.try_video import try_video

    run = Run.parse(root, options.run)
    point = point_to_try(root, run, options.point)
    for path in options.video:
        if path.is_dir():
            raise SaccadeError(f"{path} is a folder; name the videos in it, as {path / '*'}")
    settings = resolve(root, run).typed
    _need_runtime(options.runtime, settings)
    if options.out:
        need_writable(options.out)
    weights = weights_of(root, run)
    for need in weights:
        if need.phase.name == IMPORT and not (root / need.product).is_file():
            _train_phase(root, need.run, need.phase)
    products = [need.product for need in weights]
    for phase in phases_of(root, run):
        if changes := stale(root, run, phase):
            print(
                f"saccade: note: phase {phase.name} was made otherwise than it would be now: {', '.join(changes)}",
                file=sys.stderr,
            )
    points = {point: resolve(root, run, point=point).typed}
    code = "" if options.runtime == EAGER else staleness.predict_code(root, run.method)
    task = _task(root, run, settings, products, code, values={}, points=points)
    for text in try_video(task, options.video, options.out or task.folder / "try", options.runtime):
        print(text, flush=True)


def _need_runtime(runtime: str, settings: Any) -> None:
    """Raises SaccadeError where the device that the settings ask for hasn't got the runtime here."""
    if runtime != EAGER:
        from saccade.engine.device import choose_device
        from saccade.timing.runtimes import need

        need(runtime, choose_device(settings.device))


def _run_on_sound_data(root: Path, text: str) -> Run:
    """The run that the text names; raises SaccadeError where what lies in its dataset's raw/ can't tell its classes."""
    run = Run.parse(root, text)
    if wrong := what_is_wrong_with_data(root, run):
        raise SaccadeError(wrong)
    return run


def _task(
    root: Path, run: Run, settings: Any, products: list[Path], code: str, values: dict[str, Any], **more: Any
) -> Task:
    check_settings(root, run)
    if products and (why := why_unfit(root, run)):
        raise SaccadeError(f"{run.name}: {why}")
    return Task(
        root=root,
        run=run.name,
        method=Path("methods", run.method),
        prepared=run.prepared,
        settings=settings,
        heads=heads_of(root, run),
        seed=run.seed,
        weights=products,
        drops=drops_of(root, run),
        code=code,
        values=values,
        **more,
    )


def run_measure(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.measure import measure
    from saccade.timing.one_process import time_once

    asked = dict.fromkeys(options.runtime or [EAGER])
    if unknown := [name for name in asked if name not in (*RUNTIMES, "all")]:
        raise SaccadeError(f"there is no runtime '{unknown[0]}'" + suggest(unknown[0], [*RUNTIMES, "all"]))
    run = _run_on_sound_data(root, options.run)
    pairs = {point: pair(root, run, point, other) for point, other in counterparts_of(root, run).items()}
    if options.point and options.point not in pairs:
        raise SaccadeError(
            f"{run.name} has no point '{options.point}' with a counterpart" + suggest(options.point, pairs)
        )
    if not pairs:
        raise SaccadeError(
            f"{run.name}: no point of it names a counterpart; say `against` in {load_method(root, run.method).file}"
        )
    if options.into:
        time_once(pairs[options.point], options.runtime, options.process, options.into)
    else:
        every = "all" in asked
        names = list(RUNTIMES) if every else list(asked)
        measure(pairs, root / run.folder, names, options.point, every or options.record_absent)


def pair(root: Path, run: Run, point: str, other: Counterpart) -> Any:
    from saccade.timing.side import Pair

    code = staleness.measure_code(root, *sorted({run.method, other.run.method}))
    tasks = []
    for each, name in ((run, point), (other.run, other.point)):
        products = [need.product for need in weights_of(root, each)]
        points = {name: resolve(root, each, point=name).typed}
        tasks.append(_task(root, each, resolve(root, each).typed, products, code, {}, points=points))
    return Pair(tasks[0], tasks[1], code, staleness.measure_settings(root, run, point, other))


def run_score(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.score import score

    run = _run_on_sound_data(root, options.run)
    dataset = load_dataset(root, run.dataset)
    score(root / run.folder, root / run.prepared, heads_of(root, run), dataset.derive)


def run_cost(root: Path, options: argparse.Namespace) -> None:
    from saccade.cost.printed import join_costs

    counted = staleness.methods_with_cells(root)
    if options.run and (options.method or options.join):
        raise SaccadeError(
            "cost RUN counts one run; --method and --join are of the papers' cells: leave out the one or the other"
        )
    if options.point and not options.run:
        raise SaccadeError("--point is one of a run's operating points; name the run: saccade cost RUN --point POINT")
    if options.run:
        run = _run_on_sound_data(root, options.run)
        point = point_to_try(root, run, options.point)
        task = _task(
            root, run, resolve(root, run).typed, [], "", {}, points={point: resolve(root, run, point=point).typed}
        )
        from saccade.steps.cost import describe_cost

        for line in describe_cost(task):
            print(line, flush=True)
        return
    if options.method and options.method not in counted:
        raise SaccadeError(f"no method '{options.method}' has a paper/cells.py" + suggest(options.method, counted))
    if not options.join:
        from saccade.steps.cost import count_cells

        count_cells(root, [options.method] if options.method else counted)
    if not options.method:
        join_costs(root, counted)


def run_report(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps import report

    check_budget(options.budget)
    report.report(root, root / "results" / options.budget / PLAN_FILE, options.part, options.method)


def run_verify(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.verify import verify

    budget = Path(options.budget).name  # results/<budget> is as good
    check_budget(budget)
    for line in verify(root, budget):
        print(line, flush=True)


def _config(root: Path, options: argparse.Namespace) -> Config:
    if options.config.lstrip().startswith("{"):
        return load_config(parse_yaml(options.config, "--config"))
    file = Path(options.config)
    return load_config(file if file.is_file() else root / file)
