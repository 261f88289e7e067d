"""paper.yml is read strictly; a printed cell is answered by the right thing or by nothing, with the reason."""

import re

import fake_paper
import fake_results
import pandas as pd
import pytest
from conftest import ROOT
from seals import seal

from saccade.cards import paper
from saccade.judging import printed_cells, reported
from saccade.judging.claims import judge_paper, load_predicates
from saccade.project import names
from saccade.records import REPORTED_COLUMNS, SaccadeError
from saccade.report import paper_tables

WITH_PAPER = [name for name in names(ROOT, "methods") if (ROOT / "methods" / name / "paper/paper.yml").is_file()]


@pytest.fixture
def root(tmp_path):
    fake_paper.write_paper(tmp_path)
    return tmp_path


def tables(root, budget="paper", **grid):
    """{table: its shown cells, by row} with two seeds run in that budget."""
    made = fake_results.make_grid(seeds=2, budget=budget) | grid
    fake_results.write_tree(root, made)
    fake_paper.write_decisions(root, made)
    return {
        words["title"].partition(":")[0]: table.text().set_index("Row")
        for _, words, table in paper_tables.paper_tables(made, root, "tsn")
    }


def test_a_method_without_paper_yml_has_none(tmp_path):
    assert paper.read_paper(tmp_path, "tsn") is None
    assert list(paper_tables.paper_tables(fake_results.make_grid(), tmp_path, "tsn")) == []


def test_paper_yml_is_read_with_defaults_and_numbers_as_names(root):
    read = paper.read_paper(root, "tsn")
    first = read.tables[0]
    assert (read.name, first.rows[-1], first.runs["16"][0].point) == ("tsn2016", "16", "uniform16")
    assert read.runs == ["kinetics400/tsn/tiny", "motion-digits/tsn/large", "motion-digits/tsn/tiny"]
    assert [claim.mechanism for claim in read.claims] == [False, False, True, True]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "paper: tsn2016",
            "papers: tsn2016",
            r"paper.yml: unknown key 'papers'; did you mean 'paper'\? \(there are: claims, paper,",
        ),
        (
            "    title: Frames",
            "    titel: Frames",
            r"paper.yml: tables.Table 1: unknown key 'titel'; did you mean 'title'",
        ),
        (
            "      Eight: {run",
            "      Eigth: {run",
            r"tables.Table 1.runs: 'Eigth' is none of the table's rows; did you mean 'Eight'",
        ),
        (
            "{top1: noun.top1, GF",
            "{top2: noun.top1, GF",
            r"tables.Table 1.metrics: 'top2' is none of the table's columns",
        ),
        (
            "motion-digits/tsn/large",
            "tsn/large",
            r"runs.Lost.run: 'tsn/large' is not <dataset>\[@<edition>\]/<method>/<variant>",
        ),
        (
            "point: uniform8}\n      Adaptive",
            "poin: uniform8}\n      Adaptive",
            r"runs.Eight: unknown key 'poin'; did you mean 'point'",
        ),
        ("rows: [Eight, Adap", "rows: [Eight, Eight, Adap", r"tables.Table 1.rows: there more than once: Eight"),
        ("id: c02", "id: c01", r"paper.yml: claims: there more than once: c01"),
        ("id: c02", "id: c-02", r"claims\[1\].id: 'c-02' can't name a function"),
        ('says: "Eight', 'sayz: "Eight', r"claims\[0\]: unknown key 'sayz'; did you mean 'says'"),
        ("columns: [top1, GFLOPs]", "columns: [0.5, GFLOPs]", r"tables.Table 1.columns\[0\]: 0.5 is a float"),
    ],
)
def test_a_mistake_is_named_with_file_place_and_remedy(tmp_path, old, new, message):
    assert old in fake_paper.PAPER
    fake_paper.write_paper(tmp_path, **{"paper.yml": fake_paper.PAPER.replace(old, new, 1)})
    with pytest.raises(SaccadeError, match=message):
        paper.read_paper(tmp_path, "tsn")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Lost, Unn", "Lost, Unk, Unn", "Table 1: reported.csv has no row 'Unk' of it.*there are: 16, Adaptive"),
        ("top1, GFLOPs]", "top1, top5]", "reported.csv has no column 'top5' of it; did you mean 'top1'"),
        ("paper: tsn2016", "paper: tsn2017", "reported.csv has no line of paper 'tsn2017'; did you mean 'tsn2016'"),
    ],
)
def test_a_layout_that_asks_for_what_is_not_printed_is_an_error(root, old, new, message):
    text = fake_paper.PAPER.replace(old, new).replace(
        "metrics: {top1: noun.top1, GFLOPs: gmacs.mean}", "metrics: {top1: noun.top1}"
    )
    fake_paper.write_paper(root, **{"paper.yml": text})
    with pytest.raises(SaccadeError, match=message):
        tables(root)


