"""`verify`: every product of a budget is looked at, and each damage is named with what mends it."""

import shutil

import fake_paper
import fake_results
import pytest
from conftest import TOY
from seals import seal

from saccade import files, products
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
    run = RUN.removeprefix("demo/")
    others = ["mine.txt", "mine.json", "mine.csv", f"{run}/mine.json", f"{run}/mine.csv"]
    for name in others:
        (made / "results/demo" / name).write_text("a note")
    (made / "data/motion-digits/prepared/demo/coverage.failed.json").write_text("{}")
    (made / "results/demo/.snakemake_timestamp").touch()
    (made / "results/demo/logs").mkdir()
    (made / "results/demo/logs/plan.log").write_text("said")
    assert main(["verify", *named]) == 0
    said = capsys.readouterr()
    assert said.out == "demo: 12 products checked; files that nothing vouches for: 6\n"


def test_every_damage_is_named_with_the_command_that_mends_it(made, capsys):
    (made / "data/motion-digits/prepared/demo/truth.parquet").unlink()
    (made / "results" / RUN / "hits.parquet").write_bytes(b"")
    (made / "results" / RUN / "provenance.train.json").write_text("{}")
    (made / "results/demo/plan.json").write_text("null")
    (made / "config").mkdir(exist_ok=True)
    (made / "config/demo.yaml").touch()
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


def test_lost_weights_are_missed(made, capsys):
    run = made / "results" / RUN
    (run / "train.safetensors").write_bytes(b"weights")
    seal(made)
    for name in ("train.safetensors", "train.log.jsonl"):
        (run / name).unlink()
    assert main(["verify"]) == 1
    assert "train.safetensors is missing; make it anew: python -m saccade train" in capsys.readouterr().out


def test_a_budget_that_has_not_run_is_named(made, capsys):
    assert main(["verify", "study"]) == 1
    assert "results/study holds no products" in capsys.readouterr().err


def test_generated_videos_are_held_against_their_scripts(made, capsys):
    shutil.copytree(TOY / "data/dots", made / "data/dots")
    video = made / "data/dots/raw/demo/train/v1.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"a video")
    products.write(video.with_suffix(".json"), {"scene": 1}, {video.name: files.sha256(video)})
    own = made / "data/mine/raw/demo/notes.json"  # of a dataset that nobody generated
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    assert main(["verify"]) == 0
    video.write_bytes(b"a Video")
    assert main(["verify"]) == 1
    assert "v1.mp4 isn't what was written (its checksum differs from the one in v1.json)" in capsys.readouterr().out
