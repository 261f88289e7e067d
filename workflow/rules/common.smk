# Reads the config and answers the rules' questions. A run is known by its path; its settings come from the cards.
#
# Snakemake (9.27) notes the parameters of a failed job as if it had made something. So no output is `update()`: the old
# file, put back under today's date, would pass for what the job was to make. And `all` asks for every product, not for
# the pages alone: see `products`.
import locale
import re
import shlex
import sys
import traceback
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import regex_from_filepattern
from snakemake.logging import logger

from saccade import project
from saccade.cards.config import load_config
from saccade.cards.dataset import load_dataset
from saccade.cards.method import IMPORT
from saccade.cards.paper import read_paper
from saccade.cards.plain_yaml import parse_yaml, read_yaml
from saccade.editions import parse_edition
from saccade.files import verbatim
from saccade.plan import staleness
from saccade.plan.availability import (
    released_file,
    waiting_for_data,
    what_is_wrong_with_data,
)
from saccade.plan.counterparts import counterparts_of
from saccade.plan.features import features_of
from saccade.plan.grid import planned_grid, runs_behind, selected_runs
from saccade.plan.phases import needs_of, phase_of, weights_of
from saccade.plan.runs import Run
from saccade.records import EAGER, RUNTIMES, SaccadeError, canonical, one_line
from saccade.temporary import adopt
from saccade.unforeseen import escape_unknown_letters, whose_bug, why_no_file

ROOT = Path(workflow.basedir)
escape_unknown_letters()
adopt(Path(workflow.snakemake_tmp_dir))
# The rules' `python` is the one that runs Snakemake, whether or not its environment is active. Rules `exec` it, so that
# it is Snakemake's own child. When Snakemake is killed it saves its state and stops: nobody would wait for its result.
BIN = verbatim(shlex.quote(str(Path(sys.executable).parent)))
shell.prefix(f"export PATH={BIN}:$PATH SACCADE_STOPS_WITH=$PPID; ")


# A function, since a plain text's doubled braces would be taken for wildcards.
def environment(wildcards):
    return verbatim(ROOT / "environment.yml")


def printable(text):
    """The text in one line, in the letters of this locale: Snakemake's log file knows no others."""
    letters = locale.getpreferredencoding(False)
    return one_line(text).encode(letters, "backslashreplace").decode(letters)


def need_usable_name(folder):
    """Raises WorkflowError where Snakemake, which takes what stands in braces for a wildcard, could not find its own
    files.
    """
    try:
        if re.match(regex_from_filepattern(folder), folder):
            return
    except re.error:
        pass
    raise WorkflowError(
        printable(
            f"Snakemake takes what stands in braces in the folder's name {folder} for a wildcard; rename the folder, "
            "without braces"
        )
    )


need_usable_name(str(Path.cwd()))


def or_workflow_error(question, *arguments):
    """The plan's answer. What the user can mend becomes Snakemake's own kind of error, without a traceback; anything
    else is told with its traceback as a bug.
    """
    try:
        return question(*arguments)
    except SaccadeError as error:
        raise WorkflowError(printable(error)) from None
    except OSError as error:
        raise WorkflowError(printable(why_no_file(error))) from None
    except Exception as error:
        traceback.print_exc()
        raise WorkflowError(whose_bug(error)) from None


# refuses a path that can't be written as text
or_workflow_error(project.find_root, ROOT)


def selection():
    """What is to run, read from the files that Snakemake was given by our own reader, which doesn't take 010 for 8. What
    `--config` says comes on top; Snakemake gives the numbers in its lists as text.
    """
    given = list(workflow.config_settings.configfiles)
    files = [file for file in workflow.configfiles if file not in given] + given
    found = {}
    for file in files:
        body = read_yaml(Path(file))
        if not isinstance(body, dict):
            raise SaccadeError(f"{file}: the file must be a mapping of names to values")
        found |= body
    for key, value in workflow.config_settings.config.items():
        listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
        found[key] = (
            [parse_yaml(one, f"--config {key}") for one in value]
            if listed and key == "seeds"
            else value
        )
    return found


SELECTION = or_workflow_error(selection)
CONFIG = or_workflow_error(load_config, SELECTION)
RUNS = or_workflow_error(selected_runs, ROOT, CONFIG)
GRID = or_workflow_error(planned_grid, ROOT, CONFIG)
for wrong in sorted({what_is_wrong_with_data(ROOT, run) for run in RUNS} - {""}):
    logger.warning(f"left out: {printable(wrong)}")