def test_an_accuracy_of_budget_paper_stands_beside_the_printed_one(root):
    row = tables(root)["Table 1"].loc["Eight"]
    assert (row["top1 printed"], row["Origin"]) == ("48.0", "own")  # as printed, zero included
    assert row["top1 ours"] == "51.0 ± 1.4 [43.0, 59.0]"  # seeds 50 and 52 %
    assert row["top1 difference"] == "+3.0"
    assert "top1 executed: motion-digits/tsn/tiny at uniform8, 2 seeds" in row["Note"]


def test_a_column_may_be_another_point_of_the_same_run(root):
    text = fake_paper.PAPER.replace("tiny, point: uniform8}", "tiny, point: uniform8, columns: {top1: uniform4}}", 1)
    fake_paper.write_paper(root, **{"paper.yml": text})
    row = tables(root)["Table 1"].loc["Eight"]
    assert row["top1 ours"].startswith("41.0 ± 1.4")  # four frames' accuracy, not eight's
    assert "top1 executed: motion-digits/tsn/tiny at uniform4" in row["Note"]


def test_what_decisions_without_structure_would_cost_says_so_and_yields_to_a_run(root):
    cost = pd.read_csv(root / "results/cost.csv")
    cost["rule"] = "null model: half of the bins"
    cost.to_csv(root / "results/cost.csv", index=False)
    seal(root)
    row = tables(root)["Table 1"].loc["Eight"]
    # its run's own cost is there
    assert "(null model)" not in row["GFLOPs ours"] and "counted" not in row["GFLOPs ours"]
    demo = tables(root, "demo")["Table 1"].loc["Eight"]
    assert demo["GFLOPs ours"] == "33.33 (null model)" and "GFLOPs null model: half of the bins" in demo["Note"]


def test_a_complexity_is_counted_and_says_so(root):
    row = tables(root)["Table 1"].loc["Eight"]
    assert (row["GFLOPs printed"], row["GFLOPs ours"], row["GFLOPs difference"]) == ("33", "33.33 (counted)", "+1.0 %")
    assert "GFLOPs counted on the meta device: conv only" in row["Note"]


def test_a_cost_that_cant_be_counted_is_executed_per_view_in_the_printed_unit(root):
    row = tables(root)["Table 1"].loc["Adaptive"]
    assert row["GFLOPs ours"] == "100.0"  # 0.2 GMACs per video over two views, in MMACs
    assert row["GFLOPs difference"] == "+0.0 %"


def test_without_a_record_of_the_views_a_cost_per_view_is_not_guessed(root):
    tables(root)
    grid = fake_results.make_grid(seeds=2, budget="paper")
    for run in grid["runs"][:2]:
        fake_results.write(root / "results" / run["run"] / "provenance.predict.json", {"code": "", "settings": {}})
    (_, _, table), _ = paper_tables.paper_tables(grid, root, "tsn")
    row = table.text().set_index("Row").loc["Adaptive"]
    assert row["GFLOPs ours"] == "not run"
    assert "can't be told in MMACs per view" in row["Note"]


