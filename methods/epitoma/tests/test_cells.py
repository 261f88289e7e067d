"""Every printed cost has its answer, and our networks execute what the sizes of their layers say."""

from pathlib import Path

import pytest

from saccade.cost.printed import cost_table, read_reported
from saccade.project import load_module

FOLDER = Path(__file__).parents[1]
cells, pricing = (load_module(FOLDER / f"paper/{name}.py") for name in ("cells", "pricing"))
GIGA = 1e9


@pytest.fixture(scope="module")
def table():
    return cost_table(read_reported(FOLDER / "paper/reported.csv"), cells.cells()).set_index(["row", "column"])


# ---- by hand, from the sizes of the layers

# I3D of 8 frames of 224 pixels: places of the maps of each stage, and of each inception module (in; 1x1x1; 1x1x1,
# 3x3x3; 1x1x1, 3x3x3; behind the pool)
STAGE_3, STAGE_4, STAGE_5 = 4 * 28**2, 2 * 14**2, 1 * 7**2
MODULES = [
    (STAGE_3, 192, 64, 96, 128, 16, 32, 32),
    (STAGE_3, 256, 128, 128, 192, 32, 96, 64),
    (STAGE_4, 480, 192, 96, 208, 16, 48, 64),
    (STAGE_4, 512, 160, 112, 224, 24, 64, 64),
    (STAGE_4, 512, 128, 128, 256, 24, 64, 64),
    (STAGE_4, 512, 112, 144, 288, 32, 64, 64),
    (STAGE_4, 528, 256, 160, 320, 32, 128, 128),
    (STAGE_5, 832, 256, 160, 320, 32, 128, 128),
    (STAGE_5, 832, 384, 192, 384, 48, 128, 128),
]
STEM = [(4 * 112**2, 3, 64, 343), (4 * 56**2, 64, 64, 1), (4 * 56**2, 64, 192, 27)]  # places, in, out, taps


def i3d_by_hand(points: bool) -> int:
    """With or without convolutions whose kernel is a point."""
    layers = list(STEM)
    for places, given, alone, narrow, wide, narrower, less, pooled in MODULES:
        layers += [(places, given, out, 1) for out in (alone, narrow, narrower, pooled)]
        layers += [(places, narrow, wide, 27), (places, narrower, less, 27)]
    return sum(places * given * out * taps for places, given, out, taps in layers if points or taps > 1)


def test_i3d_executes_what_its_layers_sizes_say():
    found = pricing.parts("i3d")
    assert found.heavy * GIGA == pytest.approx(i3d_by_hand(points=True), rel=1e-12)
    assert found.large * GIGA == pytest.approx(i3d_by_hand(points=False), rel=1e-12)


# ShuffleNet v1, 3 groups, width 2: channels given and made by a stage's first unit, and units
SHUFFLE = [(48, 480, 4, 28), (480, 960, 8, 14), (960, 1920, 4, 7)]


