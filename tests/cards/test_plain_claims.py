"""Plain claims of a paper.yml are read strictly: what they name is there, and what they say can be tested."""

import pytest

from saccade.cards.paper import claims_hash, read_paper
from saccade.cards.plain_claims import Bound
from saccade.records import SaccadeError

PAPER = """
paper: p2021
title: T
tables:
  "Table 1":
    title: ""
    dataset: x
    columns: [top1, GFLOPs, "top1, y", Time, Cost of a point]
    rows: [Own, Other, Third, Theirs, "A, 8", "A, 16", "B, 8", "B, 16"]
    runs:
      Own: {run: x/m/own, point: p, columns: {GFLOPs: q}}
      Other: [{run: x/m/other, point: p}, {run: y/m/other, point: p}]
      Third: {run: x/m/third, point: p}
      "A, 8": {run: x/m/a8, point: p}
      "A, 16": {run: x/m/a16, point: p}
      "B, 8": {run: x/m/b8, point: p}
      "B, 16": {run: x/m/b16, point: p}
    metrics: {top1: label.top1, GFLOPs: gmacs.mean, "top1, y": label.top1, Cost of a point: gmacs.mean / label.top1}
systems:
  tiny: {run: z/m/tiny, point: p}
  small: {run: z/m/small, point: p}
claims:
  - {id: c01, where: W, says: S, table: Table 1, tests: [TEST]}
"""
GOOD = "{better: Own, than: Third, in: top1}"


def read(tmp_path, test=GOOD, **changes):
    text = PAPER.replace("TEST", test)
    for old, new in changes.values():
        assert old in text, old
        text = text.replace(old, new)
    file = tmp_path / "methods/m/paper/paper.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return read_paper(tmp_path, "m")


def test_a_line_is_read_with_its_bounds(tmp_path):
    line = '{better: Own, than: [Third, "A, 8"], in: [top1], by: {printed: 1, ours: 0.01}}'
    (test,) = read(tmp_path, line).claims[0].tests
    assert (test.word, test.rows, test.than, test.columns) == ("better", ("Own",), ("Third", "A, 8"), ("top1",))
    assert (test.by, test.at_most) == (Bound(1.0, 0.01), Bound())


def test_for_fills_the_holes_of_its_rows(tmp_path):
    tests = read(tmp_path, '{better: "A, {}", than: "B, {}", for: [8, 16], in: top1}').claims[0].tests
    assert [(test.rows, test.than) for test in tests] == [(("A, 8",), ("B, 8",)), (("A, 16",), ("B, 16",))]


def test_a_share_may_be_one_number_and_a_margin_a_printed_one(tmp_path):
    (test,) = read(tmp_path, "{cheaper: Own, than: Third, in: GFLOPs, share: 0.7}").claims[0].tests
    assert test.share == Bound(0.7, 0.7)
    (test,) = read(tmp_path, "{better: Own, than: Third, in: top1, by: {printed: [Sec. 1, Own, gain]}}").claims[0].tests
    assert test.by == Bound(("Sec. 1", "Own", "gain"), None)