def test_a_cost_is_told_per_frame_per_set_and_per_point_of_accuracy(root):
    """0.2 GMACs a video of 2 x 8 frames: 12.5 MMACs a frame, 12 GMACs for 60 videos; 12.5 MMACs over 40
    and over 42 points, the seeds' accuracies, 0.305 a point."""
    elsewhere(
        root,
        ["Adaptive", "Avg", "motion-digits", "12.5", "MMACs per frame"],
        ["Adaptive", "Total", "motion-digits", "12", "GMACs per validation set"],
        ["Adaptive", "Trade-off", "motion-digits", "0.3", "(MMACs per frame) per point"],
    )
    text = fake_paper.PAPER.replace("columns: [top1, GFLOPs]", "columns: [Avg, Total, Trade-off]", 1).replace(
        "{top1: noun.top1, GFLOPs: gmacs.mean}",
        "{Avg: gmacs.mean, Total: gmacs.mean, Trade-off: gmacs.mean / noun.top1}",
        1,
    )
    fake_paper.write_paper(root, **{"paper.yml": text})
    settings = {"num_clips": 2, "num_crops": 1, "num_frames": 8}
    tables(root)
    grid = fake_results.make_grid(seeds=2, budget="paper")
    for run in grid["runs"][:2]:
        recorded = {"code": "", "settings": dict.fromkeys(fake_results.POINTS, settings)}
        fake_results.write(root / "results" / run["run"] / "provenance.predict.json", recorded)
    (_, _, table), _ = paper_tables.paper_tables(grid, root, "tsn")
    row = table.text().set_index("Row").loc["Adaptive"]
    assert (row["Avg ours"], row["Total ours"], row["Trade-off ours"]) == ("12.50", "12.00", "0.3051")
    assert row["Avg difference"] == "+0.0 %"


SPEED_UPS = {
    "columns: [top1, GFLOPs]": "columns: [top1, GFLOPs, Faster]",
    "{top1: noun.top1, GFLOPs: gmacs.mean}": "{top1: noun.top1, GFLOPs: gmacs.mean, Faster: speed-up}",
    "tiny, point: uniform4}": "tiny, point: uniform4, over: [Table 1, Eight]}",
}


def with_speed_ups(root, **changed):
    elsewhere(
        root,
        ["Adaptive", "Faster", "motion-digits", "1.6", "times"],
        ["Eight", "Faster", "motion-digits", "1", "times"],
    )
    text = fake_paper.PAPER
    for old, new in (SPEED_UPS | changed).items():
        text = text.replace(old, new, 1)
    fake_paper.write_paper(root, **{"paper.yml": text})


def test_a_speed_up_is_over_the_row_that_the_run_names(root):
    """0.4 GMACs a video with eight frames, over 0.2 with four."""
    with_speed_ups(root)
    table = tables(root)["Table 1"]
    assert table.loc["Adaptive", "Faster ours"] == "2.000" and table.loc["Adaptive", "Faster difference"] == "+25.0 %"
    assert "it has no metric speed-up" in table.loc["Eight", "Note"]  # it names no row
    assert tables(root, "demo")["Table 1"].loc["Adaptive", "Faster ours"] == "not run"


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (", over: [Table 1, Nine]", "tables.Table 1.runs.Adaptive.over: Table 1 has no row 'Nine'"),
        (", over: [Table 1, Theirs]", "runs.Adaptive.over: Table 1: behind row 'Theirs' stands no run"),
        ("", "tables.Table 1.metrics: speed-up needs a row whose run says over which it is: over: "),
    ],
)
def test_a_speed_up_over_nothing_is_an_error(root, over, message):
    with_speed_ups(root, **{"tiny, point: uniform4}": f"tiny, point: uniform4{over}}}"})
    with pytest.raises(SaccadeError, match=re.escape(message)):
        paper.read_paper(root, "tsn")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("Lost", "top1 not run: no run motion-digits/tsn/large is planned"),
        ("Unnamed", "top1 not run: no run of ours stands behind this row"),
        ("16", "top1 not run: point uniform16 of motion-digits/tsn/tiny is not planned"),
    ],
)
def test_a_printed_cell_without_a_run_is_not_run_and_never_a_copy(root, row, why):
    found = tables(root)["Table 1"].loc[row]
    assert found["top1 ours"] == "not run"
    assert found["top1 difference"] == "–"
    assert found["Note"] == why


