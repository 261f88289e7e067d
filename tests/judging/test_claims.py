"""Claims are judged on printed numbers always, and on ours where the budget allows it."""

import tempfile
from pathlib import Path

import fake_paper
import fake_results
import pandas as pd
import pytest

from saccade.cards import paper
from saccade.judging.claims import load_predicates
from saccade.judging.reported import Reported
from saccade.records import CLAIMS_COLUMNS, SaccadeError
from saccade.report.claims_table import claims, count_verdicts
from saccade.steps import report


@pytest.fixture
def judged(tmp_path):
    """claims.csv of a budget, by claim, as `claims` and `collect` write it."""

    def judge(budget, **texts):
        root = Path(tempfile.mkdtemp(dir=tmp_path))
        grid = fake_results.make_grid(seeds=2, budget=budget)
        path = fake_results.write_tree(root, grid)
        fake_paper.write_paper(root, **texts)
        for part in ("claims", "collect"):
            report.report(root, path, part)
        table = pd.read_csv(root / f"results/{budget}/claims.csv", dtype=str, keep_default_na=False)
        assert list(table) == CLAIMS_COLUMNS
        return table.set_index("claim")

    return judge


def test_claims_csv_has_a_line_for_every_claim_in_the_papers_order(judged):
    table = judged("demo")
    assert list(table.index) == ["c01", "c02", "m01", "m02"]
    assert list(table.loc["c01", ["paper", "where", "says"]]) == ["tsn2016", "Table 1", "Eight frames <beat> four."]


def test_without_a_paper_claims_csv_is_empty(tmp_path):
    path = fake_results.write_tree(tmp_path, fake_results.make_grid())
    report.report(tmp_path, path, "collect")
    assert (tmp_path / "results/demo/claims.csv").read_text() == ",".join(CLAIMS_COLUMNS) + "\n"


@pytest.mark.parametrize(("budget", "file"), [("paper", "hits.parquet"), ("paper", "metrics.json")])
def test_damage_is_no_verdict(tmp_path, budget, file):
    grid = fake_results.make_grid(seeds=2, budget=budget)
    path = fake_results.write_tree(tmp_path, grid)
    fake_paper.write_paper(tmp_path)
    (tmp_path / "results" / grid["runs"][1]["run"] / file).write_bytes(b"{}")
    with pytest.raises(SaccadeError, match=rf"{file} isn't what was written .*; make it anew: python -m saccade score"):
        report.report(tmp_path, path, "claims")


@pytest.mark.parametrize("budget", ["demo", "study", "paper", "mine"])
def test_printed_numbers_are_judged_in_every_budget(judged, budget):
    table = judged(budget)
    assert list(table["on_printed"]) == ["agrees", "agrees", "not printed", "not printed"]
    assert list(table["comparand"]) == ["own", "cited", "own", "own"]


MORE = 'where: "Table 1", says: "Eight frames <beat> four."'
CANT_FAIL = 'bound_from_print: "read from the table"'


def test_what_print_is_worth_stands_beside_its_verdict(judged):
    """A bound that is print's own decides nothing there, and a rival that the paper cites may differ in more."""
    partly = 'partly_from_print: "the bound is the least", cited_rival: [recipe, data]'
    said = {
        name: judged("paper", **{"paper.yml": fake_paper.PAPER.replace(MORE, f"{MORE}, {more}")})
        for name, more in (("wholly", CANT_FAIL), ("partly", partly))
    }
    found = said["partly"].loc["c01"]
    cited = "against cited numbers, which may differ in recipe, data"
    assert found["on_printed"] == f"agrees (in part can't fail: the bound is the least; {cited})"
    lead = "4 claims. On the printed numbers: 2 agree (1 of them in part can't fail), 2 not printed. "
    assert count_verdicts(said["partly"].reset_index()).startswith(lead)
    assert found["comparand"] == "cited, run here" and found["on_ours"].partition(" (")[0] in ("holds", "inconclusive")
    assert said["wholly"].loc["c01", "on_printed"] == "can't fail (read from the table)"
    lead = "4 claims. On the printed numbers: 1 agree, 1 can't fail (bounds taken from print), 2 not printed. "
    assert count_verdicts(said["wholly"].reset_index()).startswith(lead)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (MORE, f"{MORE}, {CANT_FAIL}", "c01: bound_from_print: the printed numbers do fail it; leave the key out"),
        ('"Bins follow moments."', f'"Bins.", {CANT_FAIL}', "m02: bound_from_print: nothing is printed that it could"),
    ],
)
def test_what_is_said_of_print_must_be_so(judged, old, new, message):
    turned = fake_paper.CLAIMS.replace('top1") > reported', 'top1") < reported')
    with pytest.raises(SaccadeError, match=rf"paper.yml: {message}"):
        judged("demo", **{"paper.yml": fake_paper.PAPER.replace(old, new), "claims.py": turned})


