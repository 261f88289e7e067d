"""The command line: one subcommand per verb, the same ones that the workflow's rules call."""

import argparse
import os
import select
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from saccade import verbs
from saccade.project import find_root
from saccade.records import EAGER, EXACT, RUNTIMES, SaccadeError, one_line
from saccade.temporary import look_again, own_tempdir
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
        # its own lines stay lines: of sources, of files
        print("saccade:", "\n".join(map(one_line, str(error).split("\n"))), file=sys.stderr)
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


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from 1 up")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="saccade", description=__doc__)
    named = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, run_verb: Any, text: str, *positional: str) -> argparse.ArgumentParser:
        sub = named.add_parser(name, help=text, description=text)
        sub.set_defaults(run_verb=run_verb)
        for argument in positional:
            sub.add_argument(argument)
        return sub

    a_run = "a run: <budget>/<dataset>[@<edition>]/<method>/<variant>/seed<k>"
    listing = verb("list", verbs.run_list, "methods, variants, points and datasets, and what each still lacks here")
    examining = verb(
        "doctor",
        verbs.run_doctor,
        "what this machine and this checkout can do now, and the command that brings each part further",
    )
    examining.add_argument("dataset", nargs="?", help="one dataset, to tell it in full")
    planning = verb(
        "plan",
        verbs.run_plan,
        "what a run would do, each setting and its origin; without a run, the runs of the config",
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
    making = verb("new", verbs.run_new, "the folder of a new method or dataset, which runs and is tested as it is")
    making.add_argument("kind", choices=["method", "dataset"])
    making.add_argument("name")
    acquiring = verb("acquire", verbs.run_acquire, "bring a dataset's raw files, or say how", "dataset")
    acquiring.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="files whose name fits; may be given several times",
    )
    acquiring.add_argument("--archives", type=Path, metavar="FOLDER", help="has the published files; nothing is copied")
    acquiring.add_argument("--videos", type=Path, metavar="FOLDER", help="has the unpacked videos; nothing is copied")
    acquiring.add_argument("--parallel", type=_at_least_one, default=4, help="files at a time (default: %(default)s)")
    acquiring.add_argument("--remove-archives", action="store_true", help="each as soon as it is unpacked")
    changed = "a file that may differ from that first seen; may be given several times"
    acquiring.add_argument("--accept-changed", action="append", default=[], metavar="PATTERN", help=changed)
    acquiring.add_argument("--dry-run", action="store_true", help="say what would be fetched, and change nothing")
    preparing = verb("prepare", verbs.run_prepare, "index a dataset: <dataset>[@<edition>]", "dataset")
    preparing.add_argument("--budget", default="demo")
    preparing.add_argument("--workers", type=_at_least_one, default=os.cpu_count() or 1)
    verb("train", verbs.run_train, "train one phase of a run", "run", "phase")
    verb(
        "features",
        verbs.run_features,
        "what a trained phase's network makes of each training and validation video, for later phases to train on",
        "run",
        "phase",
    )
    predicting = verb("predict", verbs.run_predict, "predict the test split at every operating point", "run")
    trying = verb(
        "try",
        verbs.run_try,
        "what a trained run makes of videos: classes, cost, time, and a strip of where it looked",
        "run",
    )
    trying.add_argument("video", nargs="+", type=Path)
    trying.add_argument(
        "--point", help="the operating point (default: the one with the run's own settings, else its card's first)"
    )
    trying.add_argument("--out", type=Path, help="where the strips go (default: try/ in the run's folder)")
    for sub, names in ((predicting, EXACT), (trying, RUNTIMES)):
        what = f"what runs the model: {', '.join(names)} (default: %(default)s)"
        sub.add_argument("--runtime", metavar="NAME", default=EAGER, help=what)
    verb("score", verbs.run_score, "metrics and intervals from the predictions", "run")
    measuring = verb(
        "measure", verbs.run_measure, "time a run's points beside their static counterparts, into latency.json", "run"
    )
    measuring.add_argument(
        "--point", help="time this one anew, and of the others only those without current times (default: all)"
    )
    measuring.add_argument(
        "--runtime",
        action="append",
        metavar="NAME",
        help=f"what runs the models: {', '.join(RUNTIMES)}, or all that are here; may be given several times (default: "
        f"{EAGER}, which is always among them). Each takes about as long as {EAGER}, and its export or compilation, "
        "up to minutes, in each of three processes",
    )
    measuring.add_argument(
        "--record-absent", action="store_true", help="go on without a runtime that isn't here, and note why"
    )
    # which of the fresh processes this is
    measuring.add_argument("--process", type=int, default=0, help=argparse.SUPPRESS)
    measuring.add_argument("--into", type=Path, help=argparse.SUPPRESS)  # time once, in this process, into this file
    counting = verb(
        "cost",
        verbs.run_cost,
        "what a run's network costs, by module and by two counters; without a run, results/cost.csv: the "
        "papers' complexity cells beside ours",
    )
    counting.add_argument("run", nargs="?", help=a_run)
    counting.add_argument("--point", help="the operating point (default: as of `try`)")
    counting.add_argument("--method", help="count this method's cells alone, into results/cost/<method>.csv")
    counting.add_argument("--join", action="store_true", help="only join what was counted into results/cost.csv")
    verifying = verb("verify", verbs.run_verify, "whether every product of a budget is what was written: <budget>")
    verifying.add_argument("budget", nargs="?", default="demo", help="or results/<budget> (default: %(default)s)")
    reporting = verb("report", verbs.run_report, "tables, figures and pages from what exists", "budget")
    reporting.add_argument(
        "--part", choices=["claims", "collect", "notebook", "page", "index"], help="one part (default: all, in order)"
    )
    reporting.add_argument("--method", help="one method's claims, notebook or page (default: all)")
    return parser


if __name__ == "__main__":
    sys.exit(script())
