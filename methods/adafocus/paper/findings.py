"""What only AdaFocus shows: where its policy looks and how it learned to, how much AdaFocus+ keeps, what the first
frames are worth (Fig. 6), and patches on frames (Fig. 7). No torch."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from saccade.report.tidy import Column, TidyTable, interval, tidy, words
from saccade.results.reader import NotRun

from . import drawing
from .decisions import EXAMPLES, FRAMES, KEYS, OWN, decided, examples, habits, learning, online, place_maps, scored

# points of the same weights that differ only in where they look
PLACED = (OWN, "oracle", "random", "central", "gaussian")
WHERE = {"prefix": "spread over the video", "begin": "where the video begins"}
METRICS = {"top1": "top-1", "map": "mAP"}
NAMED = (words("Dataset", "dataset"), words("Variant", "variant"), words("Point", "title"))


def tables(found: Any) -> Iterator[tuple[str, str, str, TidyTable]]:
    scores = scored(found)
    yield (
        "online",
        "After the first frames",
        "What an answer after the first frames costs and is worth, as the paper's Figure 6: mean over seeds; brackets: "
        "the least and the most of them. The frames are spread over the video, or those it begins with: two readings "
        "of the text.",
        _online_table(online(scores)),
    )
    choices = decided(found)
    yield (
        "where",
        "Where the policy looks",
        "Over the patches of the test split, mean over seeds. Places: how many of the candidates are ever chosen. "
        "Entropy: of the histogram of chosen candidates, in bits, of at most log2 of their number; 0 where all patches "
        "have one place. Most frequent: the share of the candidate chosen most often. Move: from one frame's patch to "
        "the next one's, in sides of the frame. Kept: frames whose patch was looked at. Places that are no candidates "
        "have no histogram.",
        _where_table(choices[choices.point.isin(PLACED)]),
    )
    yield (
        "kept",
        "How much AdaFocus+ keeps",
        "The share of frames whose patch is looked at: as asked for, and as realised on the test split (mean over "
        "videos and seeds). The policy's threshold was solved on the training split, or on val. ±: sample standard "
        "deviation over seeds.",
        _kept_table(choices, scores),
    )


def _online_table(rows: pd.DataFrame) -> TidyTable:
    lines = []
    for (dataset, variant, head, reading), group in rows.groupby(["dataset", "variant", "head", "reading"], sort=False):
        for frames, one in group.groupby("frames"):
            line = {"dataset": dataset, "variant": variant, "head": head, "where": WHERE[reading], "frames": frames}
            line |= {"gmacs": one.gmacs.mean()}
            lines.append(line | {name: value for key in METRICS for name, value in _over_seeds(key, one[key]).items()})
    return tidy(
        lines,
        [
            *(words(heading, heading.lower()) for heading in ("Dataset", "Variant", "Head", "Where")),
            Column("Frames", ("frames",), "number"),
            Column("GMACs", ("gmacs",), "significant"),
            *(
                Column(heading, (key, f"{key}.low", f"{key}.high"), "percent_with_range")
                for key, heading in METRICS.items()
            ),
        ],
    )


def _over_seeds(name: str, values: pd.Series) -> dict[str, float]:
    """The mean, and the least and the most where there are several."""
    extremes = (values.min(), values.max()) if len(values) > 1 else (np.nan, np.nan)
    return {name: values.mean(), f"{name}.low": extremes[0], f"{name}.high": extremes[1]}


def _where_table(rows: pd.DataFrame) -> TidyTable:
    lines = []
    for (dataset, variant, point), group in rows.groupby(KEYS[:3], sort=False):
        one = pd.DataFrame([habits(seed) for _, seed in group.groupby("seed")]).mean()
        candidates = group.settings.iloc[0]["candidates"] ** 2
        line = {"dataset": dataset, "variant": variant, "point": point, "title": group.title.iloc[0]}
        line |= {"places": one.places, "candidates": candidates}
        line |= {"entropy_bits": one.entropy, "entropy_bits.most": np.log2(candidates)}
        line |= {"most_frequent": one.share, "move": one.move, "kept": one.kept, "seeds": group.seed.nunique()}
        lines.append(line)
    return tidy(
        lines,
        [
            *NAMED,
            Column("Places", ("places", "candidates"), "out_of"),
            Column("Entropy", ("entropy_bits", "entropy_bits.most"), "out_of"),
            Column("Most frequent (%)", ("most_frequent",), "percent"),
            Column("Move", ("move",), "significant"),
            Column("Kept (%)", ("kept",), "percent"),
            Column("Seeds", ("seeds",), "whole"),
        ],
    )


def _kept_table(choices: pd.DataFrame, scores: pd.DataFrame) -> TidyTable:
    asked = choices.settings.map(lambda settings: settings["keep"] if settings["skip"] != "none" else np.nan)
    lines = []
    for (dataset, variant), rows in (
        choices.assign(keep=asked).dropna(subset=["keep"]).groupby(["dataset", "variant"], sort=False)
    ):
        for (keep, point), one in sorted(rows.groupby(["keep", "point"], sort=False), key=lambda item: -item[0][0]):
            kept = np.mean([habits(seed)["kept"] for _, seed in one.groupby("seed")])
            same = (scores.dataset == dataset) & (scores.variant == variant) & (scores.point == point)
            for head, score in scores[same].groupby("head", sort=False):
                line = {"dataset": dataset, "variant": variant, "point": point, "title": one.title.iloc[0]}
                line |= {"asked": keep, "kept": kept, "gmacs": score.gmacs.mean(), "head": head}
                for key in METRICS:
                    line |= {key: score[key].mean(), f"{key}.sd": score[key].std()}
                lines.append(line | {"seeds": score.seed.nunique()})
    return tidy(
        lines,
        [
            *(*NAMED, Column("Asked (%)", ("asked",), "percent"), Column("Kept (%)", ("kept",), "percent")),
            *(Column("GMACs", ("gmacs",), "significant"), words("Head", "head")),
            *(interval(heading, key) for key, heading in METRICS.items()),
            Column("Seeds", ("seeds",), "whole"),
        ],
    )


def figures(found: Any) -> Iterator[tuple[str, str, str, str, Figure]]:
    for (dataset, head), rows in online(scored(found)).groupby(["dataset", "head"], sort=False):
        key = "top1" if rows.top1.notna().any() else "map"
        yield (
            f"online-{_name(dataset)}-{_name(head)}",
            f"After the first frames, {dataset}",
            f"As the paper's Figure 6: {METRICS[key]} of the head {head} after so many frames as stand beside the "
            "marks, against the multiply-adds spent till then; filled: after all. Bars: the least and the most of the "
            "seeds. Dashed, where it was run: the frames that the video begins with in place of some spread over it.",
            f"{METRICS[key]} after the first frames on {dataset}. {drawing.told_online(rows, key)}",
            drawing.draw_online(rows, key, METRICS[key]),
        )
    for (dataset, patch), rows in learning(found).groupby(["dataset", "patch"], sort=False):
        yield (
            f"learning-{_name(dataset)}-{patch}",
            f"While the policy learns, {dataset}, patches of {patch} pixels",
            "Stage II, epoch by epoch; thin lines are seeds, thick ones their mean. The best patch is held against one "
            "that lies anywhere, and the one in the middle, on the same frames of val. Rewards of different kinds (p: "
            "probability of the true class) have different scales, so each kind has its panel; they are means over "
            "training. Entropy of the policy in nats: dotted where all candidates are equally likely.",
            f"Learning curves of the policy on {dataset}. {drawing.told_learning(rows)}",
            drawing.draw_learning(rows),
        )
    choices = decided(found, OWN)
    own = choices[choices.settings.map(lambda settings: settings["look"] == "learned")]
    for dataset, rows in own.dropna(subset=["actions"]).groupby("dataset", sort=False):
        maps = place_maps(found, rows)
        yield (
            f"places-{_name(dataset)}",
            f"Chosen places, {dataset}",
            "How often each candidate place is chosen, over all frames looked at in the test split, mean over seeds. "
            "Targets, where the ground truth is known: the candidate nearest to the target, on frames where it informs "
            "and is to be seen. A patch is larger than its target, so a policy may do with fewer places than that; one "
            "that has settled on a single place doesn't look.",
            f"Maps of places on {dataset}. "
            + "; ".join(f"{title}: at most {100 * grid.max():.1f} % in one" for title, grid in maps)
            + ".",
            drawing.draw_places(maps),
        )
    for dataset, rows in own.groupby("dataset", sort=False):
        variant, seed = rows.variant.iloc[0], rows.seed[rows.variant == rows.variant.iloc[0]].min()
        try:
            videos = list(examples(found, rows[(rows.variant == variant) & (rows.seed == seed)]))
        except NotRun:  # the videos are gone; those of another dataset may be there
            continue
        yield (
            f"patches-{_name(dataset)}",
            f"Patches on frames, {dataset}",
            f"As the paper's Figure 7: in green the patches of {variant}, seed {seed}; pale: a frame whose patch was "
            "skipped; dashed: the target, where the ground truth is known, it informs and is to be seen. At most "
            f"{FRAMES} of the frames looked at, in order. The videos are chosen by a rule: by name the first "
            f"{EXAMPLES} "
            f"of the test split that are recognised, and the first {EXAMPLES} that aren't.",
            f"Frames of {len(videos)} videos of {dataset} with patches. {drawing.told_examples(videos)}",
            drawing.draw_examples(videos),
        )


def _name(text: str) -> str:
    return text.replace("@", "-").replace(".", "-").replace("_", "-").lower()
