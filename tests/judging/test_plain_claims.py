"""Each word of a plain claim, on printed numbers and on ours; what a claim asks follows from its rows."""

import fake_paper
import numpy as np
import pytest

from saccade.cards.paper import read_paper
from saccade.cards.plain_claims import COMPARED, WORDS
from saccade.judging.plain_claims import OURS, PRINTED, plain_predicate
from saccade.judging.system_scores import SystemClassScores
from saccade.judging.verdict import Cited, verdicts_of
from saccade.results.reader import NotRun

PAPER = """
paper: p2021
title: T
tables:
  "Table 1":
    title: ""
    dataset: x
    columns: [top1, top5, mAP, GFLOPs, "top1, y"]
    rows: [Low, Middle, High]
    runs:
      Low: [{run: x/m/low, point: p, columns: {GFLOPs: q}}, {run: y/m/low, point: p}]
      Middle: [{run: x/m/middle, point: p}, {run: y/m/middle, point: p}]
      High: [{run: x/other/high, point: p}, {run: y/other/high, point: p}]
    metrics: {top1: label.top1, top5: label.top5, mAP: label.map, GFLOPs: gmacs.mean, "top1, y": label.top1}
systems:
  own: {run: z/m/own, point: p}
  rival: {run: z/m/rival, point: p}
claims:
  - {id: c01, where: W, says: S, ABOUT, tests: [TEST]}
"""
ONE_DATASET = [
    (", {run: y/m/low, point: p}", ""),
    (", {run: y/m/middle, point: p}", ""),
    (", {run: y/other/high, point: p}", ""),
    (', "top1, y"]', "]"),
    (', "top1, y": label.top1', ""),
]
NUMBERS = {
    "Low": {"top1": 60.0, "top5": 80.0, "mAP": 40.0, "GFLOPs": 10.0},
    "Middle": {"top1": 62.0, "top5": 82.0, "mAP": 42.0, "GFLOPs": 15.0},
    "High": {"top1": 64.0, "top5": 84.0, "mAP": 44.0, "GFLOPs": 20.0},
}


def reported(table, row, column, dataset=None):
    if table == "Sec. 1":
        return 2.0
    return NUMBERS[row][column] + (1.0 if (row, dataset) == ("Low", "y") else 0.0)


@pytest.fixture
def claim(tmp_path):
    """The predicate of a one-line claim, and its paper."""

    def make(test, about="table: Table 1", datasets=1):
        text = PAPER.replace("TEST", test).replace("ABOUT", about)
        for old, new in ONE_DATASET if datasets == 1 else []:
            text = text.replace(old, new)
        file = tmp_path / "methods/m/paper/paper.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace(", ABOUT", ""))
        paper = read_paper(tmp_path, "m")
        return plain_predicate(paper, paper.claims[0]), paper

    return make


class Planted(fake_paper.Planted):
    usual = {"hits": 0.70, "top5": 0.90, "gmacs": 10.0}
    luck = {"hits": 0.002, "top5": 0.002, "gmacs": 0.01}

    def hits(self, *system, head):
        self.head = head
        return self.ask("hits", *system)

    def top5(self, *system, head):
        return self.ask("top5", *system)

    def gmacs(self, *system):
        return self.ask("gmacs", *system)


def judge(made, **planted):
    predicate, paper = made
    ours = Planted(**planted)
    ours.paper = paper
    return verdicts_of({"c01": predicate}, reported, ours)["c01"], ours


def printed(made):
    return made[0](reported, None).on_printed


