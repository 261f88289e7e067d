"""What only VideoEpitoma shows: the choices that its text leaves open, what each choice of timesteps is worth (Table 2,
Fig. 4, 7), and what the selector selects of which class (Fig. 5, 6). No torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from saccade.report.tidy import Column, TidyTable, sentences, tidy, words

from . import drawing
from .decisions import SAMPLINGS, between_classes, by_timesteps, shares

HERE = Path(__file__).parent
NAMED = (words("Dataset", "dataset"), words("Variant", "variant"))
MEASURES = {"top1": "top-1", "map": "mAP"}
ACROSS = {"timesteps": "timesteps that the HeavyNet sees", "gmacs": "GMACs a video"}
PAPERS = {"timesteps": "Figure 4", "gmacs": "Figure 7"}


def tables(found: Any) -> Iterator[tuple[str, str, str, TidyTable]]:
    yield (
        "choices",
        "What the text leaves open",
        "Stated: in the paper. Inferred: from its printed costs and accuracies, or from other code of its first "
        "author. Ours: our choice, where neither says it. In brackets: the settings. No code was published.",
        choices(),
    )
    rows = by_timesteps(found)
    yield (
        "samplings",
        "What each choice of timesteps is worth",
        "As the paper's Table 2: top-1 or mAP in % by the number of timesteps that the HeavyNet sees, mean over seeds "
        "and, of random ones, drawings. First: each equal part's first timestep, as the paper has it; centre: the one "
        "in its middle; at the selector's cost: as many more of these as selecting costs; true: those that hold "
        "evidence.",
        _by_timesteps_table(rows, "value"),
    )
    yield (
        "informing",
        "How many of the chosen timesteps inform",
        "The share in % of the chosen timesteps whose middle frame informs, over the videos in which any does; mean "
        "over seeds and drawings. Only where the truth of each frame is known.",
        _by_timesteps_table(rows.dropna(subset="informs"), "informs"),
    )
    yield (
        "conditioning",
        "How the share of selected timesteps depends on the class",
        "As the paper's Figure 6: of the timesteps looked at those whose gate is open, in % by class; the mean, the "
        "least and the most of a class, and the variance between classes. Mean over seeds; ±: sample standard "
        "deviation. A selector of the frame alone can't know the class but by the frame.",
        _conditioning_table(between_classes(shares(found))),
    )


def choices() -> TidyTable:
    """choices.csv. It is of print, not of any run."""
    lines = pd.read_csv(HERE / "choices.csv", keep_default_na=False).to_dict("records")
    said = {"Stated": "stated", "Inferred": "inferred", "Ours": "ours", "What else would fit": "else"}
    columns = [Column(heading, (name,), empty="", kind="long") for heading, name in said.items()]
    return tidy(lines, [words("Part", "part"), sentences("What", "what"), *columns])


def _by_timesteps_table(rows: pd.DataFrame, column: str) -> TidyTable:
    """A row per variant and sampling, a column per number of timesteps."""
    lines = []
    counts = sorted(rows.timesteps.unique())
    for (dataset, variant, head), own in rows.groupby(["dataset", "variant", "head"], sort=False):
        for sampling in (name for name in SAMPLINGS if name in set(own.sampling)):
            one = own[own.sampling == sampling]
            means = one.groupby("timesteps")[column].mean()
            line = {"dataset": dataset, "variant": variant, "head": head, "measure": MEASURES[one.measure.iloc[0]]}
            line |= {"sampling": SAMPLINGS[sampling], "seeds": one.seed.nunique()}
            lines.append(line | {f"at{count}": value for count, value in means.items()})
    measure = () if column == "informs" else (words("Measure", "measure"),)
    numbers = [Column(str(count), (f"at{count}",), "percent") for count in counts]
    seeds = Column("Seeds", ("seeds",), "whole")
    return tidy(lines, [*NAMED, words("Head", "head"), *measure, words("Timesteps", "sampling"), *numbers, seeds])


def _conditioning_table(rows: pd.DataFrame) -> TidyTable:
    lines = []
    for (dataset, variant, pool), one in rows.groupby(["dataset", "variant", "pool"], sort=False):
        line = {"dataset": dataset, "variant": variant, "pool": pool, "seeds": one.seed.nunique()}
        line |= {name: one[name].mean() for name in ("mean", "least", "most", "variance")}
        lines.append(line | {"mean.sd": one["mean"].std(), "variance.sd": one.variance.std()})
    return tidy(
        lines,
        [
            *(
                *NAMED,
                Column("Of timesteps", ("pool",), "whole"),
                Column("Selected (%)", ("mean", "mean.sd"), "percent"),
            ),
            Column("Least of a class (%)", ("least",), "percent"),
            Column("Most (%)", ("most",), "percent"),
            Column("Variance between classes", ("variance",), "significant"),
            Column("Seeds", ("seeds",), "whole"),
        ],
    )


def figures(found: Any) -> Iterator[tuple[str, str, str, str, Figure]]:
    for (dataset, head), rows in by_timesteps(found).groupby(["dataset", "head"], sort=False):
        measure = MEASURES[rows.measure.iloc[0]]
        for across, label in ACROSS.items():
            yield (
                f"by-{across}-{_name(dataset)}-{_name(head)}",
                f"{measure} by {across if across == 'timesteps' else 'cost'}, {dataset}",
                f"As the paper's {PAPERS[across]}: {measure} of the head {head} by {label}, for each choice of "
                "timesteps; mean over seeds and, of random ones, drawings.",
                f"{measure} on {dataset} by {label}. {drawing.told_by_timesteps(rows)}",
                drawing.draw_by_timesteps(rows, across, label, measure),
            )
    for (dataset, pool), rows in shares(found).groupby(["dataset", "pool"], sort=False):
        yield (
            f"shares-{_name(dataset)}-{pool}",
            f"What is selected of each class, {dataset}, of {pool} timesteps",
            f"As the paper's Figures 5 and 6: of {pool} timesteps the share whose gate is open, mean over the videos "
            "of each class and over seeds. A video with several labels counts for each.",
            f"The share of selected timesteps by class on {dataset}. {drawing.told_shares(rows)}",
            drawing.draw_shares(rows),
        )


def _name(text: str) -> str:
    return text.replace("@", "-").replace(".", "-").replace("_", "-").lower()
