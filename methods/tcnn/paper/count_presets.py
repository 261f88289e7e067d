"""What presets.csv and spatial.csv hold, counted on the meta device. `files.write_csv(Path("methods/tcnn/paper", name),
made())` writes each of FILES; a test holds the files to it.
"""

import pandas as pd

from . import pricing
from .pricing import PRESETS, SPATIAL


def presets() -> pd.DataFrame:
    """A line for each stage of each preset, and for its classifier: GMACs of a view, million parameters, frames and
    side of the maps that it gives. 101 classes."""
    lines = []
    for preset, variant in PRESETS.items():
        price, sizes = pricing.price(variant), [*pricing.map_sizes(variant), (1, 1)]
        gmacs = [*price.stages, price.classifier]
        for number, values in enumerate(zip(gmacs, pricing.million_parameters(variant), sizes, strict=True), 1):
            part = f"Stage {number}" if number <= len(price.stages) else "Classifier"
            macs, parameters, (frames, side) = values
            lines.append([preset, variant, part, round(macs, 6), round(parameters, 6), frames, side])
    return pd.DataFrame(lines, columns=["preset", "variant", "part", "gmacs", "parameters", "frames", "side"])


def spatial() -> pd.DataFrame:
    """What a view costs with spatial attention, part by part, then what might be done or counted otherwise. `kind`:
    `counted`, `otherwise`, `behind` (a convolution behind each new video) or `pass`."""
    own = pricing.price(SPATIAL)
    counted = {
        f"{own.passes} passes": own.passes * own.one_pass,
        "every frame's scores and its response map": own.maps,
        "where every frame of the new videos looks": own.grids,
        "classifier": own.classifier,
    }
    kinds = {
        "counted": counted,
        "otherwise": pricing.otherwise(SPATIAL),
        "behind": pricing.behind(SPATIAL),
        "pass": {"a fourth pass": own.one_pass},
    }
    lines = [[kind, part, round(gmacs, 6)] for kind, parts in kinds.items() for part, gmacs in parts.items()]
    return pd.DataFrame(lines, columns=["kind", "part", "gmacs"])


FILES = {"presets.csv": presets, "spatial.csv": spatial}
