"""How figures look and are saved; where the cost goes and how training went, drawn and told in words. No torch."""

import functools
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from saccade.files import write_atomic, write_json
from saccade.report.cells import significant
from saccade.results.runs import rows_of

# The page replaces these exact colours by its own, which follow the reader's light or dark setting.
INK, MUTED, RULE = "#1f2933", "#6b7683", "#e1e5ea"
# seaborn's "colorblind", written out: importing seaborn would cost every report more than its figures
PALETTE = [
    *("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161", "#fbafe4", "#949494", "#ece133", "#56b4e9"),
]
ACCENT = PALETTE[0]
MANY = 6
STYLE: Any = {
    **dict.fromkeys(["text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"], INK),
    **dict.fromkeys(["axes.edgecolor", "xtick.color", "ytick.color"], MUTED),
    **dict.fromkeys(["axes.spines.top", "axes.spines.right"], False),
    **dict.fromkeys(["axes.facecolor", "figure.facecolor", "savefig.facecolor"], "none"),
    **dict.fromkeys(["xtick.labelsize", "ytick.labelsize"], 9),
    **{"font.family": "sans-serif", "font.size": 10, "axes.labelsize": 10, "axes.linewidth": 0.7},
    **{"axes.titlesize": 10.5, "axes.titleweight": "bold", "axes.titlelocation": "left"},
    **{"axes.grid": True, "axes.grid.axis": "y", "axes.axisbelow": True, "grid.color": RULE, "grid.linewidth": 0.7},
    **{"svg.fonttype": "none", "svg.hashsalt": "saccade", "pdf.fonttype": 42},
}
WIDTH = 4.5  # inches: small enough for 9-point text to be read on a phone


def save_figure(figure: Figure, folder: Path, name: str, about: dict[str, str]) -> Path:
    """Write `<name>.svg`, `.pdf`, `.png` (white behind it) and `.json` (kind, dataset, title, caption, alt); gives the
    PNG's path.

    Equal data give equal files: no date and no random ids inside.
    """
    undated: dict[str, dict[str, Any]] = {
        "svg": {"metadata": {"Date": None, "Creator": None, "Format": None, "Type": None}},
        "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
        "png": {"metadata": {"Software": None}, "dpi": 200, "facecolor": "white"},
    }
    with mpl.rc_context(STYLE):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it has settled; otherwise each format lays the figure out again
        for kind, options in undated.items():
            save = functools.partial(figure.savefig, format=kind, **options)
            write_atomic(folder / f"{name}.{kind}", save)
    write_json(folder / f"{name}.json", about)
    return folder / f"{name}.png"


def colours_of(variants: list[str]) -> dict[str, str]:
    """A colour for each of up to MANY variants, the accent first; beyond that colours can't be told apart, and all have
    the accent."""
    return dict(zip(variants, PALETTE if len(variants) <= MANY else [ACCENT] * len(variants), strict=False))


def draw_modules(modules: pd.DataFrame) -> Figure:
    """Where the multiply-adds of one forward pass go: a panel of bars per variant.

    modules: runs.MODULE_COLUMNS of one dataset, not empty.
    """
    variants = list(dict.fromkeys(modules.variant))
    groups = [group_modules(modules[modules.variant == variant]) for variant in variants]
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(WIDTH, 0.5 + sum(0.45 + 0.25 * len(group) for group in groups)), layout="constrained")
        panels = figure.subplots(
            len(variants), squeeze=False, sharex=True, height_ratios=[1 + len(group) for group in groups]
        )[:, 0]
        for axes, variant, group in zip(panels, variants, groups, strict=True):
            axes.barh(group.name, 100 * group.share, height=0.62, color=ACCENT)
            axes.set_ylim(len(group) - 0.5, -0.5)
            title = axes.set_title(f"{variant}: {significant(group.macs.sum() / 1e9)} GMACs", x=0.01)
            # From the figure's left edge on: right of the modules' names there isn't room for a long variant.
            title.set_transform(mpl.transforms.blended_transform_factory(figure.transFigure, title.get_transform()))
            axes.set(xlabel="", ylabel="", xlim=(0, 112))
            axes.tick_params(axis="y", length=0)
            axes.xaxis.set_visible(False)
            axes.spines[["bottom"]].set_visible(False)
            for row, share in enumerate(100 * group.share):
                axes.annotate(
                    f"{share:.1f} %", (share, row), (4, 0), textcoords="offset points", va="center", fontsize=9
                )
        return figure


