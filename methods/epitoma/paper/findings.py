"""What only VideoEpitoma shows: the choices that its text leaves open. No torch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.report.tidy import Column, TidyTable, sentences, tidy, words

HERE = Path(__file__).parent


def tables(found: Any) -> Iterator[tuple[str, str, str, TidyTable]]:
    yield (
        "choices",
        "What the text leaves open",
        "Stated: in the paper. Inferred: from its printed costs and accuracies, or from other code of its first "
        "author. Ours: our choice, where neither says it. In brackets: the settings. No code was published.",
        choices(),
    )


def choices() -> TidyTable:
    """choices.csv. It is of print, not of any run."""
    lines = pd.read_csv(HERE / "choices.csv", keep_default_na=False).to_dict("records")
    said = {"Stated": "stated", "Inferred": "inferred", "Ours": "ours", "What else would fit": "else"}
    columns = [Column(heading, (name,), empty="", kind="long") for heading, name in said.items()]
    return tidy(lines, [words("Part", "part"), sentences("What", "what"), *columns])
