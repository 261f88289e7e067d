"""The fixed columns of every table that Saccade writes, the small record types that pass between rooms, and the error
whose message says what would be right. No torch."""

import difflib
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

# The files of data/<d>/prepared/<budget>[@edition], and those of a run's folder.
INDEX_FILE, TRUTH_FILE, COVERAGE_FILE = "index.parquet", "truth.parquet", "coverage.json"
ACQUIRED_FILE = "acquired.json"  # of data/<d>/raw, the ledger; of data/<d>, what is whole there
PREPARED_BY_FILE, FAILED_FILE = "provenance.json", "coverage.failed.json"
PROBED_FILE = "probed.txt"  # of data/<d>/prepared: what was found of each file, for all budgets and editions
PREDICTIONS_FILE, HITS_FILE, METRICS_FILE = "predictions.parquet", "hits.parquet", "metrics.json"
COST_FILE, LATENCY_FILE = "cost.json", "latency.json"
LOG_ENDS = ".log.jsonl"  # after the phase's name
FEATURES_ENDS = ".features"  # the same: the folder of its network's features; with .json behind it, their product
PLAN_FILE = "plan.json"  # of results/<budget>: the planned grid


def provenance_name(step: str) -> str:
    """The file that says who made what a step or a phase left, when and with what."""
    return f"provenance.{step}.json"


# INDEX_FILE; one integer (or list of integers, multi-label) column per head follows. path: of the file, or of the
# folder with a video's pictures; first_frame: the number in the name of the first of these, 0 for files. bytes: the
# file's, or those of the first and the last picture. times_s: when each frame is shown, in seconds from the first;
# empty where frame n is shown at n / fps, to within half a frame.
INDEX_COLUMNS = [
    "video_id",
    "split",
    "cluster",
    "path",
    "first_frame",
    "bytes",
    "frames",
    "fps",
    "duration_s",
    "width",
    "height",
    "audio",
    "times_s",
]
# TRUTH_FILE beside it, where the dataset knows: one row per frame.
TRUTH_COLUMNS = ["video_id", "frame", "informative"]
# PREDICTIONS_FILE: these, then `<head>.target` (numbers of the index's own classes; none where it has no such head, as
# published weights may) and `<head>.scores` per head.
PREDICTION_COLUMNS = ["point", "video_id", "cluster", "macs", "frames", "decoded_frames", "decisions"]
METRICS_COLUMNS = ["dataset", "method", "variant", "point", "seed", "metric", "value", "low", "high", "n"]
REPORTED_COLUMNS = ["paper", "table", "row", "column", "dataset", "value", "unit", "origin", "note"]
COST_COLUMNS = [
    "paper",
    "table",
    "row",
    "column",
    "dataset",
    "unit",
    "reported",
    "ours",
    "relative_error",
    "rule",
    "note",
]
CLAIMS_COLUMNS = ["paper", "claim", "where", "says", "comparand", "on_printed", "on_ours", "evidence"]
SPLITS = ["train", "val", "test"]
# What a model's parts can be run by (`--runtime`), the default first, and what each means (`saccade.timing.runtimes`).
RUNTIMES = {
    "eager": "PyTorch, layer by layer",
    "compile": "torch.compile, on a CPU with frozen weights; needs a C++ compiler",
    "onnxruntime": "ONNX Runtime, on a CPU",
    "openvino": "OpenVINO in fp32, on a CPU",
    "bf16": "PyTorch in bfloat16, on a GPU; not exact",
}
EAGER = next(iter(RUNTIMES))  # what the others are held against
EXACT = tuple(name for name in RUNTIMES if name != "bf16")  # equal to `eager` but for fp32 rounding
EXPORTED = "exported"  # the folder beside them with the parts of models as runtimes read them
FASTEST = "fastest"  # in LATENCY_FILE: a point and its counterpart, each in the exact one that is its fastest
KINDS = ("missing", "corrupt", "too short")  # of videos that can't be used, in COVERAGE_FILE
# Of videos, in COVERAGE_FILE: what a reader of the numbers should know of.
PECULIARITIES = {
    "variable_rate": "of variable frame rate (sampled by frame unless `sample_by` is time)",
    "rotated": "stored turned or mirrored (read upright)",
    "pixels_not_square": "with pixels that aren't square (read as stored)",
    "interlaced": "interlaced (read as stored)",
    "several_video_tracks": "with several video tracks (the default one is read)",
}


class SaccadeError(Exception):
    """Something the user can mend: the message says what, where, and what would be right. The CLI prints it without a
    traceback."""


