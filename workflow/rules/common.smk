# Reads the config and answers the rules' questions. A run is known by its path; its settings come from the cards.
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate

from saccade import against, cards, datasets, grid, plan, project, rerun
from saccade.records import SaccadeError, canonical

ROOT = Path(workflow.basedir)
# The rules' `python` is the one that runs Snakemake, whether or not its environment is active. Rules `exec` it, so that it is
# Snakemake's own child, and it stops, its state saved, when Snakemake is killed: nobody would wait for its result.
shell.prefix(
    f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH SACCADE_STOPS_WITH=$PPID; "
)


def told(question, *arguments):
    """The plan's answer; what the user can mend becomes Snakemake's own kind of error, without a traceback."""
    try:
        return question(*arguments)
    except SaccadeError as error:
        raise WorkflowError(str(error)) from None


validate(config, "../schemas/config.schema.yaml")
CONFIG = told(grid.load_config, config)
RUNS = told(grid.expand, ROOT, CONFIG)
GRID = told(grid.grid, ROOT, CONFIG)
METHODS = [method["name"] for method in GRID["methods"]]
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
    return told(
        plan.Run.parse,
        ROOT,
        f"{wildcards.budget}/{wildcards.data}/{wildcards.method}/{wildcards.variant}/seed{wildcards.seed}",
    )


def index_of(wildcards):
    return str(run_of(wildcards).prepared / "index.parquet")


def needed_by_phase(wildcards):
    run = run_of(wildcards)
    phase = told(plan.phase_of, ROOT, run, wildcards.phase)
    needed = [str(need.product) for need in told(plan.needs, ROOT, run, phase)]
    if (
        phase.name == cards.IMPORT
    ):  # absent, the step says what is missing and where to get it
        file = plan.released_file(ROOT, run)
        needed += [str(file)] if (ROOT / file).is_file() else []
    return needed


def needed_by_model(wildcards):
    return [str(need.product) for need in told(plan.weights, ROOT, run_of(wildcards))]


def train_params(wildcards):
    run = run_of(wildcards)
    return canonical(
        told(
            rerun.train_params,
            ROOT,
            run,
            told(plan.phase_of, ROOT, run, wildcards.phase),
        )
    )


def predict_params(wildcards):
    return canonical(told(rerun.predict_params, ROOT, run_of(wildcards)))


def measure_params(wildcards):
    return canonical(told(rerun.measure_params, ROOT, run_of(wildcards)))


def needed_by_measure(wildcards):
    """The weights of the run and of the runs that it is timed against."""
    run = run_of(wildcards)
    others = [other.run for other in told(against.timed, ROOT, run).values()]
    runs = dict.fromkeys([run, *others])
    needed = [str(n.product) for one in runs for n in told(plan.weights, ROOT, one)]
    return list(dict.fromkeys(needed))


def score_params(wildcards):
    return canonical(told(rerun.score_params, ROOT, run_of(wildcards)))


def prepare_params(wildcards):
    dataset = told(datasets.load_dataset, ROOT, wildcards.dataset)
    return canonical(
        told(
            rerun.prepare_params,
            ROOT,
            dataset,
            wildcards.budget,
            wildcards.edition.removeprefix("@"),
        )
    )


def scored(wildcards):
    """The metrics of every run of the grid that can run here; the report names the others and says why."""
    return [
        f"results/{run['run']}/metrics.json"
        for run in GRID["runs"]
        if run["status"] == "available"
    ]


def scored_of_method(wildcards):
    """Its own, and on the same data those of the baselines, whose frontier its figures show."""
    methods = {wildcards.method} | {m["name"] for m in GRID["methods"] if m["baseline"]}
    own = [run for run in GRID["runs"] if run["method"] == wildcards.method]
    data = {(run["dataset"], run["edition"]) for run in own}
    return [
        f"results/{run['run']}/metrics.json"
        for run in GRID["runs"]
        if run["status"] == "available"
        and run["method"] in methods
        and (run["dataset"], run["edition"]) in data
    ]


def measured_of_method(wildcards):
    return [
        f"results/{run['run']}/latency.json"
        for run in GRID["runs"]
        if run["status"] == "available"
        and run["measured"]
        and run["method"] == wildcards.method
    ]
