import inspect
import math

import pytest

from saccade.report import cells


def test_percent_leaves_out_what_is_not_known():
    assert cells.percent(0.632) == "63.2"
    assert cells.percent(0.632, 0.011, 0.581, 0.68) == "63.2 ± 1.1 [58.1, 68.0]"
    assert cells.percent(math.nan) == "–"


def test_a_percentage_that_rounds_to_nothing_has_no_sign():
    assert cells.percent(-0.0001, low=-0.0002, high=-0.0004) == "0.0 [0.0, 0.0]"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.100"), (4.089, "4.09"), (33, "33.0"), (1234.5, "1,234"), (0.00123, "0.00123"), (0, "0")],
)
def test_three_significant_digits(value, text):
    assert cells.significant(value) == text


@pytest.mark.parametrize(
    ("cell", "values", "text"),
    [
        ("text", ["uniform 4"], "uniform 4"),
        ("listed", ["a", "", "b"], "a, b"),
        ("listed_with_values", ["golf", 1.25, "running", 2.0, math.nan, math.nan], "golf 1.2, running 2.0"),
        ("whole", [2.0], "2"),
        ("number", [0.5], "0.5"),
        ("two_decimals", [-0.125], "-0.12"),
        ("count", [1234.0], "1,234"),
        ("count", [1.25], "1.2"),
        ("count_in", [160.0, 20.0], "160 (20)"),
        ("out_of", [2, 3], "2 of 3"),
        ("out_of", [0.5, math.log2(9)], "0.5 of 3.17"),
        ("four_digits", [32.78645], "32.79"),
        ("printed_number", [32.885], "32.885"),
        ("with_range", [0.2, 0.2, 0.22], "0.200 [0.200, 0.220]"),
        ("with_sd", [1.2, 0.156], "1.20 ± 0.16"),
        ("with_sd", [1.2, math.nan], "1.20"),
        ("from_to", [1.0, 4.5], "1 to 4.5"),
        ("ratios_from_to", [1.0, 1.05], "1.00 to 1.05"),
        ("percent_with_range", [0.4, -0.01, 0.5], "40.0 [−1.0, 50.0]"),
        ("whole_percent", [-0.25, -0.5, 0.0], "−25 [−50, 0]"),
        ("signed_percent", [-0.003], "−0.3 %"),
        ("times", [1.5], "1.50×"),
        ("at_most_times", [0.5, ""], "0.500×"),
        ("at_most_times", [0.5, "at most"], "≤ 0.500×"),
        ("speedup", [1.1, 1.0, 1.2, 1.0], "1.10× † [1.00, 1.20]"),
        ("speedup", [1.1, 1.0, 1.2, 0.0], "1.10× [1.00, 1.20]"),
        ("ratios_from_to", [1.001, 1.004], "1.00"),
        ("realised", [1.1, 1.0, 1.2, 1.0, 0.554], "1.10× † (55 %) [1.00, 1.20]"),
        ("realised", [1.1, 1.0, 1.2, 0.0, 1.1], "1.10× (110 %) [1.00, 1.20]"),
        ("runtime", ["fastest", "openvino", "eager", 0.0], "fastest of each: openvino against eager"),
        ("runtime", ["openvino", "openvino", "openvino", 1.0], "openvino, fastest for both"),
        ("runtime", ["bf16", "bf16", "bf16", 0.0], "bf16"),
        ("scenario", [1.0, 0.0], "single stream"),
        ("scenario", [16.0, 1.0], "offline, 16 at once, with decoding"),
        ("percentiles", [4.0, 3.5, 6.0, 12.0], "4.00 [3.50, 6.00, 12.0]"),
        ("down_to", [105.2, 59.1], "105 → 59.1"),
        ("best", [0.4, "tiny", "uniform4", 4.0, 1.0], "40.0 tiny/uniform4 [4.00 † ms]"),
        ("marked_time", [4.0, 1.0], "4.00 †"),
        ("limit", [5.0], "5 ms"),
        ("saved", [-2.0], "−2.00"),
        ("stand_in", [0.7, 1.25, 0.0], "70.0 at 1.25×"),
        ("stand_in", [0.7, 1.02, 1.0], "70.0"),
        ("answer", [48.0, 1.0, 47.0, 49.0, "%", "executed"], "48.0 ± 1.0 [47.0, 49.0]"),
        ("answer", [33.333, math.nan, math.nan, math.nan, "GMACs per video", "counted"], "33.33 (counted)"),
        ("answer", [100.0, 0.0, 100.0, 100.0, "MMACs per view", "executed"], "100.0"),
        ("difference", [-1.5, "%"], "−1.5"),
        ("difference", [0.01, "GMACs"], "+1.0 %"),
    ],
)
def test_how_numbers_become_a_cell(cell, values, text):
    assert cells.CELLS[cell](*values) == text


def test_every_function_for_cells_can_be_named_in_a_column():
    made = {
        name
        for name, each in inspect.getmembers(cells, inspect.isfunction)
        if each.__module__ == cells.__name__ and not name.startswith("_")
    }
    assert made == set(cells.CELLS)
