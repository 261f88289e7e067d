"""What only VideoEpitoma shows: the choices that its text leaves open, what each choice of timesteps is worth (Table 2,
Fig. 4, 7), and what the selector selects of which class (Fig. 5, 6). No torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from saccade.report.cells import significant
from saccade.report.tidy import Column, TidyTable, sentences, tidy, words

from . import drawing
from .decisions import SAMPLINGS, between_classes, by_timesteps, main, opened, shares, with_and_without_context
from .keys import key_timesteps

HERE = Path(__file__).parent
NAMED = (words("Dataset", "dataset"), words("Variant", "variant"))
MEASURES = {"top1": "top-1", "map": "mAP"}
ACROSS = {"timesteps": "number of timesteps", "gmacs": "GMACs a video"}
PAPERS = {("timesteps", "top1"): "Figure 4", ("gmacs", "top1"): "Figure 7", ("timesteps", "map"): "Figure 8"}
ALSO_SAID = {
    "any evidence": "How many of the chosen timesteps show what would be evidence in some video",
    "with a marker": "In how many videos a chosen timestep shows a marker",
}
FEW = (1, 8, 32)  # numbers of timesteps of which decoding is told
SEEDS = Column("Seeds", ("seeds",), "whole")


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
    keys = key_timesteps(found)
    for name, said in (("precision", "of the chosen timesteps hold evidence"), ("recall", "of the evidence is chosen")):
        yield (
            f"key-{name}",
            f"How much {said}",
            "In %, over the videos that have any: a timestep holds evidence where one of its frames does. By chance: "
            "of as many timesteps by lot. Mean over videos and seeds. Only where the truth of each frame is known.",
            _keys_table(keys, name),
        )
    for name, said in ALSO_SAID.items():
        if keys[name].notna().any():
            yield (
                f"key-{name.replace(' ', '-')}",
                said,
                "In %, mean over videos and seeds, where the truth of each frame knows it. On generated videos of "
                "moments, what would be evidence in some video is a digit, and a marker tells whose digits count.",
                _keys_table(keys[keys[name].notna()], name),
            )
    yield (
        "decoding",
        "What choosing makes the decoder do",
        "Frames a video: those that the networks see, and those that have to be decoded for them, which scattered "
        "timesteps share less; mean over videos, seeds and, of random ones, drawings. Multiply-adds don't count them.",
        _decoding_table(main(rows)),
    )
    yield (
        "gates",
        "How many gates open",
        "Of the timesteps looked at those whose gate is open, without noise, and top-1 or mAP with just these; mean "
        "over seeds, ±: sample standard deviation. The paper argues for L0, and for the clipped sigmoid "
        "(variants without a suffix), against sigmoid and relu.",
        _gates_table(opened(found)),
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
    numbers = [Column(str(count), (f"at{count}",), "percent") for count in counts]
    named = [*NAMED, words("Head", "head"), words("Measure", "measure"), words("Timesteps", "sampling")]
    return tidy(lines, [*named, *numbers, SEEDS])


def _keys_table(rows: pd.DataFrame, column: str) -> TidyTable:
    """A row per variant and sampling, and one of chance where it is known; a column per number of timesteps."""
    lines = []
    counts = sorted(rows.timesteps.unique())
    for (dataset, variant), own in rows.groupby(["dataset", "variant"], sort=False):
        parts = [
            (SAMPLINGS[name], own[own.sampling == name], column) for name in SAMPLINGS if name in set(own.sampling)
        ]
        chance = f"chance {column}"
        by_lot = [("By chance", own[own.sampling != "truth"], chance)] if chance in own else []
        for told, one, of in [*parts, *by_lot]:
            line = {"dataset": dataset, "variant": variant, "sampling": told, "seeds": one.seed.nunique()}
            lines.append(line | {f"at{count}": mean for count, mean in one.groupby("timesteps")[of].mean().items()})
    numbers = [Column(str(count), (f"at{count}",), "percent") for count in counts]
    return tidy(lines, [*NAMED, words("Timesteps", "sampling"), *numbers, SEEDS])


def _decoding_table(rows: pd.DataFrame) -> TidyTable:
    """A row per variant that was trained apart and sampling; what is seen and decoded at a few numbers of timesteps."""
    lines, own = [], rows[~rows.jointly.astype(bool)] if len(rows) else rows
    counts = [count for count in FEW if count in set(own.timesteps)]
    for (dataset, variant, sampling), one in own.groupby(["dataset", "variant", "sampling"], sort=False):
        means = one.groupby("timesteps")[["looked", "decoded"]].mean()
        line = {"dataset": dataset, "variant": variant, "sampling": SAMPLINGS[str(sampling)]}
        for count in (count for count in counts if count in means.index):
            line |= {f"{name}{count}": means.loc[count, name] for name in means}
        lines.append(line)
    columns = [
        Column(f"{count}: {said}", (f"{name}{count}",), "whole")
        for count in counts
        for name, said in (("looked", "seen"), ("decoded", "decoded"))
    ]
    return tidy(lines, [*NAMED, words("Timesteps", "sampling"), *columns])


def _gates_table(rows: pd.DataFrame) -> TidyTable:
    lines = []
    for (dataset, variant, pool), one in rows.groupby(["dataset", "variant", "pool"], sort=False):
        line = {"dataset": dataset, "variant": variant, "pool": pool, "seeds": one.seed.nunique()}
        line |= {f"{name}{end}": how for name in ("share", "value") for end, how in _spread(one[name]).items()}
        lines.append(line)
    share, value = (
        Column(said, (name, f"{name}.sd"), "percent")
        for said, name in (("Open (%)", "share"), ("Top-1 or mAP (%)", "value"))
    )
    return tidy(lines, [*NAMED, Column("Of timesteps", ("pool",), "whole"), share, value, SEEDS])


def _spread(values: pd.Series) -> dict[str, float]:
    return {"": values.mean(), ".sd": values.std()}


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
    curves = pd.read_csv(HERE / "activations.csv")
    yield (
        "activations",
        "What becomes of a gating value in training",
        "As the paper's Figure 3: by what a timestep is multiplied. Clipped is the paper's; binary is drawn from its "
        "first description. At test time a gate is open where its value is 0 or more.",
        "Four activations over the gating value: clipped and binary are 0 below 0, sigmoid never, relu has no bound.",
        drawing.draw_activations(curves),
    )
    yield from _of_timesteps(main(by_timesteps(found)))
    yield from _of_keys(key_timesteps(found))
    yield from _of_shares(shares(found))


def _of_timesteps(all_rows: pd.DataFrame) -> Iterator[tuple[str, str, str, str, Figure]]:
    for (dataset, head), rows in all_rows.groupby(["dataset", "head"], sort=False):
        measure = MEASURES[rows.measure.iloc[0]]
        for across, label in ACROSS.items():
            paper = PAPERS.get((across, rows.measure.iloc[0]))
            yield (
                f"by-{across}-{_name(dataset)}-{_name(head)}",
                f"{measure} by {across if across == 'timesteps' else 'cost'}, {dataset}",
                (f"As the paper's {paper}: " if paper else "")
                + f"{measure} of the head {head} by {label}, for each choice of timesteps, with selector and "
                "classifier trained apart and together; mean over seeds and, of random ones, drawings, whose standard "
                "deviation is the band.",
                f"{measure} on {dataset} by {label}. {drawing.told_by_timesteps(rows)}",
                drawing.draw_by_timesteps(rows, across, label, measure),
            )


def _of_keys(all_rows: pd.DataFrame) -> Iterator[tuple[str, str, str, str, Figure]]:
    shown = pd.concat([main(all_rows), with_and_without_context(all_rows)]).drop_duplicates(
        ["dataset", "variant", "seed", "sampling", "timesteps"]
    )
    for dataset, rows in shown.groupby("dataset", sort=False):
        yield (
            f"key-timesteps-{_name(dataset)}",
            f"Timesteps that hold evidence, {dataset}",
            "Precision: how many of the chosen timesteps hold evidence; recall: how much of it is chosen. Dashed: of "
            "as many timesteps by lot. Mean over videos and seeds.",
            f"Precision and recall of the chosen timesteps on {dataset}. {drawing.told_keys(rows)}",
            drawing.draw_keys(rows),
        )


def _of_shares(all_rows: pd.DataFrame) -> Iterator[tuple[str, str, str, str, Figure]]:
    """Of the fewest timesteps that were looked at, as many as training had in the paper."""
    for dataset, every in all_rows.groupby("dataset", sort=False):
        rows = every[every.pool == every.pool.min()]
        pool = rows.pool.iloc[0]
        said = f"of {pool} timesteps the share whose gate is open, mean over the videos of each class and over seeds."
        several = " A video with several labels counts for each."
        if len(own := main(rows)):
            yield (
                f"shares-{_name(dataset)}",
                f"What is selected of each class, {dataset}, of {pool} timesteps",
                f"As the paper's Figure 5: {said}{several}",
                f"The share of selected timesteps by class on {dataset}. {drawing.told_shares(own)}",
                drawing.draw_shares(own),
            )
        if len(own := with_and_without_context(rows)):
            found = between_classes(own).groupby("variant", sort=False).variance.mean()
            titles = {str(name): f"{name}, variance {significant(value)}" for name, value in found.items()}
            yield (
                f"conditioning-{_name(dataset)}",
                f"What is selected of each class with context and without, {dataset}, of {pool} timesteps",
                f"As the paper's Figure 6: {said}{several} Variance: between classes.",
                f"The share of selected timesteps by class on {dataset}. {'; '.join(titles.values())}.",
                drawing.draw_shares(own, titles),
            )


def _name(text: str) -> str:
    return text.replace("@", "-").replace(".", "-").replace("_", "-").lower()
