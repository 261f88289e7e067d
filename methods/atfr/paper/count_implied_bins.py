"""What implied_bins.csv holds: the bins that each printed cost with ATFR implies, and the null model's, counted on the
meta device. `products.write_csv(Path("methods/atfr/paper/implied_bins.csv"), implied_bins())` writes it; a test holds
the file to it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cost.printed import read_reported

from . import pricing
from .cells import CLASSES, SAMPLED
from .pricing import Network


def implied_bins() -> pd.DataFrame:
    """A line for each printed cost with ATFR; what several tables print of one network is one line."""
    file = Path(__file__).with_name("reported.csv")
    lines = read_reported(file).assign(digits=pd.read_csv(file, dtype=str)["value"])
    found: dict[Any, dict[str, Any]] = {}
    for line in lines[lines["unit"] == "GMACs per view"].to_dict("records"):
        if network := SAMPLED.get((line["table"], line["row"])):
            same = (replace(network, bins=network.bins or network.frames), line["dataset"], line["value"])
            tables = found.setdefault(same, {**_counted(network, line), "where": []})["where"]
            tables += [] if line["table"] in tables else [line["table"]]
    return pd.DataFrame(found.values()).assign(where=[", ".join(one["where"]) for one in found.values()])


def _counted(network: Network, line: dict[str, Any]) -> dict[str, Any]:
    """A printed cost and the null model's, in GMACs per view and in B', and what print may have rounded or cut."""
    classes = CLASSES[line["dataset"]]
    digit = 10.0 ** -len(line["digits"].partition(".")[2])
    ends = {"": line["value"], ".low": line["value"] - digit / 2, ".high": line["value"] + digit}
    kept = pricing.null_bins(network)
    null = float(pricing.gmacs(network, classes, kept).mean())
    # the fast pathway's, which isn't in step with the slow one; of one pathway what its line says, which is less than
    # the mean where an odd map of a pair is dropped
    null_bins = float(kept[:, 1].double().mean()) if network.alpha else pricing.implied_bins(network, classes, null)
    numbers = {
        "static": pricing.static_gmacs(replace(network, bins=0, block=0), classes),
        **{f"printed{end}": value for end, value in ends.items()},
        "null": null,
        **{f"implied{end}": pricing.implied_bins(network, classes, value) for end, value in ends.items()},
        "null_bins": null_bins,
    }
    most = network.bins or network.frames
    words = {"where": "", "row": line["row"], "network": network.name, "dataset": line["dataset"], "of": most}
    return words | {name: round(value, 3) for name, value in numbers.items()}
