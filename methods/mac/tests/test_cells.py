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


def test_every_cell_is_answered_but_those_cited(table):
    assert set(table["note"][table["ours"].isna()]) == {"cited; not one of our networks"}


def test_looking_ahead_costs_what_was_recomputed():
    """Dossier, Sec. 5."""
    assert sizes.hallucinator(32, 32, 49).printed / GIGA == pytest.approx(0.004536, abs=5e-7)
    assert sizes.gru(2 * 32 * 49 + 1, 2).printed / GIGA == pytest.approx(0.019101, abs=5e-7)
    assert cells.prescanned() == pytest.approx(0.547171, abs=5e-7)


@pytest.mark.parametrize(
    ("crops", "data", "one_head", "expected"),
    [
        *((crops, "epic-kitchens-55", True, cost) for crops, cost in enumerate([5.8261, 6.1384, 6.4507, 6.7630])),
        *((crops, "ucf101", False, cost) for crops, cost in enumerate([0.9255, 1.2567, 1.5753, 1.8939])),
    ],
)
def test_a_full_frame_costs_what_was_recomputed(crops, data, one_head, expected):
    """Dossier, Sec. 5.2 and 5.4."""
    assert cells.full_frame(crops, data, one_head) == pytest.approx(expected, abs=5.1e-5)


@pytest.mark.parametrize(
    ("row", "average", "total", "three"),
    [
        ("S_0, T_1", 3.6111, 86.59, None),
        ("S_1, T_1", 3.3892, 81.27, 81.81),
        ("S_3, T_1", 3.6551, 87.65, 88.33),
        ("S_2, T_2", 2.5484, 61.11, 61.54),
        ("S_3, T_3", 2.0186, 48.41, 48.76),
        ("S_0, T_4", 1.4416, 34.57, None),
        ("S_3, T_4", 1.6537, 39.66, 39.94),
    ],
)
def test_table_two_follows_from_its_shares(table, row, average, total, three):
    """Dossier, Sec. 5.2."""
    own = table[(table["table"] == "Table II") & (table["row"] == row)].set_index("column")
    assert own["ours"]["Avg GFLOPS"] == pytest.approx(average, abs=5.1e-5)
    assert own["ours"]["Total TFLOPS"] == pytest.approx(total, abs=5.1e-3)
    other = own["note"]["Total TFLOPS"].partition("with three ")[2]
    assert other == "" if three is None else float(other) == pytest.approx(three, abs=5.1e-3)


def test_all_of_table_two_is_print_within_a_quarter_of_a_percent(table):
    own = table[(table["table"] == "Table II") & table["row"].str.contains("T_")]
    assert len(own) == 32
    totals = own[own["column"] == "Total TFLOPS"].set_index("row")["relative_error"].abs()
    assert (totals.drop("S_3, T_1") < 0.0005).all() and totals["S_3, T_1"] < 0.0025


def test_table_five_says_what_share_print_implies(table):
    """Dossier, Sec. 5.4: 49.96, 50.04, 50.39 and 50.76 % with three heads."""
    totals = table[(table["table"] == "Table V") & (table["column"] == "Total TFLOPS")]
    implied = [float(note.split("implies ")[1].split("%")[0]) for note in totals["note"]]
    assert implied == pytest.approx([49.96, 50.04, 50.39, 50.76], abs=0.02)


def test_our_costs_are_print_within_half_a_percent_and_say_the_true_count(table):
    counted = table[table["ours"].notna() & ~table["row"].str.contains("T_")]
    assert len(counted) == 16
    assert (counted["relative_error"].abs() < 0.005).all()
    assert counted["note"].str.contains("true count").all()
    assert (counted["rule"].str.startswith("the authors' counter")).all()
