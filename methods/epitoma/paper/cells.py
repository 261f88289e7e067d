"""VideoEpitoma's Table 1: our count of each printed cost, on the meta device.

`ours` is what our networks cost by Saccade's rule, but for I3D, whose printed costs leave its 1x1x1 convolutions out:
that rule is applied there, and the note has the true count. The cost of ResNet2D at 16 timesteps stands in tsn's file.
"""

from pathlib import Path

from saccade.cost.printed import KEY, CountedCell, is_complexity, read_reported

from .pricing import (
    LONG,
    NETWORKS,
    SHUFFLENETS,
    Parts,
    as_printed_selector,
    attention,
    classifying,
    other_lights,
    parts,
    selecting,
    shufflenet,
)

OURS = " + Ours"
PLAIN, SELECTED, POOL = 16, 8, 16  # timesteps: of the baselines, selected, looked at
SAME = 0.002  # of a cost: apart by the rounding of parts


def cells() -> list[CountedCell]:
    reported = read_reported(Path(__file__).parent / "reported.csv")
    return [answer(line) for line in reported[reported["unit"].map(is_complexity)].to_dict("records")]


def answer(line: dict) -> CountedCell:
    keys, row, printed = {name: line[name] for name in KEY}, line["row"], line["value"]
    network, selects = row.removesuffix(OURS), row.endswith(OURS)
    ours, rule, note = ANSWERS[line["column"]](network, selects, printed)
    return CountedCell(**keys, ours=ours, rule=rule, note=note)


def timesteps(selects: bool) -> int:
    return SELECTED if selects else PLAIN


def variant(network: str, selects: bool) -> str:
    return NETWORKS[network] + "-e2e" * selects


def heavy(network: str, selects: bool, printed: float) -> tuple[float, str, str]:
    count, one = timesteps(selects), parts(variant(network, selects))
    ours = count * by_authors(network, one)
    return ours, f"{RULES[network]}, {count} timesteps of {VIEWS[network]}, no head", HEAVY[network](count, printed)


def by_authors(network: str, one: Parts) -> float:
    """Of a timestep."""
    return one.large if network == "I3D" else one.heavy


def i3d(count: int, printed: float) -> str:
    one, plain = parts("i3d"), parts("resnet50")
    return (
        f"{agrees(count * one.large, printed)}; true count {count * one.heavy:.1f}: all convolutions. The rule was "
        "found by trying, and fits both printed costs to four digits; it isn't RNet2D's, which without its 1x1 "
        f"convolutions would be {count * plain.large:.1f} and is printed with them"
    )


def shufflenet3d(count: int, printed: float) -> str:
    found = {name: count * shufflenet(*one) for name, one in SHUFFLENETS.items()}
    said = ", ".join(f"{name} {gmacs:.2f} ({gmacs / printed - 1:+.1%})" for name, gmacs in found.items())
    _, frames, side, _ = LONG
    other = count * shufflenet(1, 2.0, LONG)
    return (
        f"not pinned down: neither groups nor width are stated. By them: {said}; g3 2.0x is ours, the groups that its "
        f"released code takes unless told otherwise. {count} snippets of {frames} frames of {side} pixels in g1 2.0x "
        f"would be {other:.2f}, but I3D's costs are of 8 frames of 224"
    )


def resnet(count: int, printed: float) -> str:
    return agrees(count * parts("resnet50").heavy, printed)


def agrees(ours: float, printed: float) -> str:
    return "agrees" if abs(ours / printed - 1) <= SAME else apart(ours, printed)


def apart(ours: float, printed: float) -> str:
    return f"print is {abs(printed / ours - 1):.1%} {'more' if printed > ours else 'less'}"


def gating(network: str, selects: bool, printed: float) -> tuple[float, str, str]:
    ours = selecting(variant(network, selects), POOL)
    tried = as_printed_selector(concepts=128)
    made = ", ".join(f"{name} {gmacs:.4f}" for name, gmacs in tried.items())
    others = ", ".join(f"{name} {gmacs:.2f}" for name, gmacs in other_lights().items())
    note = (
        f"{apart(ours, printed)}. {made} make {sum(tried.values()):.3f}, found by trying: that LightNet is "
        f"MobileNetV3-Small is all that print says (as many frames of {others})"
    )
    return ours, f"conv + linear + matrix products: {POOL} frames of 224 x 224 in MobileNetV3-Small, selector", note


def classifier(network: str, selects: bool, printed: float) -> tuple[float, str, str]:
    count = timesteps(selects)
    ours = classifying(variant(network, selects), count)
    note = (
        f"{apart(ours, printed)}: one number is printed for all networks and numbers of timesteps. Self-attention "
        f"alone over {PLAIN} timesteps of RNet2D's 2048 features is {attention(2048, PLAIN):.4f}"
    )
    rule = f"linear + matrix products: self-attention over {count} timesteps, two layers, 10-way head"
    return ours, rule, note


def total(network: str, selects: bool, printed: float) -> tuple[float, str, str]:
    count, name = timesteps(selects), variant(network, selects)
    rest = classifying(name, count) + selects * selecting(name, POOL)
    ours, true = (count * one + rest for one in (by_authors(network, parts(name)), parts(name).heavy))
    said = [agrees(ours, printed), *([f"true count {true:.1f}"] if network == "I3D" else [])]
    if network == "SNet3D":
        said.append("as its HeavyNet, not pinned down")
    said += [SUMS[row] for row in [network + OURS * selects] if row in SUMS]
    return ours, f"HeavyNet ({RULES[network]}), classifier" + ", LightNet and selector" * selects, "; ".join(said)


VIEWS = {"RNet2D": "one frame of 224 x 224", **dict.fromkeys(("SNet3D", "I3D"), "8 frames of 224 x 224")}
RULES = {
    "RNet2D": "conv, ResNet-50 v1 (strides in the first 1x1 of a stage)",
    "SNet3D": "conv, ShuffleNet3D with 3 groups, width 2.0",
    "I3D": "the authors' rule: 3x3x3 and 7x7x7 convolutions of I3D, its 1x1x1 ones left out",
}
SUMS = {  # what print makes of its own parts
    "SNet3D + Ours": "its parts sum to 9.67",
    "I3D": "print repeats the HeavyNet without the classifier's 0.13",
    "I3D + Ours": "its parts sum to 104.87",
}
HEAVY = {"RNet2D": resnet, "SNet3D": shufflenet3d, "I3D": i3d}
ANSWERS = {"LightNet+Gating": gating, "HeavyNet": heavy, "Classifier": classifier, "Total": total}