def test_a_planned_run_without_a_result_says_why(root):
    grid = fake_results.make_grid(seeds=1, budget="paper")
    grid["runs"][0] |= {"status": "not run", "why": "no time"}
    assert (
        tables(root, runs=grid["runs"])["Table 1"]
        .loc["Eight", "Note"]
        .startswith("top1 not run: motion-digits/tsn/tiny at uniform8: no time")
    )


def test_a_cited_row_is_context(root):
    row = tables(root)["Table 1"].loc["Theirs"]
    assert (row["Origin"], row["top1 printed"], row["GFLOPs printed"]) == ("cited", "45", "20")
    assert {row["top1 ours"], row["top1 difference"], row["GFLOPs ours"]} == {"–"}
    assert row["Note"] == ""


@pytest.mark.parametrize("budget", ["demo", "study", "mine"])
def test_no_other_budget_fills_an_accuracy(root, budget):
    found = tables(root, budget)
    assert set(found["Table 1"]["top1 ours"]) <= {"not run", "–"}
    assert found["Table 1"].loc["Eight", "GFLOPs ours"] == "33.33 (counted)"
    assert found["Table 1"].loc["Adaptive", "GFLOPs ours"] == "not run"
    assert f"only budget paper answers a paper; this is {budget}" in found["Table 1"].loc["Eight", "Note"]
    assert found["Table A.2"].loc["Eight", "Note"] == f"top1 not run: budget {budget} has no kinetics400"


def test_the_first_caption_says_how_to_read_and_each_its_units(root):
    (_, first, _), (name, second, _) = paper_tables.paper_tables(fake_results.make_grid(), root, "tsn")
    assert "Difference: ours minus printed" in first["caption"]
    assert first["caption"].endswith(
        "Units: top1 in %; GFLOPs in GMACs per video or MMACs per view. The last row has a number for a name."
    )
    assert (name, second["title"]) == ("paper--02-table-a-2", "Table A.2: Elsewhere")
    assert second["caption"] == "Budget demo (toy data: proves the machine, not the method). Units: top1 in %."


def test_a_row_may_have_a_run_for_each_of_its_datasets(root):
    both = "Eight: [{run: kinetics400/tsn/tiny, point: uniform8}, {run: motion-digits/tsn/tiny, point: uniform4}]"
    text = fake_paper.PAPER.replace("Eight: {run: motion-digits/tsn/tiny, point: uniform8}", both)
    fake_paper.write_paper(root, **{"paper.yml": text})
    assert tables(root)["Table 1"].loc["Eight", "top1 ours"].startswith("41.0")  # uniform4


def test_a_run_on_other_data_answers_nothing(root):
    text = fake_paper.PAPER.replace("Eight: {run: motion-digits/tsn/tiny", "Eight: {run: ucf101@2/tsn/tiny")
    fake_paper.write_paper(root, **{"paper.yml": text})
    row = tables(root)["Table 1"].loc["Eight"]
    assert (row["top1 ours"], "the row's run (ucf101@2/tsn/tiny) is on other data" in row["Note"]) == ("not run", True)


def elsewhere(root, *lines):
    """reported.csv of another method."""
    (root / "methods/tsm/paper").mkdir(parents=True, exist_ok=True)
    made = pd.DataFrame([["tsn2016", "Table 1", *line, "own", ""] for line in lines], columns=REPORTED_COLUMNS)
    made.to_csv(root / "methods/tsm/paper/reported.csv", index=False)


def test_a_cost_may_stand_in_the_folder_of_the_method_that_answers_it(root):
    elsewhere(root, ["Lost", "GFLOPs", "motion-digits", "12.5", "GMACs per video"])
    row = tables(root)["Table 1"].loc["Lost"]
    assert (row["GFLOPs printed"], row["GFLOPs ours"]) == ("12.5", "not run")


def test_a_cell_that_stands_in_two_folders_is_an_error(root):
    elsewhere(root, ["Eight", "GFLOPs", "motion-digits", "33", "GMACs per video"])
    with pytest.raises(SaccadeError, match="there more than once: tsn2016 / Table 1 / Eight / GFLOPs / motion-digits"):
        tables(root)


