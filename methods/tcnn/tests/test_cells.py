"""Every printed cost has its answer; our networks execute what the sizes of their layers say; and the tables of presets
hold what was counted."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from saccade.cost.forward import forward_macs
from saccade.cost.printed import cost_table, read_reported
from saccade.plan.staleness import paper_files
from saccade.project import load_module

FOLDER = Path(__file__).parents[1]
cells, pricing, counting, shown = (
    load_module(FOLDER / f"paper/{name}.py") for name in ("cells", "pricing", "count_presets", "presets")
)
model = load_module(FOLDER / "model.py")
GIGA = 1e9
UCF101 = 101


@pytest.fixture(scope="module")
def table():
    return cost_table(read_reported(FOLDER / "paper/reported.csv"), cells.cells())


# ---- by hand, from the sizes of the layers

CHANNELS = (32, 64, 96, 160, 224, 288, 512)
# of each stage: a pair of convolutions each, whether its second one is dilated (Table 1)
DILATED = ((0,), (0,), (0,), (0, 1, 1, 1, 0, 1), (0, 1, 1), (0, 1, 1, 0), (0, 1))
HALF = (112, 28, 14, 14, 7, 7, 7)  # sides, where stage 1 is pooled
DENSE = (112, 56, 28, 14, 14, 7, 7)
ALL = (16,) * 7
# sides and frames of the stages; taps of the first convolution; multiply-adds of a second one per place and square of
# its channels c, plain and dilated; whether there are shortcuts
FORMS = {
    "tcnn": (HALF, ALL, 9, lambda c: (3, 3), True),
    "tcnn-p1b": (HALF, ALL, 27, lambda c: (3, 3), False),
    "tcnn-p2": ((112, 28, 14, 7, 7, 7, 7), ALL, 9, lambda c: (9, 3), True),
    "tcnn-p2b": ((112, 28, 14, 7, 7, 7, 7), ALL, 27, lambda c: (9, 3), False),
    "tcnn-p3": (DENSE, ALL, 27, lambda c: (3 / c, 3 / c), True),
    "tcnn-p4": (DENSE, (16, 16, 16, 8, 4, 4, 4), 9, lambda c: (9, 9), True),
    "tcnn-p5": (DENSE, (16, 8, 8, 4, 4, 4, 4), 9, lambda c: (9, 27), True),
}


def by_hand(variant: str) -> float:
    sides, frames, stem, second, shortcuts = FORMS[variant]
    macs, before = 0.0, 3
    for stage, channels in enumerate(CHANNELS):
        places = sides[stage] ** 2 * frames[stage]
        for number, dilated in enumerate(DILATED[stage]):
            given = before if number == 0 else channels
            macs += places * given * channels * (stem if stage == number == 0 else 9)
            macs += places * channels**2 * second(channels)[dilated]
            macs += places * given * channels * (shortcuts and stage > 0 and number == 0)
        before = channels
    return (macs + 512 * UCF101) / GIGA


@pytest.mark.parametrize("variant", FORMS)
def test_each_preset_executes_what_its_layers_sizes_say(variant):
    assert pricing.price(variant).whole == pytest.approx(by_hand(variant), rel=1e-12)


@pytest.mark.parametrize(
    ("variant", "expected", "parameters"),
    [
        ("tcnn", "15.64", "12.9"),
        ("tcnn-p1b", "15.70", "12.7"),
        ("tcnn-p2", "15.69", "16.2"),
        ("tcnn-p2b", "15.79", "15.9"),
        ("tcnn-p3", "15.69", "9.4"),
        ("tcnn-p4", "15.80", None),
        ("tcnn-p5", "15.72", None),
    ],
)
def test_presets_cost_what_was_reckoned_before_they_were_built(variant, expected, parameters):
    """The search over networks that went before: with parameters of convolutions and classifier alone, two decimals."""
    assert f"{pricing.price(variant).whole:.2f}" == expected
    weights = [p for p in pricing.given(variant, UCF101).model.parameters() if p.ndim > 1]
    assert parameters is None or sum(p.numel() for p in weights) / 1e6 == pytest.approx(float(parameters), abs=0.051)


@pytest.mark.parametrize(("kernels", "expected"), [("factorised", 21.74), ("shift", 34.65)])
def test_what_print_rules_out(kernels, expected):
    """At the strides of DenseNAS, on all 16 frames, with shortcuts: the numbers of the README."""
    one = pricing.given("tcnn-p4", UCF101)
    chosen = replace(one.settings, kernels=kernels, frame_strides=[1] * 7)
    with torch.device("meta"):
        built = model.build(chosen, one.model.heads_known)
    assert forward_macs(built.backbone, one.video.shape[1:]) / GIGA == pytest.approx(expected, abs=0.005)
    assert f"({expected})" in (FOLDER / "README.md").read_text()


def test_dilation_costs_nothing():
    assert pricing.price("tcnn-undilated") == pricing.price("tcnn")


# ---- with spatial attention


def test_spatial_attention_is_three_passes_and_what_its_maps_grids_and_classifier_take():
    own = pricing.price("spatial-odc")
    assert own.passes == 3 and own.stages == pricing.price("tcnn").stages
    assert own.maps * GIGA == pytest.approx(16 * (512 * UCF101 + 512 * 7 * 7))  # scores of a frame, and one map of it
    assert own.grids * GIGA == pytest.approx(2 * 16 * 5 * 31**3)  # five products of matrices of 31 x 31
    assert own.classifier * GIGA == pytest.approx(3 * 512 * UCF101)


@pytest.mark.parametrize(("variant", "passes", "read"), [("spatial-od", 2, 2), ("spatial-dc", 3, 2)])
def test_of_two_branches_the_original_is_read_too(variant, passes, read):
    own = pricing.price(variant)
    assert own.passes == passes and own.classifier * GIGA == pytest.approx(read * 512 * UCF101)


@pytest.mark.parametrize("variant", ["tiny-odc", "tiny-dc"])
@torch.inference_mode()
def test_a_price_is_what_a_real_view_is_said_to_cost(variant):
    chosen = pricing.given(variant, UCF101).settings
    heads = pricing.given(variant, UCF101).model.heads_known
    clip = {"rgb": torch.randn(1, 16, 3, 224, 224), "indices": torch.arange(16)[None], "video_id": ["v"]}
    found = model.predict(model.build(chosen, heads).eval(), clip, chosen)
    assert pricing.price(variant).whole * GIGA == pytest.approx(found.macs.item(), abs=0.5)


def test_what_could_be_made_otherwise_is_counted_as_its_sizes_say():
    found = list(pricing.otherwise("spatial-odc").values())
    values = 2 * 16 * 224**2 * (3 + 2)
    expected = [512 * UCF101 * 49 * 16, 2 * 16 * (3 * 61**2 * 31**2 - 5 * 31**3), 4 * values]
    assert [macs * GIGA for macs in found] == pytest.approx(expected)
    behind = [9 * 512**2 * 4 * 4, 27 * 512**2 * 4 * 4, 9 * 512**2 * 7 * 7]
    assert [macs * GIGA for macs in pricing.behind("spatial-odc").values()] == pytest.approx(
        [2 * 16 * macs for macs in behind]
    )


def test_a_larger_view_costs_as_much_as_three_looks():
    """The margin of equal cost, 3 % (saccade.judging.stand_ins)."""
    assert pricing.price("tcnn-large", point="single-384").whole == pytest.approx(
        pricing.price("spatial-odc").whole, rel=0.03
    )


def test_spatial_attention_adds_few_parameters():
    """As the README says: classifiers of 101 classes for 512, 512 and 3 x 512 features, and two betas."""
    plain, spatial = (
        sum(one.numel() for one in pricing.given(name, UCF101).model.parameters()) for name in ("tcnn", "spatial-odc")
    )
    assert spatial - plain == 101 * (512 + 512 + 3 * 512 + 3) + 2
    told = f"adds {(spatial - plain) / 1e6:.2f} million parameters to {plain / 1e6:.2f}, {spatial / plain - 1:.1%}"
    assert told.replace("%", " %") in (Path(__file__).parents[1] / "README.md").read_text()


# ---- print


def test_every_cell_is_answered(table):
    cited = table[table["ours"].isna()]
    assert len(table) == 12 and len(cited) == 7
    assert set(cited["note"]) == {"cited; not one of our networks"}


def test_t_cnn_costs_what_is_printed_within_a_percent(table):
    rows = table[table["row"] == "T-CNN"]
    assert len(rows) == 3 and (rows["relative_error"].abs() < 0.01).all()
    for preset in ("P1b 15.70", "P2 15.69", "P2b 15.79", "P3 15.69", "P4 15.80", "P5 15.72"):
        assert rows["note"].str.contains(preset).all()


def test_print_with_spatial_attention_is_more_than_the_text_explains(table):
    rows = table[table["row"] == "T-CNN + spatial"]
    assert list(rows["ours"].round(2)) == [46.94, 46.94]
    note = rows["note"].iloc[0]
    for said in ("3 passes take 46.931", "0.34 by a convolution", "1.21 by 1x3x3 of stride 2", "a fourth pass 62.58"):
        assert said in note
    assert "print is 11.4% more" in note and "together would make it 51.05" in note


# ---- the page's tables


@pytest.mark.parametrize("name", counting.FILES)
def test_the_files_hold_what_is_counted(name):
    pd.testing.assert_frame_equal(pd.read_csv(FOLDER / "paper" / name), counting.FILES[name](), rtol=0, atol=2e-6)
    assert f"methods/tcnn/paper/{name}" in paper_files(FOLDER.parents[1], "tcnn")  # which makes the page anew


@pytest.fixture(scope="module")
def pages():
    return {name: made for name, _, _, made in shown.tables()}


def test_a_page_has_table_1_with_the_cost_of_every_stage(pages):
    rows = pages["stages"].text().set_index("Part")
    assert rows.loc["Stage 4", "Dilated in time"] == "4th by 4, 6th by 4, 8th by 4, 12th by 4"
    assert (rows.loc["Stage 7", "Channels"], rows.loc["Stage 7", "Convolutions"]) == ("288 to 512", "4")
    assert rows.loc["A view", "P1":].tolist() == ["15.64", "15.70", "15.69", "15.79", "15.69", "15.80", "15.72"]
    whole = pages["stages"].data.set_index("part").loc["Stage 1":"Classifier", "P1":"P5"].astype(float).sum()
    assert whole["P5"] == pytest.approx(by_hand("tcnn-p5"), abs=1e-5)


def test_the_caption_says_between_what_numbers_of_parameters_cost_leaves_the_choice(pages):
    caption = next(caption for name, _, caption, _ in shown.tables() if name == "presets")
    parameters = pages["presets"].data["parameters"]
    assert f"from {parameters.min():.0f} to {parameters.max():.0f} million parameters" in caption


def test_the_sum_of_what_is_counted_is_the_cell(pages, table):
    rows = pages["spatial-cost"].data
    ours = table.loc[table["row"] == "T-CNN + spatial", "ours"].iloc[0]
    assert rows["sum"].iloc[3] == pytest.approx(ours, abs=1e-5)
    assert pages["spatial-cost"].text()["Sum"].iloc[-1] == "62.58"
    assert (rows["sum"].iloc[:-1] < 52.3).all()


@pytest.mark.parametrize("name", ["presets", "stages", "spatial-cost"])
def test_the_readme_has_the_tables_of_the_page(pages, name):
    readme = (FOLDER / "README.md").read_text()
    for row in pages[name].text().itertuples(index=False):
        assert f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |") in readme, row