for waiting in or_workflow_error(waiting_for_data, ROOT, RUNS):
    logger.warning(f"not run: {printable(waiting)}")
METHODS = [method["name"] for method in GRID["methods"]]
# In one order, and eager, which is timed anyway, said as well: a list that means the same re-runs nothing.
ASKED_RUNTIMES = " ".join(
    f"--runtime {name}" for name in RUNTIMES if name in (EAGER, *CONFIG.runtimes)
)
PHASES = sorted(
    {Path(file).stem for run in GRID["runs"] for file in run["weights"]} | {"train"}
)


wildcard_constraints:
    budget="[a-z0-9][a-z0-9_.-]*",
    data="[a-z0-9][a-z0-9_.-]*(@[a-z0-9_.-]+)?",
    dataset="[a-z0-9][a-z0-9_.-]*",
    edition="(@[a-z0-9_.-]+)?",
    method="[a-z0-9][a-z0-9_.-]*",
    variant="[a-z0-9][a-z0-9_.-]*",
    seed="[0-9]+",
    phase="|".join(PHASES),


def run_of(wildcards):
    return or_workflow_error(
        Run.parse,
        ROOT,
        f"{wildcards.budget}/{wildcards.data}/{wildcards.method}/{wildcards.variant}/seed{wildcards.seed}",
    )


def index_of(wildcards):
    return str(run_of(wildcards).prepared / "index.parquet")


def needed_by_phase(wildcards):
    run = run_of(wildcards)
    phase = or_workflow_error(phase_of, ROOT, run, wildcards.phase)
    needed = [
        str(need.product) for need in or_workflow_error(needs_of, ROOT, run, phase)
    ]
    if (
        phase.name == IMPORT
    ):  # absent, the step says what is missing and where to get it
        file = released_file(ROOT, run)
        needed += [str(file)] if (ROOT / file).is_file() else []
    return needed


def features_for_phase(wildcards):
    run = run_of(wildcards)
    phase = or_workflow_error(phase_of, ROOT, run, wildcards.phase)
    return [str(f.product) for f in or_workflow_error(features_of, ROOT, run, phase)]


def needed_by_features(wildcards):
    """The weights of the phase whose network gives the features, and of those it needs."""
    run = run_of(wildcards)
    phase = or_workflow_error(phase_of, ROOT, run, wildcards.phase)
    needs = or_workflow_error(needs_of, ROOT, run, phase)
    return [*(str(need.product) for need in needs), f"{run.folder}/{phase.name}.json"]


def needed_by_model(wildcards):
    return [
        str(need.product)
        for need in or_workflow_error(weights_of, ROOT, run_of(wildcards))
    ]


def train_params(wildcards):
    run = run_of(wildcards)
    return canonical(
        or_workflow_error(
            staleness.train_params,
            ROOT,
            run,
            or_workflow_error(phase_of, ROOT, run, wildcards.phase),
        )
    )


def features_params(wildcards):
    run = run_of(wildcards)
    phase = or_workflow_error(phase_of, ROOT, run, wildcards.phase)
    return canonical(or_workflow_error(staleness.features_params, ROOT, run, phase))


def predict_params(wildcards):
    return canonical(
        or_workflow_error(staleness.predict_params, ROOT, run_of(wildcards))
    )


def cells_params(wildcards):
    decides = (staleness.cells_code, staleness.cells_settings)
    return [or_workflow_error(one, ROOT, wildcards.method) for one in decides]


def measure_params(wildcards):
    return canonical(
        or_workflow_error(staleness.measure_params, ROOT, run_of(wildcards))
    )


def needed_by_measure(wildcards):
    """The weights of the run and of the runs that it is timed against."""
    run = run_of(wildcards)
    others = [
        other.run for other in or_workflow_error(counterparts_of, ROOT, run).values()
    ]
    runs = dict.fromkeys([run, *others])
    needed = [
        str(n.product) for one in runs for n in or_workflow_error(weights_of, ROOT, one)
    ]
    return list(dict.fromkeys(needed))


def score_params(wildcards):
    return canonical(or_workflow_error(staleness.score_params, ROOT, run_of(wildcards)))