def test_the_demo_judges_nothing_on_ours(judged):
    table = judged("demo")
    assert set(table["on_ours"]) == {"not judged: the demo proves the machine"}
    assert table.loc["c02", "evidence"] == "cited numbers, which differ in pre-training, views"


def test_the_study_judges_mechanisms_and_says_what_they_are_of(judged):
    table = judged("study")
    assert table.loc["m01", "on_ours"] == "mechanism, embedded data: holds"
    assert table.loc["m01", "evidence"].startswith("0.4 [")
    assert table.loc["m01", "evidence"].endswith("after Holm's correction")
    assert (
        table.loc["m02", "on_ours"] == "mechanism, embedded data: not run (study/motion-digits/tsn/wide is not planned)"
    )
    assert table.loc["c01", "on_ours"] == "not run (needs budget paper: real data, published schedules)"
    assert table.loc["c02", "on_ours"] == "not comparable"


def test_the_paper_judges_its_own_claims_and_no_mechanism(judged):
    table = judged("paper")
    assert table.loc["c01", "on_ours"].partition(" (")[0] in ("holds", "inconclusive")
    assert "60 videos in 20 clusters, 2 seeds" in table.loc["c01", "evidence"]
    assert table.loc["m01", "on_ours"].startswith("not judged: a mechanism")


def test_another_budget_judges_nothing_on_ours(judged):
    assert judged("mine").loc["m01", "on_ours"] == "not judged: budget mine is none of the published protocols"


def test_a_claim_that_is_not_judged_costs_the_others_no_power(judged):
    """Holm's correction counts the tests that were made: m01 alone, or c01 with it where that is called a mechanism,
    too."""
    both = fake_paper.PAPER.replace('"Table 1", says', '"mechanism (Table 1)", says')
    found = [judged("study", **texts).loc["m01", "evidence"] for texts in ({}, {"paper.yml": both})]
    assert [text.partition("; p = ")[2].partition(" ")[0] for text in found] == ["0.0005", "0.001"]


def test_a_question_that_the_runs_cant_answer_is_untestable_and_ends_no_other(judged):
    asked = 'point, "motion-digits", "noun")'
    assert asked in fake_paper.CLAIMS
    table = judged("study", **{"claims.py": fake_paper.CLAIMS.replace(asked, asked.replace("noun", "nouns"))})
    assert table.loc["m01", "on_ours"].startswith(
        "mechanism, embedded data: untestable here (study/motion-digits/tsn/tiny/seed0 has no nouns"
    )
    assert table.loc["m02", "on_ours"].startswith("mechanism, embedded data: not run")


def test_a_number_that_is_not_printed_names_the_claim_and_the_nearest(judged):
    with pytest.raises(
        SaccadeError,
        match=r"claims.py: c01: reported.csv has 0 cells Table 1 / Eigth / top1: no row 'Eigth'; did you mean",
    ):
        judged("demo", **{"claims.py": fake_paper.CLAIMS.replace('"Eight", "top1") >', '"Eigth", "top1") >')})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def m01(reported, ours)", "def m03(reported, ours)", "has no function for the claims m01 of paper.yml"),
        (
            "def gap(ours, first, second)",
            "def c09(reported, ours):\n    pass\n\n\ndef gap(ours, first, second)",
            "no claim .* has the id c09",
        ),
    ],
)
def test_ids_match_both_ways_and_helpers_are_free(tmp_path, old, new, message):
    fake_paper.write_paper(tmp_path, **{"claims.py": fake_paper.CLAIMS.replace(old, new)})
    with pytest.raises(SaccadeError, match=message):
        load_predicates(paper.read_paper(tmp_path, "tsn"))


def test_reported_picks_the_tables_dataset_where_a_cell_is_printed_for_several():
    lines = pd.DataFrame([["T", "A", "top1", data, value] for data, value in (("x", 1.0), ("y", 2.0))],
                         columns=["table", "row", "column", "dataset", "value"])  # fmt: skip
    assert Reported(lines, {"T": "y"})("T", "A", "top1") == 2.0
    assert Reported(lines, {"T": "y"})("T", "A", "top1", "x") == 1.0
    with pytest.raises(SaccadeError, match="2 cells T / A / top1: on x, y"):
        Reported(lines, {})("T", "A", "top1")


def test_the_count_leads_with_how_many(judged):
    said = count_verdicts(judged("demo").reset_index())
    assert (
        said == "4 claims. On the printed numbers: 2 agree, 2 not printed. On ours: 4 not judged: the demo proves the "
        "machine."
    )


def test_shown_claims_leave_out_evidence_that_nobody_has(judged):
    table = judged("demo").reset_index()
    assert list(claims(table).text()) == ["Claim", "Where", "Says", "Comparand", "On printed", "On ours", "Evidence"]
    assert "Evidence" not in claims(table[table.claim != "c02"]).text()
