"""What, when it changes, makes Snakemake run a job again: settings as canonical JSON, and the code that a verb reaches.

Never a card or a whole file: another variant's settings, a comment, or a new file must not cost a training. Of settings
only those that aren't at their published default, so that a new one costs none either.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from saccade import code_hash
from saccade.cards.address import VARIANT_ON_DATA, parse_address
from saccade.cards.dataset import Dataset, is_embedded, load_dataset
from saccade.cards.method import IMPORT, Phase, load_method
from saccade.cards.paper import claims_hash, read_paper
from saccade.editions import parse_edition
from saccade.plan.availability import released_file
from saccade.plan.counterparts import Counterpart, counterparts_of
from saccade.plan.features import deciding_features
from saccade.plan.layers import data_settings, heads_of, resolve, without_defaults
from saccade.plan.phases import phase_settings
from saccade.plan.points import point_settings
from saccade.plan.runs import Run
from saccade.project import names
from saccade.records import Head, SaccadeError, canonical

ALWAYS_CURRENT = ("demo", "study")  # budgets in which edited code re-runs a finished training by itself
NAMED = 20  # as many classes are told by their names


@lru_cache(maxsize=1024)
def train_code(root: Path, method: str, phase: str) -> str:
    folder = root / "methods" / method
    step, function = ("import_weights", "import_released") if phase == IMPORT else ("train", phase)
    return code_hash.code_hash(
        root,
        [(root / "saccade/steps/train.py", step), (folder / "phases.py", function), (folder / "model.py", "build")],
    )


@lru_cache(maxsize=1024)
def features_code(root: Path, method: str, phase: str) -> str:
    folder = root / "methods" / method
    entries = [(root / "saccade/steps/features.py", "features"), (folder / "phases.py", f"{phase}_features")]
    return code_hash.code_hash(root, [*entries, (folder / "model.py", "build")])


@lru_cache(maxsize=1024)
def predict_code(root: Path, method: str) -> str:
    model = root / "methods" / method / "model.py"
    return code_hash.code_hash(
        root, [(root / "saccade/steps/predict.py", "predict"), (model, "build"), (model, "predict")]
    )


@lru_cache(maxsize=1024)
def step_code(root: Path, step: str) -> str:
    """The code of a step that calls no method: `score`, `report`."""
    return code_hash.code_hash(root, [(root / f"saccade/steps/{step}.py", step)])


@lru_cache(maxsize=1024)
def measure_code(root: Path, *methods: str) -> str:
    step = [(root / "saccade/steps/measure.py", "measure"), (root / "saccade/timing/one_process.py", "time_once")]
    models = [(root / "methods" / method / "model.py", name) for method in methods for name in ("build", "predict")]
    return code_hash.code_hash(root, step + models)


@lru_cache(maxsize=1024)
def prepare_code(root: Path, dataset: str) -> str:
    return code_hash.code_hash(
        root, [(root / "saccade/steps/prepare.py", "prepare"), (root / "data" / dataset / "prepare.py", "prepare")]
    )


def methods_with_cells(root: Path) -> list[str]:
    """The methods that answer printed complexity cells."""
    return [name for name in names(root, "methods") if (root / "methods" / name / "paper/cells.py").is_file()]


@lru_cache(maxsize=1024)
def cells_code(root: Path, method: str) -> str:
    return code_hash.code_hash(
        root, [(root / "saccade/cost/printed.py", None), (root / "methods" / method / "paper/cells.py", None)]
    )


@lru_cache(maxsize=1024)
def plan_code(root: Path) -> str:
    """How the planned grid is written; what is in it Snakemake compares."""
    return code_hash.code_hash(root, [(root / "saccade/products.py", "write")])


@lru_cache(maxsize=1024)
def notebook_code(root: Path) -> str:
    """The code of the notebook's sections, all that they reach, and what executes them; not that of the pages."""
    report = root / "saccade/report"
    return code_hash.code_hash(root, [(report / "sections.py", None), (report / "notebook.py", "run_notebook")])


@lru_cache(maxsize=1024)
def own_code(root: Path, method: str) -> str:
    """What the method itself tells the report: the code of its claims.py and findings.py, where it has them, and its
    claims' hash, which a comment changes, too, since pages print it."""
    folder, paper = root / "methods" / method, read_paper(root, method)
    files = [file for file in (folder / "paper/claims.py", folder / "paper/findings.py") if file.is_file()]
    return canonical([code_hash.code_hash(root, [(file, None) for file in files]), claims_hash(paper) if paper else ""])


def cells_settings(root: Path, method: str) -> str:
    """The published settings of the method's variants that stand behind its paper's rows: what cells.py may count. ''
    without a paper."""
    paper = read_paper(root, method)
    named = {run: parse_address(run, VARIANT_ON_DATA) for run in (paper.runs if paper else ())}
    own = {run: address.variant for run, address in named.items() if address.method == method}
    if not own:
        return ""
    # a paper's own may still be to come
    data = next((name for name in names(root, "data") if is_embedded(root, name)), None)
    if data is None:
        raise SaccadeError("data/ has no embedded dataset, on which the published variants are looked up; put one back")
    runs = {run: Run("paper", data, "", method, variant, 0) for run, variant in own.items()}
    return canonical({name: _decisive(root, run, resolve(root, run).values) for name, run in runs.items()})


