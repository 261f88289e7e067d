"""The command line: one subcommand per verb, the same ones that the workflow's rules call."""

import argparse
import os
import select
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from saccade import products
from saccade.cards.address import DATA, parse_address, with_edition
from saccade.cards.config import Config, load_config
from saccade.cards.dataset import load_dataset
from saccade.cards.method import IMPORT, Phase, load_method
from saccade.cards.plain_yaml import parse_yaml
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
from saccade.plan.describe import describe_run, stale
from saccade.plan.grid import planned_grid, selected_runs
from saccade.plan.layers import data_settings, heads_of, resolve, tests_only
from saccade.plan.overview import describe_one, describe_project
from saccade.plan.phases import drops_of, needs_of, phase_of, phase_settings, phases_of, weights_of
from saccade.plan.points import point_settings, point_to_try, points_of
from saccade.plan.runs import Run
from saccade.project import check_budget, find_root
from saccade.records import PLAN_FILE, SaccadeError, Task, one_line, suggest
from saccade.temporary import clear_leftovers, look_again, own_tempdir
from saccade.unforeseen import EXIT_CODE, escape_unknown_letters, too_little_memory, whose_bug, why_no_file


def command() -> int:
    """The command `saccade`. It is installed from one checkout and must not run that checkout's code on the files of
    another."""
    here = Path(__file__).parent
    try:
        root = find_root()
    except SaccadeError:
        return script()  # which says so
    if (root / "saccade/__main__.py").is_file() and not here.samefile(root / "saccade"):
        print(f"saccade: this command belongs to {here.parent}; in {root} say python -m saccade", file=sys.stderr)
        return 1
    return script()


def script() -> int:
    """`main` in a process of its own."""
    with own_tempdir():
        return main()


def main(arguments: list[str] | None = None) -> int:
    """Runs one verb. Where something went wrong that the user can mend, prints one clear message and gives back 1. An
    error that nobody foresaw gives a traceback, a sentence that says what to report, and 70."""
    asked = _stop_when_asked()
    if parent := os.environ.get("SACCADE_STOPS_WITH"):
        threading.Thread(target=_stop_with_parent, args=(int(parent),), daemon=True).start()
    escape_unknown_letters()
    look_again()
    options = _parser().parse_args(arguments)
    try:
        options.run_verb(find_root(), options)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        if asked:  # a library may have made an error of its own of what stops us
            print("saccade: interrupted", file=sys.stderr)
            return 128 + asked[0]
        return _told(error)
    return 0


def _stop_when_asked() -> list[int]:
    """From now on SIGTERM, and Ctrl-C where it isn't ignored, end the process in such a way that temporary files are
    cleaned up. Gives the list into which the signal's number comes then."""
    asked: list[int] = []

    def stop(number: int, _: object) -> None:
        asked.append(number)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, stop)
    return asked


def _told(error: BaseException) -> int:
    """Prints what the error means for the user; gives the exit code."""
    if isinstance(error, KeyboardInterrupt):
        print("saccade: interrupted", file=sys.stderr)
        return 130
    if isinstance(error, SaccadeError):
        print(f"saccade: {one_line(error)}", file=sys.stderr)
        return 1
    if isinstance(error, OSError):
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return 128 + signal.SIGPIPE  # the status that a shell gives any tool
        print(f"saccade: {one_line(why_no_file(error))}", file=sys.stderr)
        return 1
    if sentence := too_little_memory(error):
        print(f"saccade: {sentence}", file=sys.stderr)
        return 1
    traceback.print_exception(error)
    print(f"saccade: {whose_bug(error)}", file=sys.stderr)
    return EXIT_CODE


def _nobody_reads() -> bool:
    """Whether it is our own output that is no longer read (`saccade list | head -1`). What remains of it is then
    dropped."""
    output = select.poll()
    output.register(sys.stdout, 0)  # that the other end is closed is reported unasked
    if gone := bool(output.poll(0)):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return gone


