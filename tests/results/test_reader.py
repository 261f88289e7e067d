"""The one reader of a run's files: what it gives, what it says where nothing is, and that a file written anew is read
anew."""

from pathlib import Path

import fake_paper
import fake_results
import pandas as pd
import pytest
from seals import seal

from saccade.records import SaccadeError
from saccade.results.reader import NotRun, RunFiles


@pytest.fixture
def files(tmp_path):
    grid = fake_results.make_grid(seeds=1)
    fake_results.write_tree(tmp_path, grid)
    fake_paper.write_decisions(tmp_path, grid)
    return RunFiles(grid["runs"][0], tmp_path)


@pytest.fixture
def absent(tmp_path):
    return RunFiles(fake_results.make_grid(seeds=1)["runs"][0], tmp_path / "elsewhere")


def test_json_files_are_none_where_they_are_not(files, absent):
    assert files.metrics()["evaluated"] == 60 and files.cost()["modules"] and files.phase("train")["sha256"]
    assert absent.metrics() is absent.cost() is absent.latency() is absent.phase("train") is None
    assert (files.complete, absent.complete) == (True, False)


def test_tables_say_which_run_lacks_them(files, absent):
    assert list(files.hits(["video_id"], "uniform8")) == ["video_id"] and len(files.hits(point="uniform8")) == 60
    assert set(files.predictions().point) == files.scored_points() == set(fake_results.POINTS)
    assert {"noun.top1"} < set(files.hit_columns()) and {"macs"} < set(files.prediction_columns())
    assert len(files.index()) == 60 and "moment" in files.truth_columns()
    for read in (absent.hits, absent.predictions, absent.index, absent.truth):
        with pytest.raises(NotRun, match=r"demo/motion-digits/tsn/tiny/seed0 has no \w+.parquet"):
            read()
    assert absent.hit_columns() == absent.prediction_columns() == absent.truth_columns() == ()
    assert absent.scored_points() == frozenset()


def test_what_was_said_of_a_step_and_of_a_point(files, absent):
    assert set(files.provenance()) == {"train", "predict"} and absent.provenance() == {}
    assert files.predicted_with("uniform8")["num_clips"] == 2
    assert files.predicted_with("uniform64") is absent.predicted_with("uniform8") is None


def test_the_log_is_read_line_by_line_and_refused_where_one_was_cut(files):
    assert [(phase, line["epoch"]) for phase, line in files.log()] == [("train", epoch) for epoch in range(1, 6)]
    with (files.folder / "train.log.jsonl").open("a") as log:
        log.write('{"epoch": 6, "train.lo')
    with pytest.raises(SaccadeError, match=r"train.log.jsonl isn't what .*: python -m saccade train .*/seed0 train$"):
        list(files.log())


def test_the_prepared_folder_is_that_of_budget_and_edition(tmp_path):
    run = fake_results.make_run("study", "ucf101", "2", "tiny", 0)
    assert RunFiles(run, tmp_path).prepared == tmp_path / "data/ucf101/prepared/study@2"


def test_a_file_is_read_once_until_it_is_written_again(files, monkeypatch):
    read, seen = Path.read_text, []
    monkeypatch.setattr(Path, "read_text", lambda path, **given: seen.append(path) or read(path, **given))
    assert files.metrics() == files.metrics() and len(seen) <= 1
    few = {"run": "", "rows": [], "evaluated": 0, "clusters": 0}
    fake_results.write(files.folder / "metrics.json", few)
    assert files.metrics() == few
    pd.DataFrame({"point": ["other"]}).to_parquet(files.folder / "hits.parquet")
    seal(files.root)
    assert files.scored_points() == {"other"} and files.hit_columns() == ("point",)