@dataclass(frozen=True)
class Head:
    """A label space. `single`: one class per video; `multi`: any number."""

    name: str
    kind: Literal["single", "multi"]
    classes: tuple[str, ...]
    # the classes are those of published weights; an index has classes of its own, which are matched by name
    of_weights: bool = False
    unnamed: str = ""  # where these have no names here: what would bring them

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def classes_sha256(self) -> str:
        """12 hex digits of the names and their order."""
        return hashlib.sha256(canonical(self.classes).encode()).hexdigest()[:12]


@dataclass
class Prediction:
    """What a method's `predict` gives back for one view of B videos.

    probabilities: {head: (B, K) float}. macs: (B,) int64, the multiply-adds executed for each video. frames: (B,)
    int64, how many frames the networks looked at. decisions: B objects that can be written as JSON and say what was
    chosen; empty where nothing is. decoded_frames: (B,) int64, how many frames had to be decoded, where the method
    itself asked for them (clips on demand); None where the loader knows.

    Two keys of a decision are compared with the ground truth (`saccade.scoring.hit_rates`); others are free. `frames`:
    the numbers of the chosen frames, counted in the video itself. `boxes`: as many entries as `frames`. Each is [x0,
    y0, x1, y1] of the patch taken there, in fractions of the whole frame as it is decoded (not of a crop), from the
    left and the top; or a list of such boxes where several were taken, in the order of their slots; or null where none
    was (`boxes_at` reads an entry). And where it is there, `scanned`, the numbers of those that were only pre-scanned,
    says what became of all frames that the view was given (`saccade.scoring.frame_shares`).
    """

    probabilities: dict[str, Any]
    macs: Any
    frames: Any
    decisions: list[Any] = field(default_factory=list)
    decoded_frames: Any = None


def boxes_at(entry: Sequence[Any] | None) -> list[Sequence[float]]:
    """The boxes of one frame, from its entry in a decision's `boxes` (see `Prediction`): none, one, or several."""
    if not entry:
        return []
    return list(entry) if isinstance(entry[0], Sequence) else [entry]


@dataclass(frozen=True)
class Task:
    """What a step is asked to do. The plan decides it; the steps read no card. Paths but `root` are relative to it.

    `weights`: the phases' products to load, in order. `drops`: for each product, globs over the tensors to leave out.
    `points`: the operating points to predict, name -> settings. `features`: the products of the features that the phase
    trains on, by the phase whose network gives them.
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
    identity: dict[str, Any] = field(default_factory=dict)  # a saved training state of another identity isn't taken up
    released: dict[str, Any] | None = None  # of a phase `import`: {file (a path), sha256 (or ""), drops (globs)}
    points: dict[str, Any] = field(default_factory=dict)
    features: dict[str, Path] = field(default_factory=dict)

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


def one_line(text: object) -> str:
    """The text with what would break or garble a line escaped: names may hold newlines, and bytes that are no UTF-8
    (Python's surrogates), or only none in this locale."""
    read = re.sub("[\udc80-\udcff]+", _as_utf8, str(text))
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in read)


def spelled_alike(name: str) -> str:
    """Equal for names that differ only in case, in blanks, underscores and hyphens, or in their Unicode form."""
    return " ".join(re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", name).casefold()).split())


def first_line(error: BaseException) -> str:
    """Of what the error says; its name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def first_few(names: Sequence[Any], most: int = 5, between: str = ", ") -> str:
    """At most so many of the names, and how many more there are."""
    return between.join(map(str, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")


def size_words(count: int) -> str:
    """So many bytes: `6.96 GB`; a thousand is a thousand."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _as_utf8(surrogates: re.Match[str]) -> str:
    return surrogates[0].encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def peculiar_words(coverage: Mapping[str, Any]) -> str:
    """How many of a dataset's videos are what, and which, in one line; empty where none is."""
    parts = []
    for name, words in PECULIARITIES.items():
        if found := coverage.get("peculiar", {}).get(name):
            more = found["videos"] - len(found["first"])
            parts.append(f"{found['videos']} {words}: {', '.join(found['first'])}" + f" and {more} more" * (more > 0))
    return "; ".join(parts)


def suggest(word: object, choices: Iterable[str]) -> str:
    """`; did you mean 'x'?` and the list of what exists, for the end of an error."""
    names = sorted(choices)
    near = difflib.get_close_matches(str(word), names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"{hint} (there are: {', '.join(names) or 'none'})"
