"""What only T-CNN with spatial attention shows: what the printed costs pin down (`presets`), how far targets are
magnified, whether branches agree, where peaks lie, how wide attention has become, and frames with their attention and
what is made of them (Fig. 2, 3). No torch."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from saccade.report.tidy import Column, TidyTable, interval, tidy, words
from saccade.results.reader import NotRun

from . import drawing, presets
from .decisions import (
    BRANCHES,
    PAIRS,
    VIDEOS,
    agreement,
    answers,
    betas,
    examples,
    failures,
    kept_maps,
    magnifications,
    misled,
    peaks,
    run_of,
)

NAMED = (words("Dataset", "dataset"), words("Variant", "variant"))
SEEDS = Column("Seeds", ("seeds",), "whole")
LETTER = BRANCHES | {"total": "All"}


def tables(found: Any) -> Iterator[tuple[str, str, str, TidyTable]]:
    yield from presets.tables()
    yield (
        "magnified",
        "How far the target is magnified",
        "How many times as many pixels of the video look into the target's box as lie in it in the original: mean over "
        "the frames where it informs and is to be seen, then over videos and seeds; ±: sample standard deviation over "
        "seeds. 1: not magnified. Anywhere: the same of boxes of the target's size at 25 places all over the same "
        "frames, which is what magnification without an aim gives. D: discriminative, C: complementary video.",
        _magnified_table(magnifications(found)),
    )
    yield (
        "agreement",
        "Whether the branches agree",
        "Of the same weights: accuracy of each branch alone (O: original, D: discriminative, C: complementary) and of "
        "all together; how often two branches name the same class; how often at least one is right, which no rule that "
        "picks one of their answers can pass; and misled: videos on which O alone is right, while D alone and all "
        "together are wrong. Mean over seeds, ±: sample standard deviation.",
        _agreement_table(agreement(found)),
    )
    yield (
        "peaks",
        "Peaks of the response maps",
        "Per frame of the test split, divided as at test time, mean over seeds. No complementary one: frames that the "
        "complementary video leaves as they are. Sure: frames whose entropy is below δ, so that the likeliest class "
        "alone is mapped (eq. 3). Of networks whose peaks lie by lot: the peaks that are moved.",
        _peaks_table(peaks(found)),
    )
    yield (
        "betas",
        "How wide attention has become",
        "Where β1 (discriminative) and β2 (complementary) began, and what joint training made of them, by seed. In "
        "shares of the grid's side: around a peak of height 1 the Gaussian's standard deviation, whose sign doesn't "
        "count. Near 0 attention is a single cell, which magnifies nothing. The paper prints neither; in its units "
        "they are √2 times the grid's side as large.",
        _betas_table(betas(found)),
    )


def _magnified_table(rows: pd.DataFrame) -> TidyTable:
    lines = []
    for (dataset, variant, point), one in rows.groupby(["dataset", "variant", "point"], sort=False):
        line = {"dataset": dataset, "variant": variant, "point": point, "title": one.title.iloc[0]}
        for name in (column for column in one if str(column).startswith("magnified.")):
            line |= {name: one[name].mean(), f"{name}.sd": one[name].std()}
        lines.append(line | {"videos": one.videos.max(), "seeds": one.seed.nunique()})
    shown = [(video, at) for video in VIDEOS for at in ("", ".anywhere")]
    return tidy(
        lines,
        [
            *(*NAMED, words("Point", "title")),
            *(
                Column(f"{BRANCHES[video]}{', anywhere' if at else ''}", (name, f"{name}.sd"), "with_sd")
                for video, at in shown
                for name in [f"magnified.{video}{at}"]
            ),
            *(Column("Videos", ("videos",), "whole"), SEEDS),
        ],
    )


def _agreement_table(rows: pd.DataFrame) -> TidyTable:
    numbers = [name for name in rows if name not in ("dataset", "variant", "seed", "views")]
    lines = []
    for (dataset, variant, views), one in rows.groupby(["dataset", "variant", "views"], sort=False):
        line = {"dataset": dataset, "variant": variant, "views": views, "seeds": one.seed.nunique()}
        line |= {name: one[name].mean() for name in numbers}
        lines.append(line | {f"{name}.sd": one[name].std() for name in numbers})
    return tidy(
        lines,
        [
            *(*NAMED, words("Views", "views")),
            *(interval(f"{letter} (%)", name) for name, letter in LETTER.items()),
            *(
                Column(f"{BRANCHES[one]} = {BRANCHES[other]} (%)", (f"same.{one}.{other}",), "percent")
                for one, other in PAIRS
            ),
            *(Column("One right (%)", ("any",), "percent"), Column("Misled (%)", ("misled",), "percent"), SEEDS),
        ],
    ).without_empty()


def _peaks_table(rows: pd.DataFrame) -> TidyTable:
    lines = []
    for (dataset, variant), one in rows.groupby(["dataset", "variant"], sort=False):
        line = {"dataset": dataset, "variant": variant, "seeds": one.seed.nunique()}
        lines.append(line | {name: one[name].mean() for name in (*VIDEOS, "none", "sure")})
    return tidy(
        lines,
        [
            *NAMED,
            *(Column(video.capitalize(), (video,), "two_decimals") for video in VIDEOS),
            Column("No complementary one (%)", ("none",), "percent"),
            *(Column("Sure (%)", ("sure",), "percent"), SEEDS),
        ],
    )


def _betas_table(rows: pd.DataFrame) -> TidyTable:
    seeds, lines = sorted(rows.seed.unique()), []
    for (dataset, variant), one in rows.groupby(["dataset", "variant"], sort=False):
        line = {"dataset": dataset, "variant": variant}
        for row in one.itertuples(index=False):
            line |= {f"{row.video}.start": row.start, f"{row.video}.seed{row.seed}": round(row.learned, 4)}
        lines.append(line)
    columns = []
    for number, video in enumerate(VIDEOS, 1):
        columns.append(Column(f"β{number} at first", (f"{video}.start",), "number"))
        columns.append(Column(f"β{number} by seed", tuple(f"{video}.seed{seed}" for seed in seeds), "listed"))
    return tidy(lines, [*NAMED, *columns]) if lines else tidy([], NAMED)


def figures(found: Any) -> Iterator[tuple[str, str, str, str, Figure]]:
    for dataset, some in kept_maps(found).groupby("dataset", sort=False):
        own = some[some.variant == some.variant.iloc[0]]
        with suppress(NotRun):  # the videos may be gone; those of another dataset may be there
            yield _maps_figure(found, dataset, own[own.seed == own.seed.min()])
            yield from _failure_figure(found, dataset, own)


def _maps_figure(found: Any, dataset: str, rows: pd.DataFrame) -> tuple[str, str, str, str, Figure]:
    videos = list(examples(found, rows))
    return (
        f"maps-{file_name(dataset)}",
        f"Frames, attention and what is made of them, {dataset}",
        f"As the paper's Figure 2, {_who(rows)}: the middle frame of a clip with the peaks of its response map, which "
        f"is below it; the attention of each set of peaks, and the frame resampled by it. {drawing.SETS} Dashed in "
        "white: the target, where the ground truth is known, it informs and is to be seen. Each map has its own scale. "
        "The videos are chosen by a rule: by name the first of the test split that is recognised, and the first that "
        f"isn't, {AMONG}",
        f"Frames of {len(videos)} videos of {dataset}, attention and resampled frames. "
        f"{drawing.told_magnified(videos)}",
        drawing.draw_magnified(videos),
    )


AMONG = "among those whose maps were kept (one in 16 by the hash of its name)."


def _failure_figure(found: Any, dataset: str, rows: pd.DataFrame) -> Iterator[tuple[str, str, str, str, Figure]]:
    """Of the first seed that has such a video; nothing where none has."""
    for _, own in rows.groupby("seed"):
        videos = list(failures(found, own))
        if not videos:
            continue
        lost = misled(answers(found, run_of(found, own), "one")[1])
        yield (
            f"misled-{file_name(dataset)}",
            f"Where attention misleads, {dataset}",
            f"As the paper's Figure 3, which shows one frame, {_who(own)}: a video on which the original branch alone "
            "is right, while the discriminative branch alone and all together are wrong. So are "
            f"{int(lost.sum())} of the {len(lost)} videos of the test split; the first by name is shown, {AMONG} "
            "Panels as in the figure of frames, attention and what is made of them.",
            f"A frame of {dataset}, attention and resampled frames. {drawing.told_magnified(videos)}",
            drawing.draw_magnified(videos),
        )
        return


def _who(rows: pd.DataFrame) -> str:
    return f"{rows.variant.iloc[0]}, seed {rows.seed.iloc[0]}"


def file_name(text: str) -> str:
    return text.replace("@", "-").replace(".", "-").replace("_", "-").lower()
