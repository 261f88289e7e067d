"""`python -m saccade cost RUN` through the command line: every method's network, module by module, by both counters."""

import re
from pathlib import Path

import pandas as pd
import pytest
import torch
from conftest import ROOT
from seals import seal

from saccade.__main__ import main
from saccade.cards.method import load_method
from saccade.cost import second_counter
from saccade.plan.layers import heads_of, resolve
from saccade.plan.runs import Run
from saccade.project import load_module, names
from saccade.records import COST_COLUMNS

RUNS = [f"demo/motion-digits/{name}/{load_method(ROOT, name).contract[0]}/seed0" for name in names(ROOT, "methods")]
UNCALIBRATED = "demo/motion-digits/adafocus/tiny-40-plus/seed0"  # its threshold comes from a phase `calibrate`


@pytest.fixture
def cost(capsys, monkeypatch):
    """Runs the verb in the project: the exit status, what was printed, and what was complained of."""
    monkeypatch.chdir(ROOT)
    threads = torch.get_num_threads()

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["cost", *arguments])
        return status, *capsys.readouterr()

    yield run
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


def numbers(line: str) -> list[int]:
    """The whole numbers of a line of the table: calls where it has them, parameters, ours, static."""
    return [int(word.replace(",", "")) for word in line.split() if re.fullmatch(r"[\d,]+", word)]


@pytest.mark.parametrize("name", [*RUNS, UNCALIBRATED])
def test_a_runs_cost_by_module_and_by_both_counters(cost, name):
    status, printed, complaint = cost(name)
    assert (status, complaint) == (0, "")
    first, head, *lines = printed.splitlines()
    assert first.startswith(f"{name} at ") and "random weights" in first
    assert head.split() == ["module", "type", "calls", "parameters", "ours", "ptflops", "share"]
    until = next(number for number, line in enumerate(lines) if line.startswith("total"))
    rows, total = [numbers(line) for line in lines[:until]], numbers(lines[until])
    run = Run.parse(ROOT, name)
    with torch.device("meta"):
        built = load_module(ROOT / "methods" / run.method / "model.py").build(
            resolve(ROOT, run).typed, heads_of(ROOT, run)
        )
    parameters = sum(value.numel() for value in built.parameters())
    assert total == [parameters, sum(row[-2] for row in rows), sum(row[-1] for row in rows)]
    assert sum(row[-3] for row in rows if len(row) > 2) == parameters
    declared, executed, static = numbers(lines[until + 1].replace(";", ""))
    assert declared == executed == total[1] > 0 and static == total[2] == pytest.approx(executed, rel=0.01)


def test_another_point_costs_what_it_costs(cost):
    totals = {}
    for point in ("uniform4", "uniform8"):
        _, printed, _ = cost(RUNS[-1], "--point", point)
        totals[point] = numbers(next(line for line in printed.splitlines() if line.startswith("total")))[1]
    assert totals["uniform8"] == 2 * totals["uniform4"]


def test_where_the_counters_part_the_operator_is_named(cost, monkeypatch):
    monkeypatch.setattr(second_counter, "_operator_hooks", lambda depth, parts: {})
    status, printed, complaint = cost("demo/motion-digits/atfr/3dresnet-tiny-atfr/seed0")
    row = re.search(r"^aten\.bmm +operator +([\d,]+) +0 ", printed, re.M)
    assert status == 1 and row
    said = re.search(r"the counters disagree.*; aten\.bmm: ([\d,]+) executed, 0 by the static counter$", complaint)
    assert (
        said and said[1] == row[1] and int(row[1].replace(",", "")) % 802_816 == 0
    )  # of one bin; how many, random weights say


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo/motion-digits/tsn/resnet11/seed0"], "unknown variant 'resnet11'"),
        ([RUNS[-1], "--point", "uniform5"], "unknown point 'uniform5'; did you mean"),
        (["--method", "tns"], r"no method 'tns' has a paper/cells.py; did you mean 'tsn'\?"),
    ],
)
def test_what_is_not_there_is_said_plainly(cost, arguments, message):
    status, printed, complaint = cost(*arguments)
    assert (status, printed) == (1, "") and re.search(message, complaint)


def test_a_second_counter_that_is_not_installed_is_named(cost, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ptflops", None)
    status, _, complaint = cost(RUNS[-1])
    assert status == 1 and "needs ptflops: pip install ptflops" in complaint


def test_the_cells_of_one_method_are_counted_alone_and_joined(cost, tmp_path, monkeypatch):
    (tmp_path / "Snakefile").touch()
    (tmp_path / "methods").symlink_to(ROOT / "methods")
    monkeypatch.chdir(tmp_path)
    assert main(["cost", "--method", "tsm"]) == 0
    assert sorted(path.name for path in Path("results/cost").iterdir()) == ["provenance.tsm.json", "tsm.csv"]
    for name in ("adafocus", "atfr", "epitoma", "mac", "tcnn", "tsn"):
        pd.DataFrame(columns=COST_COLUMNS).to_csv(f"results/cost/{name}.csv", index=False)
    seal(tmp_path)
    assert main(["cost", "--join"]) == 0
    joined = Path("results/cost.csv").read_text()
    assert joined == Path("results/cost/tsm.csv").read_text() and joined.count("\n") == 9