def test_a_row_names_the_run_at_the_point_of_the_column(tmp_path):
    paper = read(tmp_path)
    assert paper.source("Table 1", "Own", "top1").point == "p"
    assert paper.source("Table 1", "Own", "GFLOPs").point == "q"
    assert paper.source("Table 1", "Other", "top1, y").run == "y/m/other"
    assert paper.source("", "tiny").run == "z/m/tiny"
    assert paper.asked == sorted({*paper.runs, "z/m/tiny", "z/m/small"})


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("{beter: Own, than: Third, in: top1}", r"claims\[0\].tests\[0\]: 'beter' is none of the words.*mean 'better'"),
        ("{better: Own, in: top1}", r"claims\[0\].tests\[0\]: 'than' is missing"),
        ("{better: Own, than: Third, in: top1, share: 1}", r"unknown key 'share'"),
        ("{better: Own, than: Thrid, in: top1}", r"\(c01\): Table 1 has no row 'Thrid'; did you mean 'Third'"),
        ("{better: Own, than: Third, in: top2}", r"Table 1 has no column 'top2'; did you mean 'top1'"),
        ("{better: Own, than: Theirs, in: top1}", r"behind row 'Theirs' stands no run; name one in `runs`"),
        ("{better: Own, than: Other, in: top1}", r"stand x/m/other, y/m/other, of which its column must choose one"),
        ("{better: Own, than: Third, in: Time}", r"no metric answers column 'Time'; name it in Table 1's `metrics`"),
        ("{better: Own, than: Third, in: GFLOPs}", r"'better' compares accuracies .*, not gmacs.mean"),
        ("{cheaper: Own, than: Third, in: top1}", r"'cheaper' compares costs .*, not label.top1"),
        ("{better: Own, than: Third, in: Cost of a point}", r"compares accuracies .*, not gmacs.mean / label.top1"),
        ("{rising: [Own], in: top1}", r"rising: one row can't rise"),
        ('{better: "A, {}", than: Third, for: [8], in: top1}', r"with `for` every row has a hole {}"),
        ("{as_good: Own, than: Third, in: top1, within: {ours: 0.1}}", r"needs a margin: within: {printed: ...}"),
        ("{as_good: Own, than: Third, in: top1, within: {printed: 0}}", r"needs a margin: within: {ours: ...}"),
        ("{better: Own, than: Third, in: top1, by: 1}", r"tests\[0\].by must be a mapping"),
        ("{better: Own, than: Third, in: top1, by: {}}", r"by: say `printed`, in print's unit, or `ours`, a fraction"),
        ("{better: Own, than: Third, in: top1, by: {printed: [a, b]}}", r"a printed number is \[table, row, column\]"),
    ],
)
def test_a_mistake_is_named_with_file_place_and_remedy(tmp_path, test, message):
    with pytest.raises(SaccadeError, match=f"paper.yml: .*{message}"):
        read(tmp_path, test)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("table: Table 1, tests", "table: Table 2, tests", r"\(c01\): there is no table 'Table 2'; did you mean"),
        ("table: Table 1, tests: [" + GOOD + "]", "table: Table 1", r"'table' is for plain claims, which have 'tests'"),
        ("table: Table 1, tests", "cited: [x], tests", r"'cited' is for plain claims, which have 'table'"),
        ("Table 1, tests", "Table 1, cited: [x], cited_rival: [x], tests", r"'cited' and 'cited_rival' exclude each"),
        (
            "Table 1, tests",
            "Table 1, bound_from_print: x, partly_from_print: y, tests",
            r"'bound_from_print' and 'partly_from_print' exclude each other",
        ),
        ("table: Table 1, tests", "tests", r"\(c01\): systems has no 'Own'"),
        ("tests: [" + GOOD, "tests: [", r"claims\[0\].tests: no comparison"),
        ("z/m/tiny", "z/tiny", r"systems.tiny"),
    ],
)
def test_a_claim_is_about_rows_of_its_table_or_about_systems(tmp_path, old, new, message):
    with pytest.raises(SaccadeError, match=message):
        read(tmp_path, change=(old, new))


def test_nothing_is_printed_of_systems(tmp_path):
    about_systems = ("table: Table 1, tests", "tests")
    read(tmp_path, "{better: tiny, than: small, in: noun.top1}", change=about_systems)
    with pytest.raises(SaccadeError, match=r"by.printed decides nothing: nothing is printed of our own systems"):
        read(tmp_path, "{better: tiny, than: small, in: noun.top1, by: {printed: 1}}", change=about_systems)
    with pytest.raises(SaccadeError, match=r"'better' compares accuracies .*, not noun.top2"):
        read(tmp_path, "{better: tiny, than: small, in: noun.top2}", change=about_systems)


def test_cited_rows_need_no_run_and_ask_no_margin_of_ours(tmp_path):
    cited = ("table: Table 1, tests", "table: Table 1, cited: [recipe], tests")
    assert read(tmp_path, "{better: Own, than: Theirs, in: Time}", change=cited).claims[0].cited == ("recipe",)
    with pytest.raises(SaccadeError, match=r"by.ours decides nothing: cited numbers are not ours"):
        read(tmp_path, "{better: Own, than: Theirs, in: Time, by: {ours: 0.1}}", change=cited)
    with pytest.raises(SaccadeError, match=r"Table 1 has no row 'Thiers'; did you mean 'Theirs'"):
        read(tmp_path, "{better: Own, than: Thiers, in: Time}", change=cited)


def test_the_hash_covers_what_decides_a_plain_claim(tmp_path):
    """Its words and margins, and the runs and metrics of its rows, but no title."""
    changes = [
        (GOOD, GOOD.replace("}", ", by: {ours: 0.01}}")),
        ("than: Third", "than: Own"),
        ("x/m/third", "x/m/fourth"),
        ("top1: label.top1", "top1: label.top5"),
        ("z/m/small", "z/m/smaller"),
    ]
    hashes = [claims_hash(read(tmp_path)), *(claims_hash(read(tmp_path, change=change)) for change in changes)]
    assert len(set(hashes)) == len(hashes)
    assert claims_hash(read(tmp_path, change=("title: T", "title: U"))) == hashes[0]