def test_shufflenet3d_executes_what_its_layers_sizes_say():
    """Frames are 4 behind the first pool, and a stage halves them: 2, 1, 1."""
    groups, macs = 3, 8 * 112**2 * 3 * 48 * 27
    frames, before = 4, 56
    for given, made, units, side in SHUFFLE:
        after = max(frames // 2, 1)
        inner = made // 4
        for unit in range(units):
            here = frames * before**2 if unit == 0 else after * side**2
            into, out = (given, made - given) if unit == 0 else (made, made)
            macs += here * into * inner // groups + after * side**2 * inner * (27 + out // groups)
        frames, before = after, side
    assert pricing.parts("shufflenet3d").heavy * GIGA == pytest.approx(macs, rel=1e-12)


def test_selector_and_classifier_execute_what_their_layers_sizes_say():
    def attention(features, count):
        return 4 * count * features * features // 2 + 2 * count**2 * features // 2

    gate = 16 * (576 * 128 + 128 * 64 + 64)
    light = 16 * pricing.parts("i3d").light
    assert (pricing.selecting("i3d", 16) - light) * GIGA == pytest.approx(attention(576, 16) + gate, abs=1)
    for variant, features in (("resnet50", 2048), ("i3d", 1024), ("shufflenet3d", 1920)):
        expected = attention(features, 8) + features * 512 + 512 * 10
        assert pricing.classifying(variant, 8) * GIGA == pytest.approx(expected, abs=1)


# ---- print


def test_every_cell_is_answered(table):
    assert len(table) == 20 and table["ours"].notna().all()


@pytest.mark.parametrize(
    ("row", "column", "expected"),
    [
        ("I3D", "HeavyNet", "207.7"),
        ("I3D + Ours", "HeavyNet", "103.8"),
        ("RNet2D + Ours", "HeavyNet", "30.8"),
        ("RNet2D", "Total", "61.8"),
        ("I3D", "Total", "207.7"),
        ("I3D + Ours", "Total", "104.7"),
        ("SNet3D", "HeavyNet", "17.0"),
        ("SNet3D + Ours", "HeavyNet", "8.5"),
    ],
)
def test_heavy_networks_cost_what_is_printed_or_what_was_reckoned(table, row, column, expected):
    assert f"{table.loc[(row, column), 'ours']:.1f}" == expected


def test_costs_that_agree_say_so_and_no_others_do(table):
    said = table["note"].str.startswith("agrees")
    assert (said == (table["relative_error"].abs() <= 0.0021)).all()
    assert set(said[said].index) == {
        ("RNet2D", "Total"),
        ("RNet2D + Ours", "HeavyNet"),
        *((row, column) for row in ("I3D", "I3D + Ours") for column in ("HeavyNet", "Total")),
    }


@pytest.mark.parametrize(("row", "true", "total"), [("I3D", "222.3", "222.3"), ("I3D + Ours", "111.2", "112.1")])
def test_i3ds_true_count_stands_beside_the_authors_rule(table, row, true, total):
    assert f"true count {true}: all convolutions" in table.loc[(row, "HeavyNet"), "note"]
    assert f"true count {total}" in table.loc[(row, "Total"), "note"]
    assert "1x1x1 ones left out" in table.loc[(row, "HeavyNet"), "rule"]


def test_shufflenet3d_is_not_pinned_down(table):
    note = table.loc[("SNet3D", "HeavyNet"), "note"]
    for said in ("not pinned down", "g3 2.0x 16.98 (-1.3%)", "g2 2.0x 17.39 (+1.1%)", "g1 2.0x 17.83 (+3.7%)", "17.24"):
        assert said in note


def test_what_would_make_the_printed_cost_of_selecting(table):
    """MobileNetV3-Small: 0.0549 without and 0.0565 with its classifier."""
    assert sum(pricing.as_printed_selector(128).values()) == pytest.approx(0.940, abs=5e-4)
    cell = table.loc[("I3D + Ours", "LightNet+Gating")]
    assert f"{cell.ours:.3f}" == "0.890" and "make 0.940" in cell.note


def test_one_classifier_is_printed_for_all(table):
    rows = table.xs("Classifier", level="column")
    assert set(rows["reported"]) == {0.13}
    assert rows["ours"].max() / rows["ours"].min() > 7


def test_what_the_choices_tell_of_costs():
    choices = (FOLDER / "paper/choices.csv").read_text()
    everywhere, torchvisions = pricing.attention(576, 16 * 7 * 7), 16 * pricing.frame_gmacs("resnet50")
    assert f"alone cost {everywhere:.3f} of the 0.94" in choices
    assert f"{16 * pricing.parts('resnet50').heavy:.1f}, where torchvision's cost {torchvisions:.1f}" in choices


def test_the_readme_has_the_costs(table):
    readme = (FOLDER / "README.md").read_text()
    for (row, column), cell in table.iterrows():
        if column == "Total":
            assert f"| {row} | {cell.reported:g} | {cell.ours:.2f} |" in readme, row
    ours = table.xs("Classifier", level="column")["ours"]
    assert f"between {ours.min():.3f} and {ours.max():.3f} in ours" in readme
    for said in ("16.98 for 17.2, 2 groups 17.39, 1 group 17.83", "all of it costs 222.3 and 111.2", "would cost 3.43"):
        assert said in readme