def prepare_params(wildcards):
    dataset = or_workflow_error(load_dataset, ROOT, wildcards.dataset)
    return canonical(
        or_workflow_error(
            staleness.prepare_params,
            ROOT,
            dataset,
            wildcards.budget,
            wildcards.edition.removeprefix("@"),
        )
    )


def prepare_threads(wildcards):
    """All cores where videos are encoded anew, which takes hours; else two, since little is done."""
    named = or_workflow_error(parse_edition, wildcards.edition.removeprefix("@"))
    return (workflow.cores or 1) if named.way else 2


def scored(wildcards):
    """The metrics of every run of the grid that can run here; the report names the others and says why."""
    return [
        f"results/{run['run']}/metrics.json"
        for run in GRID["runs"]
        if run["status"] == "available"
    ]


def products(wildcards):
    """Every file that the runs of this config leave, of those that can run here.

    A failed job's product is gone, and Snakemake makes nothing anew for the sake of files that are there. Unless asked
    for it, the next run would end well, with the numbers of before.
    """
    found = []
    for run in GRID["runs"]:
        if run["status"] == "available":
            made_of = [run["run"], *(str(Path(file).parent) for file in run["weights"])]
            found += [
                str(or_workflow_error(Run.parse, ROOT, one).prepared / "index.parquet")
                for one in made_of
            ]
            names = [
                "predictions.parquet",
                "metrics.json",
                *(["latency.json"] if run["measured"] else []),
            ]
            found += [
                *run["weights"],
                *(f"results/{run['run']}/{name}" for name in names),
            ]
    tables = [
        "results/cost.csv",
        *(f"results/cost/{name}.csv" for name in staleness.methods_with_cells(ROOT)),
        *(f"results/{BUDGET}/{name}" for name in ("plan.json", "metrics.csv")),
    ]
    pages = [
        f"reports/{BUDGET}/{kind}"
        for method in METHODS
        for kind in (f"notebooks/{method}.ipynb", f"{method}.html")
    ]
    return list(dict.fromkeys([*found, *tables, *pages]))


@cache
def printed_runs(method):
    """The runs (<dataset>[@<edition>]/<method>/<variant>) that stand behind the rows of the method's paper, or that its
    claims name.
    """
    paper = or_workflow_error(read_paper, ROOT, method)
    named = paper.asked if paper else []
    return {each for run in named for each in runs_behind(GRID["datasets"], run)}


def paper_files(wildcards):
    return staleness.paper_files(ROOT, wildcards.method)


def judged_of(method):
    """The file of the method's judged claims, where its paper.yml has claims."""
    paper = or_workflow_error(read_paper, ROOT, method)
    return [f"results/{BUDGET}/claims/{method}.csv"] if paper and paper.claims else []


def judged_of_method(wildcards):
    return judged_of(wildcards.method)


# Functions, so that a job that is no report's doesn't read all this code.
def report_code(wildcards):
    return or_workflow_error(staleness.step_code, ROOT, "report")


def plan_code(wildcards):
    return or_workflow_error(staleness.plan_code, ROOT)


def notebook_code(wildcards):
    return or_workflow_error(staleness.notebook_code, ROOT)


def own_code(wildcards):
    return or_workflow_error(staleness.own_code, ROOT, wildcards.method)


def scored_of_method(wildcards):
    """The metrics that a method's page reads: of its own runs, of the baselines on the same data, whose frontier its
    figures show, and of the runs behind its paper's rows.
    """
    methods = {wildcards.method} | {m["name"] for m in GRID["methods"] if m["baseline"]}
    own = [run for run in GRID["runs"] if run["method"] == wildcards.method]
    data = {(run["dataset"], run["edition"]) for run in own}
    printed = printed_runs(wildcards.method)
    return [
        f"results/{run['run']}/metrics.json"
        for run in GRID["runs"]
        if run["status"] == "available"
        and (
            (run["method"] in methods and (run["dataset"], run["edition"]) in data)
            or any(run["run"].startswith(f"{BUDGET}/{name}/") for name in printed)
        )
    ]


def measured_of_method(wildcards):
    return [
        f"results/{run['run']}/latency.json"
        for run in GRID["runs"]
        if run["status"] == "available"
        and run["measured"]
        and run["method"] == wildcards.method
    ]
