"""What pages say about tables and figures: titles, and captions that name the budget. No torch."""

from saccade.report.answer_table import MOST
from saccade.results.reader import PlannedGrid

NATURE = {  # what a number of this budget is, said in every caption
    "demo": "toy data: proves the machine, not the method",
    "study": "mechanism, embedded data; not the paper's numbers",
    "paper": "real data, published schedules",
    "released": "published weights on the user's own videos; nothing is trained",
}
TITLES = {
    "not_run": "Planned and not run",
    "headline": "Accuracy and cost",
    "stand_ins": "Beside its stand-ins",
    "looks": "Whether it looks where the information is",
    "speed": "Realised speed-up",
    "speed_readings": "Every reading",
    "speed_parts": "Where the time goes",
    "equal_time": "Best accuracy in equal time",
    "equal_time_by_runtime": "Best accuracy in equal time, by runtime",
    "answers": "What it says of each video",
    "details": "More metrics",
    "coverage": "Videos",
    "cost_cells": "Printed costs, counted again",
    "paper": "The paper's table",
    "claims": "The paper's claims",
    "findings": "What only this method shows",
    "tradeoff": "Accuracy against cost",
    "modules": "Where the multiply-adds go",
    "curves": "Learning curves",
}
READING = (
    "Test split. Accuracy in %; brackets: 95 % bootstrap interval over clusters of videos (mean over seeds); "
    "±: sample standard deviation over seeds, where there are several. "
)
UNITS = (
    "GMACs: billions of multiply-adds per video as executed, over all views and crops, classification head included, "
    "decoding not; mean [median, 95th percentile] over videos. "
)
CAPTIONS = {
    "not_run": "Every planned cell (point and seed) that has no result, and why.",
    "headline": READING
    + UNITS
    + "Role: oracle (sees the ground truth), random, fixed and static (equal cost) are stand-ins to compare with; "
    "chance: always answering the majority class.",
    "stand_ins": (
        "Top-1 or mAP, mean over seeds, of each point beside the stand-ins that its card names; of several of one kind "
        "the best at equal cost. Weights: the same as the point's (where it looks), or re-tuned for the stand-in's "
        "choice (the system). "
        '"at 1.24×" marks a stand-in whose multiply-adds differ from the point\'s by more than 3 %. Headroom: oracle '
        "minus random; gain: the share of it that the point makes good, untestable where the headroom may be less than "
        "5 points; 95 % intervals over clusters of videos and seeds. Baselines' cost: multiply-adds of the cheapest "
        "baseline that is at least as accurate, as a multiple of the point's (≤: a cheaper one might do); not reached: "
        "no baseline of this budget is."
    ),
    "looks": (
        "The share of the chosen frames that are informative, and of the frames whose patch (where there are several: "
        "any of them) holds the target's centre, or 90 % of its box, where it is to be seen; mean over videos, "
        "brackets: 95 % bootstrap interval over clusters. Beside it, at the same number and size: what a random choice "
        "expects, frames evenly spread or the patch in the centre, and the best times or places that are the same for "
        "every video (fitted on the other splits). A point that finds no more than the best of these doesn't look."
    ),
    "speed": (
        "How much faster the point answers than its counterpart (its mean time over the point's), in parentheses as a "
        "share of the ratio of their multiply-adds (MACs), in brackets the least and the most that one process alone "
        "says. A row per runtime, and one for point and counterpart each in its fastest exact one. Single stream: one "
        "video at a time; offline: so many in one call (MLPerf's names); both from clips that lie ready in memory, "
        "with the settings' threads. Both sides are optimised alike and exactly and take turns on the same test "
        "videos in several fresh processes. A/A: a side against itself in the same turns, where it is furthest from "
        "1; † marks a reading that is still more than 3 % from 1 after having been taken again. Processor: the single "
        "stream's speed-up in the processor's time instead of elapsed time. ms per video: counterpart → point, single "
        "stream. Not alone: other programs kept more than a tenth of a core busy meanwhile. Stale: code or settings "
        "have changed since. Runtimes don't take turns with each other, so that a few percent between rows say "
        "nothing, and the default is called the one to stay with where no other is more than 3 % faster. The first "
        "seed only."
    ),
    "speed_readings": (
        "Single stream (one video a call) and offline (many), from clips that lie ready in memory and with decoding, "
        "that is, from the file on. n: timed calls of each side. Speed-up: the median of what each process says [the "
        "least, the most]. Again: how often the processes took the reading again because a side disagreed with "
        "itself (A/A) by more than 3 %. Point and counterpart: milliseconds per video, mean [50th, 90th, 99th "
        "percentile over videos]; a video's time is the median of its calls, and many in one call share its time "
        "evenly. Processor: the same in the processor's time, where the processor computes; its ms: counterpart → "
        "point. The csv has all percentiles."
    ),
    "speed_parts": (
        "Milliseconds per video at batch 1, in a pass of its own: decoding, transforms (the rest of making a clip), "
        "each top-level part of the model (or the model, where another runtime runs it in one piece), and what "
        "prediction does outside of them. Looking closely takes time, so the sum is a little more than the total."
    ),
    "equal_time": (
        "The most accurate of the timed points whose mean time per video (single stream, without decoding) stays under "
        "the limit, each in its fastest exact runtime; accuracy: mean over seeds, time: the first seed. †: the "
        "reading's A/A is more than 3 % from 1."
    ),
    "equal_time_by_runtime": (
        "As above, with every point in the same runtime: accuracy in %, variant and point, and in brackets its mean "
        "time per video. Exact runtimes only, since the accuracy is the one of eager."
    ),
    "answers": (
        "The three likeliest classes of the published weights with their probabilities, at the run's first point; "
        f"label: what the video's folder or videos.csv says. The first {MOST} videos by name; all are in "
        "predictions.parquet. "
        "`python -m saccade try` shows what was looked at."
    ),
    "details": READING + "Decoded frames: mean per video, looked at or not.",
    "coverage": (
        "Videos expected by the dataset's card, usable in all and per split, and left out because of a problem. Frames "
        "are sampled by their number, unless settings say `sample_by: time`: where the frame rate varies, more is seen "
        "of where there are more frames."
    ),
    "cost_cells": (
        "Complexity as papers print it and as counted here without data, the same in every budget: multiply-adds and "
        "parameters, under the counting rule in the notes. Difference: ours minus printed, as a share of the "
        "printed number."
    ),
    "paper": (
        "Printed: as it stands in the paper; cited: taken by it from elsewhere. Ours: (counted) multiply-adds or "
        "parameters counted without data, the same in every budget; all else is executed by a run of budget paper, and "
        "by no other: mean ± standard deviation over seeds, brackets: 95 % bootstrap interval over clusters (mean over "
        "seeds). "
        "Difference: ours minus printed, in points for accuracies, in % of the printed number otherwise. "
    ),
    "claims": (
        "Each claim judged twice: on the numbers that the paper prints, and on ours, with intervals over clusters of "
        "videos and seeds and Holm's correction for the number of claims. Comparand: own; cited, which ours can't be "
        "put beside; or cited, run here, where print compares with a cited number and ours is compared with a run of "
        "the same. Can't fail: the bound, or the order itself, was taken from the printed numbers, which are then no "
        "evidence for the claim."
    ),
    "findings": "",
    "tradeoff": (
        "Circles: the method's own operating points, filled on their Pareto front (grey line). Triangles and other "
        "hollow marks: stand-ins (oracle up, random down); an oracle sees the ground truth. Small dots: seeds. Bars: "
        "95 % bootstrap intervals over clusters of test videos. Dotted: chance. Broad grey line: the static frontier, "
        "the best that any baseline of this budget reaches for at most that cost. Points of equal cost stand side by "
        "side. GMACs: billions of multiply-adds per video as executed, over all views and crops, head included; "
        "logarithmic."
    ),
    "modules": "Share of the multiply-adds executed for one video at the dearest point, by module; small ones under "
    "their parent.",
    "curves": "A line per seed and epoch. Validation split, from which checkpoints and settings are chosen; never the "
    "test split.",
}


def about(grid: PlannedGrid, kind: str, dataset: str = "", detail: str = "", **more: str) -> dict[str, str]:
    """What a page says about a table or figure: kind, dataset, title, caption. A caption names the budget that the
    numbers come from."""
    title = TITLES[kind] + (f": {detail}" if detail else "")
    caption = CAPTIONS[kind] if kind == "cost_cells" else source(grid, dataset) + CAPTIONS[kind]
    return {"kind": kind, "dataset": dataset, "title": title, "caption": caption, **more}


def source(grid: PlannedGrid, dataset: str = "") -> str:
    """Where numbers come from: how every caption of a budget's numbers begins."""
    nature = NATURE.get(grid["budget"], "a budget of its user's own")
    return f"Budget {grid['budget']} ({nature})" + (f", {dataset}. " if dataset else ". ")