def test_every_word_has_both_meanings():
    assert set(WORDS) == set(COMPARED) == set(PRINTED) == set(OURS)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("{better: High, than: [Low, Middle], in: [top1, top5]}", True),
        ("{better: [High, Middle], than: [Low, Middle], in: top1}", False),  # Middle isn't above itself
        ("{better: High, than: Middle, in: top1, by: {printed: 2}}", True),
        ("{better: High, than: Middle, in: top1, by: {printed: 2.1}}", False),
        ("{better: Middle, than: Middle, in: top1, by: {printed: 0}}", True),
        ("{better: High, than: Middle, in: top1, by: {printed: [Sec. 1, High, gain]}}", True),
        ("{better: High, than: Low, in: top1, at_most: {printed: [Sec. 1, High, gain]}}", False),
        ("{better: High, than: Middle, in: top1, at_most: {printed: 2}}", True),
        ("{better: Middle, than: High, in: top1, at_most: {printed: 2}}", False),
        ("{as_good: Low, than: Middle, in: top1, within: {printed: 2, ours: 0.02}}", True),
        ("{as_good: Low, than: High, in: top1, within: {printed: 2, ours: 0.02}}", False),
        ("{as_good: High, than: Low, in: top1, within: {printed: 2, ours: 0.02}}", False),
        ("{cheaper: Low, than: [Middle, High], in: GFLOPs}", True),
        ("{cheaper: Low, than: Low, in: GFLOPs}", False),
        ("{cheaper: Low, than: Low, in: GFLOPs, share: 1}", True),
        ("{cheaper: Low, than: High, in: GFLOPs, share: 0.5}", True),
        ("{cheaper: Low, than: High, in: GFLOPs, share: 0.49}", False),
        ("{rising: [Low, Middle, High], in: [top1, GFLOPs]}", True),
        ("{rising: [Low, High, Middle], in: top1}", False),
        ("{rising: [Low, Low], in: top1}", False),
    ],
)
def test_on_the_printed_numbers(claim, test, expected):
    assert printed(claim(test)) is expected


def test_every_line_must_hold(claim):
    lines = "{better: High, than: Low, in: top1}, {cheaper: High, than: Low, in: GFLOPs}"
    assert printed(claim(lines)) is False
    assert judge(claim(lines), hits={"other/high": 0.8}, gmacs={"other/high": 5.0})[0].on_ours.kind == "holds"
    assert judge(claim(lines), hits={"other/high": 0.8}, gmacs={"other/high": 15.0})[0].on_ours.kind == "contradicted"


@pytest.mark.parametrize(
    ("test", "planted", "expected"),
    [
        ("{better: High, than: [Low, Middle], in: top1}", {"hits": {"other/high": 0.75}}, "holds"),
        ("{better: High, than: [Low, Middle], in: top1}", {"hits": {"other/high": 0.75, "low": 0.8}}, "contradicted"),
        ("{better: High, than: Low, in: top5}", {"top5": {"other/high": 0.95}}, "holds"),
        ("{better: Low, than: High, in: top1, by: {ours: -0.01}}", {}, "holds"),
        ("{better: Low, than: High, in: top1, by: {ours: 0.05}}", {"hits": {"low": 0.72}}, "contradicted"),
        ("{better: Low, than: High, in: top1, at_most: {ours: 0.05}}", {"hits": {"low": 0.72}}, "holds"),
        ("{better: Low, than: High, in: top1, at_most: {ours: 0.05}}", {"hits": {"low": 0.77}}, "contradicted"),
        ("{better: Low, than: High, in: top1, at_most: {ours: 0.05}}", {"hits": {"low": 0.69}}, "contradicted"),
        ("{as_good: Low, than: High, in: top1, within: {printed: 0, ours: 0.01}}", {}, "holds"),
        ("{as_good: Low, than: High, in: top1, within: {printed: 0, ours: 0.01}}", {"hits": {"low": 0.72}},
         "contradicted"),
        ("{cheaper: Low, than: High, in: GFLOPs}", {"gmacs": {"low": 9.0}}, "holds"),
        ("{cheaper: Low, than: High, in: GFLOPs}", {"gmacs": {"low": 11.0}}, "contradicted"),
        ("{cheaper: Low, than: High, in: GFLOPs, share: 0.5}", {"gmacs": {"low": 4.9}}, "holds"),
        ("{cheaper: Low, than: High, in: GFLOPs, share: 0.5}", {"gmacs": {"low": 5.1}}, "contradicted"),
        ("{cheaper: Low, than: High, in: GFLOPs, share: {ours: 0.5}}", {"gmacs": {"low": 5.1}}, "contradicted"),
        ("{rising: [Low, Middle, High], in: top1}", {"hits": {"low": 0.6, "other/high": 0.8}}, "holds"),
        ("{rising: [Low, Middle, High], in: top1}", {"hits": {"low": 0.6, "other/high": 0.65}}, "contradicted"),
        ("{rising: [Low, High], in: [top1, GFLOPs]}", {"hits": {"low": 0.6}, "gmacs": {"low": 9.0}}, "holds"),
        ("{rising: [Low, High], in: [top1, GFLOPs]}", {"hits": {"low": 0.6}, "gmacs": {"low": 12.0}}, "contradicted"),
    ],
)  # fmt: skip
def test_on_ours(claim, test, planted, expected):
    assert judge(claim(test), **planted)[0].on_ours.kind == expected


