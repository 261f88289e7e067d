"""Every printed cost has its answer; the authors' rule gives print, and our networks execute what the sizes of their
layers say."""

from pathlib import Path

import pytest
import torch

from saccade.cost.count import count
from saccade.cost.printed import cost_table, read_reported
from saccade.nn.backbones import backbone
from saccade.project import load_module

FOLDER = Path(__file__).parents[1]
cells, pricing, sizes = (load_module(FOLDER / f"paper/{name}.py") for name in ("cells", "pricing", "sizes"))
GIGA = 1e9


@pytest.fixture(scope="module")
def table():
    return cost_table(read_reported(FOLDER / "paper/reported.csv"), cells.cells())


@pytest.mark.parametrize(
    ("size", "in_channels", "expected"),
    [(224, 3, 3.7488), (168, 3, 2.0072), (112, 3, 0.892427), (64, 3, 0.306023), (256, 1, 4.887976)],
)
def test_sizes_give_what_was_counted_with_the_authors_counter(size, in_channels, expected):
    """Dossier, Sec. 5."""
    assert sizes.whole_san19(size, in_channels).printed / GIGA == pytest.approx(expected, abs=5e-5)


def test_up_to_the_attention_the_authors_sum_what_their_code_lists():
    assert sizes.listed_until(112, 3, 0) / GIGA == pytest.approx(0.523534, abs=5e-7)


@pytest.mark.parametrize(("inputs", "layers", "tensors"), [(4096, 2, 22_032_384), (2048, 1, 9_443_328)])
def test_a_gru_costs_its_weights_its_biases_and_seven_a_unit(inputs, layers, tensors):
    """`tensors`: how many numbers the authors' files hold of it."""
    assert sizes.gru(inputs, layers).printed == tensors + 7 * 1024 * layers


def test_our_network_executes_what_the_layers_sizes_say():
    with torch.device("meta"):
        network, frame = backbone("san19")[0].eval(), torch.empty(1, 3, 112, 112)
    assert count(network, frame).macs == sizes.whole_san19(112).ours


@pytest.mark.parametrize(
    ("row", "data", "expected"),
    [
        ("SAN19-base", "epic-kitchens-55", 8.6368),
        ("S_0", "epic-kitchens-55", 5.8025),
        ("S_1", "epic-kitchens-55", 6.1589),
        ("S_2", "epic-kitchens-55", 6.4775),
        ("S_3", "epic-kitchens-55", 6.7961),
        ("TBN (ret), R+A", "epic-kitchens-55", 4.6231),
        ("TBN (ret), R+A+F", "epic-kitchens-55", 6.9477),
        ("SAN19-base", "ucf101", 3.7488),
        ("S_0", "ucf101", 0.9019),
        ("S_1", "ucf101", 1.2331),
        ("S_2", "ucf101", 1.5517),
        ("S_3", "ucf101", 1.8703),
    ],
)
def test_rows_cost_what_was_recomputed(row, data, expected):
    """Dossier, Sec. 5.1."""
    assert cells.gmacs(row, data) == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.parametrize("data", ["epic-kitchens-55", "ucf101"])
@pytest.mark.parametrize("crops", [0, 3])
def test_our_model_executes_its_networks_its_heads_and_one_answer(crops, data):
    """The classifiers score the mean of the frames' states, once a video."""
    sound = data != "ucf101"
    parts = [(112, 3, 1), (64, 3, crops)] + [(256, 1, 1)] * sound
    macs = sum(many * sizes.whole_san19(size, channels).ours for size, channels, many in parts)
    heads = [1 + sound, sound + crops, 1 + sound + crops] if crops else [1 + sound]
    macs += sum(sizes.gru(2048 * parts, 2 if sound else 1).products for parts in heads)
    macs += len(heads) * 1024 * sum(pricing.CLASSES[data].values()) / (10 if sound else 16)
    assert pricing.executed(f"s{crops}", data) == pytest.approx(macs / GIGA, rel=1e-9)


def test_every_cell_of_ours_is_answered_but_those_of_temporal_sampling(table):
    left = table[table["ours"].isna()]
    assert set(left["note"]) == {"cited; not one of our networks", "temporal sampling isn't built yet"}
    assert left["row"][left["note"].str.startswith("temporal")].str.contains(", T_").all()
    assert set(table["row"][table["ours"].notna()]) == {*cells.TBN, "SAN19-base", "S_0", "S_1", "S_2", "S_3"}


def test_our_costs_are_print_within_half_a_percent_and_say_the_true_count(table):
    counted = table[table["ours"].notna()]
    assert len(counted) == 16
    assert (counted["relative_error"].abs() < 0.005).all()
    assert counted["note"].str.contains("true count").all()
    assert (counted["rule"].str.startswith("the authors' counter")).all()