def paper_files(root: Path, method: str) -> list[str]:
    """The files, below the root, that tell the report what the method's paper prints and claims (paper.yml, and the
    tables beside it); those that exist. Cells of the paper may stand with the method that they are of."""
    paper, folder = read_paper(root, method), Path("methods", method, "paper")
    files = [folder / "paper.yml", *(folder / file.name for file in sorted((root / folder).glob("*.csv")))]
    others = [Path("methods", name, "paper/reported.csv") for name in names(root, "methods") if name != method]
    there = {file: (root / file).read_text(encoding="utf-8") for file in others if paper and (root / file).is_file()}
    theirs = [file for file, text in there.items() if paper and f"\n{paper.name}," in text]
    return [file.as_posix() for file in [*files, *theirs] if (root / file).is_file()]


def train_params(root: Path, run: Run, phase: Phase) -> dict[str, str]:
    """What re-runs a phase when it changes. Outside `demo` and `study` edited code doesn't: there `plan` calls the
    phase stale."""
    code = train_code(root, run.method, phase.name)
    spec = {"settings": _decisive(root, run, phase_settings(root, run, phase)), "trains": phase.trains}
    if phase.name == IMPORT:
        spec["released"] = released(root, run) | {"of": _size_and_time(root / released_file(root, run))}
    if phase.drops:
        spec["drops"] = phase.drops
    return {"settings": canonical(spec), "code": code if run.budget in ALWAYS_CURRENT else "on request"}


def features_params(root: Path, run: Run, phase: Phase) -> dict[str, str]:
    """What makes a phase's features anew when it changes, beside its weights and its data; of code as of `train`."""
    code = features_code(root, run.method, phase.name)
    settings = _decisive(root, run, deciding_features(root, run, phase))
    return {"settings": canonical(settings), "code": code if run.budget in ALWAYS_CURRENT else "on request"}


def _decisive(root: Path, run: Run, values: Mapping[str, Any]) -> dict[str, Any]:
    return without_defaults(values, load_method(root, run.method).defaults)


def _head(head: Head) -> dict[str, Any]:
    """What of a label space decides. Snakemake prints it when it has changed, so of many classes their number and a
    digest of their names."""
    facts: dict[str, Any] = {"name": head.name, "kind": head.kind, "classes": head.classes}
    facts |= {"of_weights": True} if head.of_weights else {}
    if head.num_classes > NAMED:
        facts["classes"] = f"{head.num_classes} classes, sha256 {head.classes_sha256}"
    return facts


def shortened(value: Any) -> str:
    """A digest in the place of what is too long for a line of Snakemake's, which prints what changed."""
    return f"sha256 {hashlib.sha256(canonical(value).encode()).hexdigest()[:12]}"


def released(root: Path, run: Run) -> dict[str, Any]:
    """What decides which published weights the run brings in: file, expected sha256, names left out."""
    entry = load_method(root, run.method).variants[run.variant].released
    assert entry is not None, f"{run.name} brings in no published weights"  # the card was checked
    return {"file": released_file(root, run).as_posix(), "sha256": entry.sha256, "drops": list(entry.drops)}


def _size_and_time(file: Path) -> list[int]:
    """[bytes, when it was written]; [] where there is none. Another download may be older than what was made of this
    one, which Snakemake would take for up to date."""
    if not file.is_file():
        return []
    found = file.stat()
    return [found.st_size, found.st_mtime_ns]


def predict_params(root: Path, run: Run) -> dict[str, str]:
    chosen = {point: _decisive(root, run, values) for point, values in point_settings(root, run).items()}
    return {"settings": canonical(chosen), "code": predict_code(root, run.method)}


def measure_params(root: Path, run: Run) -> dict[str, str]:
    pairs = counterparts_of(root, run)
    methods = sorted({run.method, *(other.run.method for other in pairs.values())})
    spec = {point: measure_settings(root, run, point, other) for point, other in pairs.items()}
    return {"settings": canonical(spec), "code": measure_code(root, *methods)}


def measure_settings(root: Path, run: Run, point: str, other: Counterpart) -> dict[str, Any]:
    """What decides how long a point and its counterpart take, beside the machine."""
    sides = {"own": (run, point), "against": (other.run, other.point)}
    return {
        side: {"run": r.name, "point": p, **_decisive(root, r, resolve(root, r, point=p).values)}
        for side, (r, p) in sides.items()
    }


def timed_with(code: str | None, settings: Any) -> str:
    """A digest of what a point's times were made with, or would be: equal where code and settings are equal."""
    return hashlib.sha256(canonical([code, settings]).encode()).hexdigest()


def score_params(root: Path, run: Run) -> dict[str, str]:
    dataset = load_dataset(root, run.dataset)
    spec = {
        "heads": [_head(head) for head in heads_of(root, run)],
        "derive": {k: list(v) for k, v in dataset.derive.items()},
    }
    return {"settings": canonical(spec), "code": step_code(root, "score")}


def prepare_params(root: Path, dataset: Dataset, budget: str, edition: str) -> dict[str, str]:
    spec = {
        "settings": without_defaults(data_settings(root, dataset, budget, edition), dataset.defaults),
        "heads": [_head(head) for head in dataset.heads_in(edition).values()],
        "allow_missing": dataset.allow_missing,
    } | ({"listing": dataset.listing} if dataset.listing else {})
    if way := parse_edition(edition).way:
        spec["encoded"] = way.settings
    return {"settings": canonical(spec), "code": prepare_code(root, dataset.name)}