def test_a_column_printed_for_several_datasets_may_stand_once_for_each(root):
    elsewhere(root, ["Eight", "top1", "kinetics400", "70.0", "%"], ["Theirs", "top1", "kinetics400", "69", "%"])
    both = "Eight: [{run: kinetics400/tsn/tiny, point: uniform8}, {run: motion-digits/tsn/tiny, point: uniform4}]"
    text = fake_paper.PAPER.replace("Eight: {run: motion-digits/tsn/tiny, point: uniform8}", both, 1)
    text = text.replace("columns: [top1, GFLOPs]", 'columns: ["top1, motion-digits", "top1, kinetics400"]', 1)
    text = text.replace(
        "{top1: noun.top1, GFLOPs: gmacs.mean}", '{"top1, motion-digits": noun.top1, "top1, kinetics400": noun.top1}', 1
    )
    fake_paper.write_paper(root, **{"paper.yml": text})
    found = tables(root)["Table 1"]
    row = found.loc["Eight"]
    assert (row["top1, motion-digits printed"], row["top1, kinetics400 printed"]) == ("48.0", "70.0")
    assert (row["top1, motion-digits ours"][:4], row["top1, kinetics400 ours"]) == ("41.0", "not run")
    assert found.loc["Theirs", "top1, kinetics400 printed"] == "69"


def test_tidy_cells_keep_fractions_out_and_have_fixed_columns(root):
    grid = fake_results.make_grid(seeds=2, budget="paper")
    fake_results.write_tree(root, grid)
    read = paper.read_paper(root, "tsn")
    cells = printed_cells.paper_cells(
        read, read.tables[0], reported.printed_cells(read), printed_cells.read_results(grid, root, read)
    ).set_index(["row", "column"])
    assert list(cells.reset_index())[3:] == printed_cells.CELL_COLUMNS[2:] or set(cells.reset_index()) == set(
        printed_cells.CELL_COLUMNS
    )
    assert cells.loc[("Eight", "top1"), ["paper", "ours", "difference"]].tolist() == pytest.approx([48.0, 51.0, 3.0])
    assert cells.loc[("Eight", "GFLOPs"), "difference"] == pytest.approx(0.01)
    assert ("Lost", "GFLOPs") not in cells.index  # not printed


def test_the_hash_is_of_the_sentences_and_of_the_predicates(root):
    first = paper.claims_hash(paper.read_paper(root, "tsn"))
    fake_paper.write_paper(root, **{"paper.yml": fake_paper.PAPER.replace("title: Frames", "title: Other")})
    assert paper.claims_hash(paper.read_paper(root, "tsn")) == first
    fake_paper.write_paper(root, **{"claims.py": fake_paper.CLAIMS + "# later\n"})
    second = paper.claims_hash(paper.read_paper(root, "tsn"))
    fake_paper.write_paper(root, **{"paper.yml": fake_paper.PAPER.replace("beats chance", "ties chance")})
    third = paper.claims_hash(paper.read_paper(root, "tsn"))
    assert len({first, second, third}) == 3 and len(first) == 12


# Every paper.yml of the project


@pytest.mark.parametrize("method", WITH_PAPER)
def test_claims_and_functions_have_the_same_ids(method):
    read = paper.read_paper(ROOT, method)
    assert list(load_predicates(read)) == [claim.id for claim in read.claims]


@pytest.mark.parametrize("method", WITH_PAPER)
def test_layouts_name_what_is_printed_and_runs_that_can_exist(method):
    read = paper.read_paper(ROOT, method)
    paper.check_runs(ROOT, read)
    results = printed_cells.read_results({"budget": "demo", "runs": [], "methods": [], "datasets": []}, ROOT, read)
    for layout in read.tables:
        cells = printed_cells.paper_cells(read, layout, reported.printed_cells(read), results)
        assert isinstance(cells, pd.DataFrame) and bool(len(cells)) == bool(layout.rows)


@pytest.mark.parametrize("method", WITH_PAPER)
def test_every_claim_can_be_judged_on_the_printed_numbers(method):
    judged = judge_paper({"budget": "demo", "runs": [], "methods": [], "datasets": []}, ROOT, method)
    words = judged["on_printed"].str.partition(" (")[0]
    assert set(words) <= {"agrees", "disagrees", "not printed", "can't fail"}
    assert not judged.duplicated("claim").any()
