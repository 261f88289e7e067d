"""Which product a path is: the JSON that vouches for it, the command that makes it, the keys that it must have. No
torch."""

from pathlib import Path

from saccade.records import (
    COST_FILE,
    COVERAGE_FILE,
    FEATURES_ENDS,
    HITS_FILE,
    INDEX_FILE,
    LATENCY_FILE,
    LOG_ENDS,
    METRICS_FILE,
    PLAN_FILE,
    PREDICTIONS_FILE,
    PREPARED_BY_FILE,
    TRUTH_FILE,
    provenance_name,
)

DRAWN = ("tables", "figures")  # folders of results/<budget> with a folder for each method, whole or not there
OF_PHASE = (".safetensors", LOG_ENDS)  # beside <phase>.json
BEFORE, AFTER = provenance_name("*").split("*")
# tables of results/<budget>, and their records
COLLECTED: tuple[str, ...] = ("metrics.csv", "planned.csv", "claims.csv")
COLLECTED += tuple(provenance_name(Path(name).stem) for name in COLLECTED)
KEYS = {  # what readers rely on
    METRICS_FILE: ("run", "rows", "evaluated", "clusters"),
    LATENCY_FILE: ("points",),
    COST_FILE: ("variant", "modules"),
    COVERAGE_FILE: ("problems", "settings"),
    PLAN_FILE: ("budget", "runs", "methods", "datasets"),
    provenance_name("predict"): ("code", "settings"),
}
PHASE_KEYS = ("sha256", "settings", "code", "trains", "result")
FEATURES_KEYS = ("sha256", "settings", "code", "weights", "data")


def identity(path: Path) -> str:
    """Which product it is: its path from `results` or `data` on, whatever the checkout is called."""
    parts = list(Path(path).absolute().parts)
    places = [place for place, part in enumerate(parts[:-1]) if part in ("results", "data")]
    known = [place for place in places if _command(parts[place:])]  # a budget or a dataset may be called so, too
    return "/".join(parts[[len(parts) - 1, *places, *known][-1] :])


def record_of(path: Path) -> Path:
    """The JSON product that holds the sha256 of a product that isn't JSON."""
    folder, name = path.parent, path.name
    if folder.parent.name in DRAWN:
        return folder.parent / provenance_name(folder.name)
    if folder.name.endswith(FEATURES_ENDS):
        return folder.with_name(f"{folder.name}.json")
    if name.endswith(LOG_ENDS):
        return folder / provenance_name(name.removesuffix(LOG_ENDS))
    if name.endswith((".safetensors", ".mp4")):
        return path.with_suffix(".json")
    known = {PREDICTIONS_FILE: provenance_name("predict"), HITS_FILE: METRICS_FILE}
    known |= dict.fromkeys((INDEX_FILE, TRUTH_FILE), COVERAGE_FILE)
    return folder / known.get(name, provenance_name(path.stem))


def command_for(path: Path) -> str:
    """What the user types to have the product made anew."""
    parts = identity(path).split("/")
    verb = _command(parts)
    checkout = Path(path).absolute().parents[len(parts) - 1]
    # several configs may share a budget, and that of a budget of the user's own is anywhere
    if parts[-1] == PLAN_FILE and not (checkout / "config" / f"{parts[1]}.yaml").is_file():
        return "remove it, and run snakemake again with the config that it is of"
    return f"python -m saccade {verb}" if verb else "run again the command that wrote it"


def _command(parts: list[str]) -> str:
    """The verb that makes the product, with its arguments; '' for what is none."""
    match parts:
        case ["data", dataset, "prepared" | "raw", name, _, *_]:
            budget, at, edition = name.partition("@")
            return f"prepare {dataset}{at}{edition} --budget {budget}"
        case ["results", budget, data, method, variant, seed, name] if seed.startswith("seed"):
            return _verb(name, f"{budget}/{data}/{method}/{variant}/{seed}")
        case ["results", budget, data, method, variant, seed, folder, _] if folder.endswith(FEATURES_ENDS):
            return f"features {budget}/{data}/{method}/{variant}/{seed} {folder.removesuffix(FEATURES_ENDS)}"
        case ["results", name] if stem(name) == "cost":
            return "cost --join"
        case ["results", "cost", name]:
            return f"cost --method {stem(name)}"
        case ["results", budget, "claims", name]:
            return f"report {budget} --part claims --method {stem(name)}"
        case ["results", budget, kind, method, _] if kind in DRAWN:
            return f"report {budget} --part notebook --method {method}"
        case ["results", budget, kind, name] if kind in DRAWN:
            return f"report {budget} --part notebook --method {stem(name)}"
        case ["results", budget, name] if name == PLAN_FILE:
            return f"plan --config config/{budget}.yaml --write results/{budget}/{PLAN_FILE}"
        case ["results", budget, name] if name in COLLECTED:
            return f"report {budget} --part collect"
    return ""


def stem(name: str) -> str:
    """`train` of train.json, train.safetensors, train.log.jsonl and provenance.train.json."""
    name = name.removeprefix(BEFORE) if name.startswith(BEFORE) and name.endswith(AFTER) else name
    return name.removesuffix(LOG_ENDS) if name.endswith(LOG_ENDS) else name.rpartition(".")[0]


def _verb(name: str, run: str) -> str:
    """The verb that leaves the file in the run's folder, and its arguments."""
    if name in (PREDICTIONS_FILE, COST_FILE, provenance_name("predict")):
        return f"predict {run}"
    if name in (HITS_FILE, METRICS_FILE):
        return f"score {run}"
    if (phase := stem(name)).endswith(FEATURES_ENDS):
        return f"features {run} {phase.removesuffix(FEATURES_ENDS)}"
    return f"measure {run}" if name == LATENCY_FILE else f"train {run} {phase}"


def keys_of(path: Path) -> tuple[str, ...]:
    """What the readers of a JSON product rely on."""
    if path.name in KEYS:
        return KEYS[path.name]
    in_run = path.parent.name.startswith("seed") and not path.name.startswith(BEFORE)
    of_phase = FEATURES_KEYS if stem(path.name).endswith(FEATURES_ENDS) else PHASE_KEYS
    return of_phase if in_run and path.parts[-7:-6] == ("results",) else ()


def kind_of(path: Path) -> str:
    """`json` for a product that carries its own sum, `file` for one that its record vouches for, '' for any other
    file."""
    parts = identity(path).split("/")
    if path.name.startswith(".") or not _command(parts):
        return ""
    if path.parent.parent.name in DRAWN:
        return "file"
    if path.suffix == ".json":
        ours = path.name.startswith(BEFORE) or path.name in (*KEYS, PREPARED_BY_FILE) or parts[2] == "raw"
        beside = [provenance_name(path.stem), *(path.stem + end for end in OF_PHASE)]  # a phase's
        return "json" if ours or any(path.with_name(name).is_file() for name in beside) else ""
    in_folder = (INDEX_FILE, TRUTH_FILE) if parts[0] == "data" else (PREDICTIONS_FILE, HITS_FILE)
    ends = (".csv",) if len(parts) < 6 else (".mp4",) if parts[2] == "raw" else OF_PHASE
    return "file" if path.name in in_folder or path.name.endswith(ends) else ""
