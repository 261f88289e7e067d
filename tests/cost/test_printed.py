"""results/cost.csv keeps every printed complexity cell beside our count of it."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from saccade.cost.printed import CountedCell, cost_table, join_costs, read_reported, write_method_cost
from saccade.project import load_module
from saccade.records import COST_COLUMNS, REPORTED_COLUMNS, SaccadeError

BASELINES = [Path(__file__).parents[2] / "methods" / name for name in ("tsn", "tsm")]
REPORTED = pd.DataFrame(
    [
        ["atfr2021", "Table 1", "A", "GFLOPs", "d", 2.0, "GMACs per video", "own", ""],
        ["atfr2021", "Table 1", "A", "top-1", "d", 70.0, "%", "own", ""],
        ["atfr2021", "Table 1", "B", "GFLOPs", "d", 4.0, "GMACs per view", "cited", ""],
    ],
    columns=REPORTED_COLUMNS,
)


def cell(row: str, ours: float | None, note: str = "") -> CountedCell:
    return CountedCell(
        paper="atfr2021", table="Table 1", row=row, column="GFLOPs", dataset="d", ours=ours, rule="conv", note=note
    )


def test_every_complexity_cell_has_its_line():
    table = cost_table(REPORTED, [cell("B", None, "not stated"), cell("A", 2.1)])
    assert list(table.columns) == COST_COLUMNS
    assert list(table["row"]) == ["A", "B"]
    assert table["relative_error"][0] == pytest.approx(0.05)
    assert pd.isna(table["ours"][1]) and table["note"][1] == "not stated"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([cell("A", 2.1)], "doesn't answer atfr2021 / Table 1 / B / GFLOPs / d"),
        ([cell("A", 2.1), cell("B", 4.0), cell("C", 1.0)], "answers cells that reported.csv doesn't have: .* / C /"),
        ([cell("A", 2.1), cell("A", 2.2), cell("B", 4.0)], "more than once: .* / A /"),
        ([cell("A", 2.1), cell("B", None)], "no count for .* / B / .* no note"),
    ],
)
def test_answers_that_do_not_match_the_printed_cells(answers, message):
    with pytest.raises(SaccadeError, match=message):
        cost_table(REPORTED, answers)


def test_a_cell_that_is_printed_twice_is_an_error():
    with pytest.raises(SaccadeError, match="more than once"):
        cost_table(pd.concat([REPORTED, REPORTED]), [cell("A", 2.1), cell("B", 4.0)])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "paper").mkdir()
    REPORTED.to_csv(tmp_path / "paper/reported.csv", index=False)
    return tmp_path


def test_cost_csv_is_written_for_all_methods(folder):
    answers = SimpleNamespace(cells=lambda: [cell("A", 2.123456789), cell("B", 4.0)])
    write_method_cost(folder, "one", folder, answers)
    path = join_costs(folder, ["one"])
    table = pd.read_csv(path)
    assert path == folder / "results" / "cost.csv"
    assert path.read_bytes() == (folder / "results/cost/one.csv").read_bytes()
    assert table["ours"].tolist() == [2.12346, 4.0]


def test_two_methods_may_not_answer_the_same_cell(folder):
    answers = SimpleNamespace(cells=lambda: [cell("A", 2.0), cell("B", 4.0)])
    for name in ("one", "two"):
        write_method_cost(folder, name, folder, answers)
    with pytest.raises(SaccadeError, match="methods one, two: there more than once"):
        join_costs(folder, ["one", "two"])


def test_a_method_that_is_not_counted_yet_is_named(folder):
    with pytest.raises(SaccadeError, match=r"results/cost/two\.csv is missing; .* cost --method two"):
        join_costs(folder, ["two"])


def test_no_method_gives_an_empty_table(tmp_path):
    assert list(pd.read_csv(join_costs(tmp_path, [])).columns) == COST_COLUMNS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "columns a, b; they must be paper,"),
        (",".join(REPORTED_COLUMNS) + "\np,t,r,c,d,4..1,GMACs,own,\n", r"line 2: value '4\.\.1' is not a number"),
    ],
)
def test_a_malformed_reported_csv_is_named(tmp_path, text, message):
    (tmp_path / "reported.csv").write_text(text)
    with pytest.raises(SaccadeError, match=message):
        read_reported(tmp_path / "reported.csv")


@pytest.fixture(scope="module")
def baselines():
    tables = [
        cost_table(read_reported(folder / "paper/reported.csv"), load_module(folder / "paper/cells.py").cells())
        for folder in BASELINES
    ]
    return pd.concat(tables).set_index(["paper", "row", "dataset"])


@pytest.mark.parametrize(
    "row",
    [
        ("adafocus2021", "TSM", "something-v1", 1),
        ("adafocus2021", "TSM+", "something-v2", 1),
        ("epitoma2020", "RNet2D", "breakfast", 1),
        ("atfr2021", "TSM R50*", "kinetics400", 0),
    ],
)
def test_cells_that_agree_with_print_do_so_to_its_last_digit(baselines, row):
    *key, digits = row
    line = baselines[baselines["unit"] != "M parameters"].loc[tuple(key)]
    assert "agrees" in line["note"]
    assert round(line["ours"], digits) == line["reported"]


def test_parameters_are_counted_too(baselines):
    """Torchvision's ResNet-50 has 25,557,032 with 1000 classes, so 24,327,632 with 400."""
    (line,) = baselines[baselines["unit"] == "M parameters"].itertuples()
    assert line.Index == ("atfr2021", "TSM R50*", "kinetics400")
    assert line.ours == pytest.approx(25.557032 - 600 * 2049e-6, abs=1e-9) and line.reported == 24.3


@pytest.mark.parametrize(
    ("key", "by_their_rule"),
    [
        (("tcnn2022", "TSM", "ucf101"), "at 2 per element: 32.88 "),  # prints 32.88
        (("tcnn2022", "TSM", "hmdb51"), "at 2 per element: 32.88 "),
        (("adafocus2021", "TSN", "something-v1"), "would give 33.18"),  # prints 33.2
    ],
)
def test_cells_that_differ_say_by_which_rule_print_comes_out(baselines, key, by_their_rule):
    assert by_their_rule in baselines.loc[key]["note"]


def test_a_cost_by_the_authors_rule_says_what_it_truly_is(baselines):
    line = baselines.loc[("mac2023", "TSN (ret)", "ucf101")]
    assert (round(line["ours"], 2), line["reported"]) == (4.12, 4.12)
    assert "true count 4.087" in line["note"]


def test_no_answer_is_more_than_two_percent_off(baselines):
    answered = baselines["relative_error"].dropna()
    assert len(answered) == len(baselines) - 1
    assert answered.abs().max() < 0.02
