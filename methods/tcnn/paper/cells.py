"""T-CNN's tables: our count of each printed complexity cell, on the meta device.

`ours` is by the default network, P1. Table 1 leaves open what decides a convolution's cost, so the notes say what the
other presets give, and of 52.3 what it can't be made of.
"""

from pathlib import Path

from saccade.cost.printed import KEY, CountedCell, is_complexity, read_reported

from .pricing import CLASSES, PRESETS, SPATIAL, behind, otherwise, price

VIEW = "one view of 16 frames of 224 x 224"


def cells() -> list[CountedCell]:
    reported = read_reported(Path(__file__).parent / "reported.csv")
    return [answer(line) for line in reported[reported["unit"].map(is_complexity)].to_dict("records")]


def answer(line: dict) -> CountedCell:
    keys, printed = {name: line[name] for name in KEY}, line["value"]
    if line["origin"] == "cited":
        return CountedCell(**keys, ours=None, rule="", note="cited; not one of our networks")
    classes = CLASSES[line["dataset"]]
    if line["row"] == "T-CNN":
        ours = price(PRESETS["P1"], classes).whole
        return CountedCell(**keys, ours=ours, rule=rule(classes), note=f"{apart(ours, printed)}; {presets(printed)}")
    ours = price(SPATIAL, classes).whole
    note = f"{apart(ours, printed)}; {spatial(printed, classes)}"
    return CountedCell(**keys, ours=ours, rule=spatial_rule(classes), note=note)


def rule(classes: int) -> str:
    return (
        f"conv + linear, {classes}-way head included, {VIEW}: P1, whose kernels, strides and shortcuts are our choice"
    )


def spatial_rule(classes: int) -> str:
    return (
        f"conv + linear + matrix products, {classes}-way head on the features of all three videos included, {VIEW}: "
        "P1 on the original and on both new videos, every frame's scores and its response map, and where its two new "
        "frames look. Gaussians and the reading of pixels are element-wise and not counted"
    )


def apart(ours: float, printed: float) -> str:
    return f"print is {abs(printed / ours - 1):.1%} {'more' if printed > ours else 'less'}"


def presets(printed: float) -> str:
    """What the other presets give, whose classifiers, here of 101 classes, are 0.0001 at most."""
    found = {name: price(variant).whole for name, variant in PRESETS.items() if name != "P1"}
    said = ", ".join(f"{name} {gmacs:.2f} ({gmacs / printed - 1:+.1%})" for name, gmacs in found.items())
    return (
        "Table 1 has channels and dilations alone; networks with other kernels, strides and shortcuts come as near: "
        f"{said}. Dilation changes no cost. So print says in what it was counted, and not which network's it is"
    )


def spatial(printed: float, classes: int) -> str:
    """What our cost is made of, and what would add to it."""
    own, more, convolutions = price(SPATIAL, classes), otherwise(SPATIAL, classes), behind(SPATIAL)
    said, kernels = (
        ", ".join(f"{gmacs:.2f} by {words}" for words, gmacs in some.items()) for some in (more, convolutions)
    )
    most = own.whole + sum(more.values()) + max(convolutions.values())
    return (
        f"{own.passes} passes take {own.passes * own.one_pass:.3f}, every frame's scores and its map {own.maps:.4f}, "
        f"the grids {own.grids:.4f}, the classifier {own.classifier:.4f}. Done or counted otherwise, it would be more: "
        f"{said}; with a convolution behind each new video, as the cited method for images (S3N) has one, {kernels}. "
        f"The first three and the dearest convolution together would make it {most:.2f}, a fourth pass "
        f"{own.whole + own.one_pass:.2f}. So {printed} doesn't follow from the text"
    )