def describe_modules(modules: pd.DataFrame, dataset: str) -> str:
    said = []
    for variant, table in modules.groupby("variant", sort=False):
        shares = ", ".join(f"{group.name} {100 * group.share:.1f} %" for group in rows_of(group_modules(table)))
        said.append(f"{variant}: {shares}")
    return f"Share of the multiply-adds of one forward pass by module on {dataset}. {'; '.join(said)}."


def draw_curves(history: pd.DataFrame) -> Figure:
    """Loss, then top-1 on val of each head, per epoch: a colour per variant, a line per seed, training dashed.

    history: runs.HISTORY_COLUMNS of one dataset and one phase, not empty.
    """
    panels = {"loss (dashed: train)": history[history.series.isin(["train.loss", "val.loss"])]}
    for series in sorted(
        name for name in history.series.unique() if name.startswith("val.") and name.endswith(".top1")
    ):
        rows = history[history.series == series]
        panels[f"{series[4:-5]} top-1 on val (%)".lstrip()] = rows.assign(value=100 * rows.value)
    panels = {title: rows for title, rows in panels.items() if len(rows)}
    variants = list(dict.fromkeys(history.variant))
    colours = colours_of(variants)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.4 + 1.75 * len(panels)), layout="constrained")
        for number, (axes, (title, rows)) in enumerate(
            zip(figure.subplots(len(panels), squeeze=False, sharex=True)[:, 0], panels.items(), strict=True)
        ):
            for _, line in rows.groupby(["variant", "series", "seed"], sort=False):
                style: Any = (0, (3, 1.5)) if line.series.iloc[0] == "train.loss" else "-"
                axes.plot(line.epoch, line.value, color=colours[line.variant.iloc[0]], linestyle=style, linewidth=1.4)
            axes.set(title=title, xlabel="epoch", ylabel="")
            axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
            axes.set_ylim(bottom=min(0, rows.value.min()))
            if number == 0 and len(variants) > 1:
                handles = [mpl.lines.Line2D([], [], color=colours[variant], label=variant) for variant in variants]
                axes.legend(handles=handles, frameon=False, ncols=2, fontsize=9)
        return figure


def describe_curves(history: pd.DataFrame, dataset: str) -> str:
    said = []
    for (variant, series), rows in history[history.series != "train.loss"].groupby(["variant", "series"], sort=False):
        last = rows[rows.epoch == rows.epoch.max()].value.mean()
        said.append(f"{variant}, {series}: {significant(last)} after {rows.epoch.max()} epochs")
    return f"Learning curves of phase {history.phase.iloc[0]} on {dataset}. {'; '.join(said)}."


def group_modules(modules: pd.DataFrame, limit: int = 8) -> pd.DataFrame:
    """What each module executes itself, added up into at most `limit` groups (name, macs, share).

    The largest group is opened as long as its parts fit. `modules` may hold parents, whose MACs include those of their
    children.
    """
    total = dict(zip(modules.name, modules.macs, strict=True))
    own = dict(total)
    for name, macs in total.items():
        parents = [other for other in total if other != name and (other == "" or name.startswith(f"{other}."))]
        if parents:
            own[max(parents, key=len)] -= macs
    groups = {"": [name for name, macs in own.items() if macs > 0]}
    while True:
        for prefix in sorted(groups, key=lambda name: -sum(own[member] for member in groups[name])):
            depth = len(prefix.split(".")) if prefix else 0
            parts: dict[str, list[str]] = {}
            for member in groups[prefix]:
                parts.setdefault(".".join(member.split(".")[: depth + 1]), []).append(member)
            if parts.keys() != {prefix} and len(groups) - 1 + len(parts) <= limit:
                groups = {
                    k: v
                    for name, members in groups.items()
                    for k, v in (parts.items() if name == prefix else [(name, members)])
                }
                break
        else:
            break
    opened = {
        name for name in groups if any(other != name and (not name or other.startswith(f"{name}.")) for other in groups)
    }
    names = {name: f"{name or 'model'} itself" if name in opened else name or "model" for name in groups}
    sums = [(names[name], sum(own[member] for member in members)) for name, members in groups.items()]
    everything = sum(macs for _, macs in sums) or 1
    return pd.DataFrame([(name, macs, macs / everything) for name, macs in sums], columns=["name", "macs", "share"])