def _stop_with_parent(parent: int) -> None:
    """Asks this process to stop once that parent has died, even if it died before we looked. Where the process doesn't
    react within a minute, ends it."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
    os._exit(143)


def _list(root: Path, options: argparse.Namespace) -> None:
    width = shutil.get_terminal_size((80, 24)).columns
    config = _config(root, options)
    print(describe_one(root, config, options.name, width) if options.name else describe_project(root, config, width))


def _plan(root: Path, options: argparse.Namespace) -> None:
    if options.write:
        products.write(options.write, planned_grid(root, _config(root, options)))
    elif options.run:
        print(describe_run(root, Run.parse(root, options.run)))
    else:
        for run in selected_runs(root, _config(root, options)):
            print(run.name)


def _new(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.new import new

    print(new(root, options.kind, options.name))


def _acquire(root: Path, options: argparse.Namespace) -> None:
    dataset = load_dataset(root, options.dataset)
    if why := why_raw_lacking(dataset):
        raise SaccadeError(why)
    print(f"{dataset.name}: nothing to acquire")


def _prepare(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.prepare import prepare

    check_budget(options.budget)
    named = parse_address(options.dataset, DATA)
    dataset, edition = load_dataset(root, named.dataset), named.edition
    if why := why_unavailable(root, dataset, options.budget, edition):
        raise SaccadeError(why)
    if edition and edition not in dataset.editions:
        raise SaccadeError(f"{dataset.file}: there is no edition '{edition}' ({', '.join(dataset.editions) or 'none'})")
    settings = data_settings(root, dataset, options.budget, edition)
    label, trained = with_edition(options.budget, edition), not tests_only(root, dataset, options.budget, edition)
    prepare(
        root,
        dataset.folder,
        label,
        settings,
        dataset.heads,
        dataset.allow_missing,
        options.workers,
        listing=dataset.listing,
        truth=dataset.truth,
        clusters_apart=dataset.clusters_apart and trained,
        whole_classes=dataset.whole_classes and trained,
    )


def _train(root: Path, options: argparse.Namespace) -> None:
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
    task = _task(root, run, settings, products, code, values, phase=phase.name, **more)
    for folder in (task.folder, task.checkpoint.parent):
        need_writable(folder)
        clear_leftovers(folder)
    (import_weights if imports else train)(task)


def _predict(root: Path, options: argparse.Namespace) -> None:
    from saccade.engine.inference import need_trained
    from saccade.steps.predict import predict

    run = _run_on_sound_data(root, options.run)
    resolved = {point.name: resolve(root, run, point=point.name) for point, why in points_of(root, run) if not why}
    values = point_settings(root, run)
    products = [need.product for need in weights_of(root, run)]
    points = {name: point.typed for name, point in resolved.items()}
    task = _task(
        root, run, resolve(root, run).typed, products, staleness.predict_code(root, run.method), values, points=points
    )
    need_trained(task)
    predict(task)


def _try(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.try_video import try_video

    run = Run.parse(root, options.run)
    point = point_to_try(root, run, options.point)
    for path in options.video:
        if path.is_dir():
            raise SaccadeError(f"{path} is a folder; name the videos in it, as {path / '*'}")
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
    task = _task(root, run, resolve(root, run).typed, products, code="", values={}, points=points)
    for text in try_video(task, options.video, options.out or task.folder / "try"):
        print(text, flush=True)


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


def _measure(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.measure import measure, time_once

    run = _run_on_sound_data(root, options.run)
    pairs = {point: _pair(root, run, point, other) for point, other in counterparts_of(root, run).items()}
    if options.point and options.point not in pairs:
        raise SaccadeError(
            f"{run.name} has no point '{options.point}' with a counterpart" + suggest(options.point, pairs)
        )
    if not pairs:
        raise SaccadeError(
            f"{run.name}: no point of it names a counterpart; say `against` in {load_method(root, run.method).file}"
        )
    if options.into:
        time_once(pairs[options.point], options.process, options.into)
    else:
        measure(pairs, root / run.folder, options.point)


def _pair(root: Path, run: Run, point: str, other: Counterpart) -> Any:
    from saccade.steps.measure import Pair

    code = staleness.measure_code(root, *sorted({run.method, other.run.method}))
    tasks = []
    for each, name in ((run, point), (other.run, other.point)):
        products = [need.product for need in weights_of(root, each)]
        points = {name: resolve(root, each, point=name).typed}
        tasks.append(_task(root, each, resolve(root, each).typed, products, code, {}, points=points))
    return Pair(tasks[0], tasks[1], code, staleness.measure_settings(root, run, point, other))


def _score(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps.score import score

    run = _run_on_sound_data(root, options.run)
    dataset = load_dataset(root, run.dataset)
    score(root / run.folder, root / run.prepared, heads_of(root, run), dataset.derive)


def _cost(root: Path, options: argparse.Namespace) -> None:
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


def _report(root: Path, options: argparse.Namespace) -> None:
    from saccade.steps import report

    check_budget(options.budget)
    report.report(root, root / "results" / options.budget / PLAN_FILE, options.part, options.method)


def _verify(root: Path, options: argparse.Namespace) -> None:
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


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from 1 up")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="saccade", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run_verb: Any, text: str, *positional: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(run_verb=run_verb)
        for argument in positional:
            sub.add_argument(argument)
        return sub

    a_run = "a run: <budget>/<dataset>[@<edition>]/<method>/<variant>/seed<k>"
    listing = verb("list", _list, "methods, variants, points and datasets, and what each still lacks here")
    planning = verb(
        "plan", _plan, "what a run would do, each setting and its origin; without a run, the runs of the config"
    )
    listing.add_argument("name", nargs="?", help="a method or dataset, to tell it in full")
    planning.add_argument("run", nargs="?", help=a_run)
    planning.add_argument("--write", type=Path, help="write the config's planned grid to this JSON file")
    for sub in (listing, planning):
        sub.add_argument(
            "--config",
            default="config/demo.yaml",
            help="a file, from here or from the project's root, or JSON text (default: %(default)s)",
        )
    making = verb("new", _new, "the folder of a new method or dataset, which runs and is tested as it is")
    making.add_argument("kind", choices=["method", "dataset"])
    making.add_argument("name")
    verb("acquire", _acquire, "bring a dataset's raw files, or say how", "dataset")
    preparing = verb("prepare", _prepare, "index a dataset: <dataset>[@<edition>]", "dataset")
    preparing.add_argument("--budget", default="demo")
    preparing.add_argument("--workers", type=_at_least_one, default=os.cpu_count() or 1)
    verb("train", _train, "train one phase of a run", "run", "phase")
    verb("predict", _predict, "predict the test split at every operating point", "run")
    trying = verb(
        "try", _try, "what a trained run makes of videos: classes, cost, time, and a strip of where it looked", "run"
    )
    trying.add_argument("video", nargs="+", type=Path)
    trying.add_argument(
        "--point", help="the operating point (default: the one with the run's own settings, else its card's first)"
    )
    trying.add_argument("--out", type=Path, help="where the strips go (default: try/ in the run's folder)")
    verb("score", _score, "metrics and intervals from the predictions", "run")
    measuring = verb(
        "measure", _measure, "time a run's points beside their static counterparts, into latency.json", "run"
    )
    measuring.add_argument(
        "--point", help="time this one anew, and of the others only those without current times (default: all)"
    )
    # which of the fresh processes this is
    measuring.add_argument("--process", type=int, default=0, help=argparse.SUPPRESS)
    measuring.add_argument("--into", type=Path, help=argparse.SUPPRESS)  # time once, in this process, into this file
    counting = verb(
        "cost",
        _cost,
        "what a run's network costs, by module and by two counters; without a run, results/cost.csv: the "
        "papers' complexity cells beside ours",
    )
    counting.add_argument("run", nargs="?", help=a_run)
    counting.add_argument("--point", help="the operating point (default: as of `try`)")
    counting.add_argument("--method", help="count this method's cells alone, into results/cost/<method>.csv")
    counting.add_argument("--join", action="store_true", help="only join what was counted into results/cost.csv")
    verifying = verb("verify", _verify, "whether every product of a budget is what was written: <budget>")
    verifying.add_argument("budget", nargs="?", default="demo", help="or results/<budget> (default: %(default)s)")
    reporting = verb("report", _report, "tables, figures and pages from what exists", "budget")
    reporting.add_argument(
        "--part", choices=["claims", "collect", "notebook", "page", "index"], help="one part (default: all, in order)"
    )
    reporting.add_argument("--method", help="one method's claims, notebook or page (default: all)")
    return parser


if __name__ == "__main__":
    sys.exit(script())