def test_our_runs_follow_from_the_rows_and_their_columns(claim):
    lines = "{better: Low, than: High, in: top1}, {cheaper: Low, than: High, in: GFLOPs}"
    _, ours = judge(claim(lines))
    assert ours.asked == {("x/m/low", "p"), ("x/other/high", "p"), ("x/m/low", "q")}
    assert ours.head == "label"


def test_a_row_that_names_another_run_asks_that_one(claim):
    predicate, paper = claim("{better: Low, than: Middle, in: top1}")
    assert judge((predicate, paper), hits={"low": 0.8})[0].on_ours.kind == "holds"
    paper.file.write_text(paper.file.read_text().replace("x/m/low", "x/m/lower"))
    changed = read_paper(paper.file.parents[3], "m")
    verdict, ours = judge((plain_predicate(changed, changed.claims[0]), changed), hits={"low": 0.8, "lower": 0.6})
    assert verdict.on_ours.kind == "contradicted" and ("x/m/lower", "p") in ours.asked


def test_a_column_may_name_the_dataset(claim):
    made = claim('{better: Middle, than: Low, in: "top1, y", by: {printed: 1.5}}', datasets=2)
    assert printed(made) is False  # 62 - 61
    assert judge(made)[1].asked == {("y/m/middle", "p"), ("y/m/low", "p")}


def test_the_evidence_names_rows_and_columns(claim):
    lines = "{better: High, than: Low, in: top1}, {cheaper: Low, than: High, in: GFLOPs, share: 0.5}"
    evidence = judge(claim(lines))[0].on_ours.evidence
    assert evidence.startswith("top1, High - Low: ") and "; GFLOPs, Low - High x 0.5: " in evidence


def test_a_missing_run_makes_it_not_run(claim):
    predicate, _ = claim("{better: High, than: Low, in: top1}")
    found = verdicts_of({"c01": predicate}, reported, fake_paper.Absent())["c01"]
    assert (found.on_printed, found.on_ours.kind) == (True, "not run")


def test_cited_numbers_are_compared_and_ours_are_not_asked(claim):
    predicate, _ = claim("{better: High, than: Low, in: top1}", about="table: Table 1, cited: [recipe, data]")
    assert predicate(reported, None) == Cited(True, ("recipe", "data"))


def test_systems_are_asked_and_nothing_is_printed_of_them(claim):
    made = claim("{better: own, than: rival, in: noun.top1}", about="table: ''")
    verdict, ours = judge(made, hits={"own": 0.8})
    assert (verdict.on_printed, verdict.on_ours.kind, ours.head) == (None, "holds", "noun")
    assert ours.asked == {("z/m/own", "p"), ("z/m/rival", "p")}


def test_mean_average_precision_is_compared_by_its_scores(claim):
    predicate, _ = claim("{better: High, than: Low, in: mAP}")
    truth = np.arange(120)[:, None] % 3 == np.arange(3)

    class Ours:
        def scored(self, variant, point, dataset, head):
            scores = np.random.default_rng(len(variant)).normal(size=(3, 120, 3)) + truth * (
                3.0 if "/" in variant else 1
            )
            names = tuple(f"{variant}{seed}" for seed in range(3))
            return SystemClassScores(scores, truth, np.arange(120), np.arange(120) // 2, names, tuple("abc"))

        def hits(self, *system, head):
            raise NotRun("hits are not asked for")

    assert verdicts_of({"c01": predicate}, reported, Ours())["c01"].on_ours.kind == "holds"
