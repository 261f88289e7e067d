"""`verify`: every product of a budget is looked at, and each damage is named with what mends it."""

import fake_paper
import fake_results
import pytest

from saccade.__main__ import main

RUN = "demo/motion-digits/tsn/tiny/seed0"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A project in which the made-up grid has been run and its decisions were left."""
    grid = fake_results.make_grid(seeds=1)
    (tmp_path / "Snakefile").touch()
    fake_results.write_tree(tmp_path, grid)
    fake_paper.write_decisions(tmp_path, grid)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("named", [[], ["demo"], ["results/demo"], ["results/demo/"]])
def test_a_whole_budget_is_said_to_be_whole(made, capsys, named):
    (made / "results/demo/mine.txt").write_text("a note")
    (made / "results/demo/logs").mkdir()
    (made / "results/demo/logs/plan.log").write_text("said")
    assert main(["verify", *named]) == 0
    said = capsys.readouterr()
    assert said.out == "demo: 12 products checked; files that nothing vouches for: 1\n"


def test_every_damage_is_named_with_the_command_that_mends_it(made, capsys):
    (made / "data/motion-digits/prepared/demo/truth.parquet").unlink()
    (made / "results" / RUN / "hits.parquet").write_bytes(b"")
    (made / "results" / RUN / "provenance.train.json").write_text("{}")
    (made / "results/demo/plan.json").write_text("null")
    assert main(["verify", "demo"]) == 1
    said = capsys.readouterr()
    for name, command in {
        "truth.parquet is missing": "prepare motion-digits --budget demo",
        "hits.parquet isn't what was written": f"score {RUN}",
        "provenance.train.json isn't what was written": f"train {RUN} train",
        "plan.json isn't what was written": "plan --config config/demo.yaml --write results/demo/plan.json",
    }.items():
        (line,) = [line for line in said.out.splitlines() if f"/{name}" in line]
        assert line.endswith(f"; make it anew: python -m saccade {command}")
    assert "saccade: 4 products aren't what was written" in said.err


def test_a_budget_that_has_not_run_is_named(made, capsys):
    assert main(["verify", "study"]) == 1
    assert "results/study holds no products" in capsys.readouterr().err
