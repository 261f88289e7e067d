"""What Saccade writes: the fixed columns, the small record types, and atomic files. No torch here."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

# data/<d>/prepared/<budget>[@edition]/index.parquet; one integer (or list of integers, multi-label) column per head follows.
INDEX_COLUMNS = ["video_id", "split", "cluster", "path", "bytes", "frames", "fps", "duration_s", "width", "height", "audio"]
# truth.parquet beside it, where the dataset knows: one row per frame.
TRUTH_COLUMNS = ["video_id", "frame", "informative"]
# predictions.parquet: these, then `<head>.target` and `<head>.scores` per head.
PREDICTION_COLUMNS = ["point", "video_id", "cluster", "macs", "frames", "decoded_frames", "decisions"]
METRICS_COLUMNS = ["dataset", "method", "variant", "point", "seed", "metric", "value", "low", "high", "n"]
REPORTED_COLUMNS = ["paper", "table", "row", "column", "dataset", "value", "unit", "origin", "note"]
COST_COLUMNS = ["paper", "table", "row", "column", "dataset", "unit", "reported", "ours", "relative_error", "rule", "note"]
CLAIMS_COLUMNS = ["paper", "claim", "where", "says", "comparand", "on_printed", "on_ours", "evidence"]
SPLITS = ["train", "val", "test"]
LEFT_OVER = re.compile(r"\..+\.[a-z0-9_]{8}(\.[a-z]+)?")  # how write_atomic names what isn't whole yet
LEFT_OVER_S = 3600


class SaccadeError(Exception):
    """Something the user can mend: the message says what, where, and what would be right. The CLI prints it without a traceback."""


@dataclass(frozen=True)
class Head:
    """A label space. `single`: one class per video; `multi`: any number."""

    name: str
    kind: Literal["single", "multi"]
    classes: tuple[str, ...]

    @property
    def num_classes(self) -> int:
        return len(self.classes)


@dataclass
class Prediction:
    """What a method's `predict` gives back for one view of B videos.

    probabilities: {head: (B, K) float}; macs: (B,) int64, multiply-adds executed for each video; frames: (B,) int64,
    frames the networks looked at; decisions: B JSON-ready objects saying what was chosen (empty where nothing is).

    Two keys of a decision are held against the ground truth (`looks`); others are free. `frames`: the numbers of the chosen
    frames, of the video's own. `boxes`: as many as `frames`, each [x0, y0, x1, y1] of the patch taken there, in fractions of the
    whole frame as it is decoded (not of a crop), from the left and the top; or null where no patch was taken.
    """

    probabilities: dict[str, Any]
    macs: Any
    frames: Any
    decisions: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """What a step is asked to do, decided by the plan: the steps read no card. Paths but `root` are relative to it.

    `weights`: the phases' products to load, in order; `drops`: globs over tensors to leave out, by product;
    `points`: the operating points to predict, name -> settings.
    """

    root: Path
    run: str
    method: Path  # methods/<m>
    prepared: Path  # data/<d>/prepared/<budget>[@edition]
    settings: Any  # the method's own `Settings`
    heads: tuple[Head, ...]
    seed: int
    weights: Sequence[Path]
    code: str
    values: dict[str, Any] = field(default_factory=dict)  # what decides the result, as JSON
    drops: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    phase: str = ""
    trains: tuple[str, ...] = ()
    identity: dict[str, Any] = field(default_factory=dict)  # what a checkpoint must have been made of to be taken up
    released: dict[str, Any] | None = None  # of a phase `import`: {file (a path), sha256 (or ""), drops (globs)}
    points: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The run's own folder."""
        return self.root / "results" / self.run

    @property
    def loads(self) -> dict[Path, tuple[str, ...]]:
        """The products to load, in order, each with the globs over its tensors that are left out."""
        return {self.root / product: self.drops.get(product, ()) for product in self.weights}

    @property
    def checkpoint(self) -> Path:
        """Where the phase's training state lies meanwhile; no rule declares it, so Snakemake leaves it alone."""
        budget, _, rest = self.run.partition("/")
        return self.root / "results" / budget / "checkpoints" / rest / f"{self.phase}.safetensors"


def canonical(value: Any) -> str:
    """JSON with sorted keys: equal settings give equal text, which is what Snakemake compares."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary)` and rename the result to `path`, so that a file that is there is whole.

    Raises SaccadeError naming the folder where it can't be written (read-only, full).
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise SaccadeError(
            f"cannot write {path}: {error.strerror or error}; is the folder writable and is there room on the disk?"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def need_writable(folder: Path) -> None:
    """Raises SaccadeError where no file can be written into the folder, which is made if need be: to ask before a long step."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SaccadeError(
            f"cannot write into {folder}: {error.strerror or error}; is it a writable folder and is there room on the disk?"
        ) from None


def clear_leftovers(folder: Path) -> None:
    """Removes what killed calls of `write_atomic` left in the folder: temporary files that nobody has touched for an hour. Once before a
    long step, not at each writing, which would list a folder of thousands of videos thousands of times."""
    for left in (path for path in folder.glob(".*") if LEFT_OVER.fullmatch(path.name)):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > LEFT_OVER_S:
                left.unlink()


def write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SaccadeError(f"{path} does not exist") from None
    except json.JSONDecodeError as error:
        raise SaccadeError(f"{path} is not valid JSON ({error}); remove it and run again") from None


def write_parquet(path: Path, table: "pd.DataFrame") -> None:
    write_atomic(path, lambda temporary: table.to_parquet(temporary, index=False))


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    write_atomic(path, lambda temporary: table.to_csv(temporary, index=False, lineterminator="\n"))


def provenance(root: Path, **more: Any) -> dict[str, Any]:
    """Where and with what a result was made: versions, commit, machine, time; `more` is added as it is."""
    packages = ["torch", "torchvision", "numpy", "av", "pandas", "snakemake"]
    return {
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _git(root, "rev-parse", "HEAD"),
        "modified": bool(_git(root, "status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "packages": {name: version for name in packages if (version := _version(name))},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    } | more


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
