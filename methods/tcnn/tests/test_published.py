"""reported.csv beside a second typing of the printed numbers, in the form in which the paper has them, and our network
beside its printed layers."""

from pathlib import Path

import pytest
import torch
from torch import nn

from saccade.cards.paper import read_paper
from saccade.judging.reported import printed_cells
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
PRINTED = printed_cells(read_paper(ROOT, "tcnn"))  # with what stands in tsn's and tsm's files

STAGES = {  # Table 1: stage -> (channels, convolutions, {number of a convolution: its dilation})
    1: (32, 2, {}),
    2: (64, 2, {}),
    3: (96, 2, {}),
    4: (160, 12, {4: 4, 6: 4, 8: 4, 12: 4}),
    5: (224, 6, {4: 2, 6: 4}),
    6: (288, 8, {4: 2, 6: 2}),
    7: (512, 4, {4: 2}),
}
RESULTS = {  # a row's accuracies and cost, an underscore where the paper has a dash
    "Table 2": """
        C3D 82.3 38.57
        TRN 83.5 83.83
        Res3D 85.8 _
        P3D 88.6 18.51
        T3D 90.3 _
        TSN 91.1 80
        R(2+1)D 93.6 41.69
        TSM 95.5 32.88
        I3D-RGB 95.6 108
        T-CNN 95.3 15.78
        T-CNN+spatial 96.7 52.3""",
    "Table 3": """
        Res3D 54.9 _
        T3D 59.2 _
        R(2+1)D 66.6 41.69
        TSM 73.6 32.88
        I3D-RGB 74.8 108
        T-CNN 73.3 15.78
        T-CNN+spatial 75.2 52.3""",
    "Table 4": """
        O 95.3 _ _ 95.3
        O+D 96.0 95.8 _ 96.3
        O+C 95.5 _ 95.0 95.8
        C+D _ 95.9 95.0 96.2
        O+C+D 96.2 95.6 94.8 96.7""",
}
COLUMNS = {
    "Table 2": ["Accuracy", "GFLOPs"],
    "Table 3": ["Accuracy", "GFLOPs"],
    "Table 4": ["Original branch", "Discriminative branch", "Complement branch", "Total accuracy"],
}
PROSE = {
    "Sec. 3.1": {("Test", "Clips"): "10", ("Test", "Crops"): "3", ("Test", "Views"): "30"},
    "Sec. 3.2": {
        ("T-CNN", "Accuracy below I3D RGB, UCF101"): "0.3",
        ("T-CNN", "Accuracy below I3D RGB, HMDB51"): "1.5",
        ("T-CNN + spatial", "Accuracy above T-CNN, UCF101"): "1.4",
        ("T-CNN + spatial", "Accuracy above T-CNN, HMDB51"): "1.9",
        ("T-CNN", "GFLOPs"): "15.78",
        ("T-CNN + spatial", "Passes"): "3",
    },
    "Sec. 3.3": {("O + C + D", "Total accuracy"): "96.7", ("O + D", "Total accuracy"): "96.3"},
}


def cells(table: str) -> dict[tuple[str, str], str]:
    """{(row, column): value} as reported.csv has it."""
    lines = PRINTED[PRINTED["table"] == table]
    return dict(zip(zip(lines["row"], lines["column"], strict=True), lines["printed"], strict=True))


def spelled(name: str) -> str:
    """As reported.csv has a row, without spaces and hyphens."""
    return name.replace(" ", "").replace("-", "")


def typed(table: str) -> dict[tuple[str, str], str]:
    rows = [line.split() for line in RESULTS[table].strip().splitlines()]
    cells = [
        (spelled(row), column, value)
        for row, *values in rows
        for column, value in zip(COLUMNS[table], values, strict=True)
    ]
    return {(row, column): value for row, column, value in cells if value != "_"}


@pytest.mark.parametrize("table", RESULTS)
def test_results_are_as_typed_a_second_time(table):
    assert {(spelled(row), column): value for (row, column), value in cells(table).items()} == typed(table)


def layers() -> list[tuple[int, int, int, int, int]]:
    """Stage, number, channels given and made, and dilation of each convolution."""
    found, given = [], 3
    for stage, (channels, convolutions, dilations) in STAGES.items():
        for number in range(1, convolutions + 1):
            found.append((stage, number, given, channels, dilations.get(number, 1)))
            given = channels
    return found


def test_layers_are_as_typed_a_second_time():
    expected = {
        ("Input", "Channels"): "3",
        ("Input", "Frames"): "16",
        ("Input", "Height"): "224",
        ("Input", "Width"): "224",
    }
    for stage, number, *values in layers():
        row = f"Stage {stage}, convolution {number}"
        expected |= {(row, column): str(value) for column, value in zip(("In", "Out", "Dilation"), values, strict=True)}
    assert cells("Table 1") == expected


@pytest.mark.parametrize("section", PROSE)
def test_prose_is_as_typed_a_second_time(section):
    assert cells(section) == PROSE[section]


@pytest.mark.parametrize("variant", ["tcnn", "tcnn-undilated"])
def test_the_networks_convolutions_are_those_printed(variant):
    """Those of the shortcuts aside, which aren't printed; without dilations, all of them are 1."""
    settings = resolve(ROOT, Run("paper", "motion-digits", "", "tcnn", variant, 0)).typed
    with torch.device("meta"):
        backbone = load_module(FOLDER / "model.py").build(settings, (Head("label", "single", ("a", "b")),)).backbone
    convolutions = [
        (module.in_channels, module.out_channels, module.dilation)
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Conv3d) and "shortcut" not in name
    ]
    own = variant == "tcnn"
    assert convolutions == [(given, made, (by if own else 1, 1, 1)) for _, _, given, made, by in layers()]


def test_every_printed_number_is_there():
    """Three of each of 36 convolutions and four of the input; 33 accuracies and 14 costs; 11 of the text."""
    assert len(PRINTED) == 3 * 36 + 4 + 33 + 14 + 11 == 170


def test_the_authors_own_rows_are_theirs():
    own = PRINTED["row"].str.startswith("T-CNN") | ~PRINTED["table"].isin(["Table 2", "Table 3"])
    assert ((PRINTED["origin"] == "own") == own).all()


def test_units_and_datasets_are_those_of_the_columns():
    units = {"Accuracy": "%", "GFLOPs": "GMACs per view", "In": "channels", "Out": "channels", "Dilation": "frames"}
    known = PRINTED[PRINTED["column"].isin(units)]
    assert (known["unit"] == known["column"].map(units)).all()
    data = {"Table 1": "all", "Table 2": "ucf101", "Table 3": "hmdb51", "Table 4": "ucf101"}
    known = PRINTED[PRINTED["table"].isin(data)]
    assert (known["dataset"] == known["table"].map(data)).all()
