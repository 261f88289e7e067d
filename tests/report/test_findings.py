"""A method's own tables and figures: shown where there is something to show, and never in the way."""

import fake_paper
import fake_results
import numbered
import pandas as pd
import pytest
from seals import seal

from saccade.records import SaccadeError
from saccade.report.findings import finding_figures, finding_tables
from saccade.results.found import Found
from saccade.results.reader import NotRun


@pytest.fixture
def found(tmp_path):
    grid = fake_results.make_grid(seeds=2)
    grid["datasets"][0]["classes"][""]["noun"] = ["zero", "one"]
    fake_results.write_tree(tmp_path, grid)
    fake_paper.write_decisions(tmp_path, grid)
    fake_paper.write_paper(tmp_path)
    return Found(grid, tmp_path, "tsn")


def test_found_gives_the_runs_with_results_and_what_they_read(found):
    assert [run["seed"] for run in found.runs()] == [0, 1]
    run = found.runs()[0]
    assert found.predictions(run).decisions.iloc[1] == [
        {"bins": 2, "frames": list(range(8))},
        {"bins": 4, "frames": list(range(8))},
    ]
    assert (len(found.index(run)), len(found.truth(run)), found.classes(run, "noun")) == (60, 480, ["zero", "one"])
    assert set(found.metrics.method) == {"tsn"}
    assert found.answers(run, "noun") == ["zero", "one"]
    assert found.answers(run | {"answers": {"noun": ["a", "b", "c"]}}, "noun") == [
        "a",
        "b",
        "c",
    ]  # of published weights


def test_found_gives_some_points_settings_and_logs(found):
    run = found.runs()[1]
    some = found.predictions(run, ["oracle8"])
    assert set(some.point) == {"oracle8"} and list(some.index) == list(range(60))
    assert found.settings(run, "oracle8")["sampler"] == "consecutive"
    with pytest.raises(NotRun, match="tiny/seed1 doesn't say .* at 'offline'"):
        found.settings(run, "offline")
    log = found.history
    assert log[(log.seed == 1) & (log.series == "train.loss")].value.tolist() == [2 / epoch for epoch in range(1, 6)]


def test_found_gives_frames_as_long_as_the_video_is_what_was_prepared(found):
    run, folder = found.runs()[0], found.root / "data/motion-digits/prepared/demo"
    path = numbered.encode(found.root / "v00.mp4", frames=12)
    row = {"video_id": "v00", "path": path.name, "bytes": path.stat().st_size, "frames": 12}
    pd.DataFrame([row, row | {"video_id": "gone", "path": "gone.mp4"}]).to_parquet(folder / "index.parquet")
    seal(found.root)
    assert [numbered.number_of(frame) for frame in found.frames(run, "v00", [7, 2])] == [7, 2]
    with pytest.raises(NotRun, match="gone.mp4 is missing"):
        found.frames(run, "gone", [0])
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(NotRun, match="v00.mp4 is missing, or has changed"):
        found.frames(run, "v00", [0])


def test_tables_have_a_caption_that_names_the_budget(found):
    (name, about, table), _ = finding_tables(found)
    assert (name, about["kind"], about["title"]) == ("findings--bins", "findings", "Bins <per> class")
    assert about["caption"].startswith("Budget demo (")
    assert about["caption"].endswith("How many.")
    assert table.text().values.tolist() == [["zero", "3.00"], ["one", "7.00"]]
    assert table.data.bins.tolist() == [3.0, 7.0]


def test_figures_have_words_for_who_cant_see_them(found):
    ((name, about, figure),) = finding_figures(found)
    assert (name, about["alt"], len(figure.axes)) == ("findings--line", "a rising <line>", 1)


def test_a_missing_piece_shows_what_came_before_it(found):
    (found.root / "data/motion-digits/prepared/demo/truth.parquet").unlink()
    seal(found.root)  # as if there had never been any
    assert [name for name, *_ in finding_tables(found)] == ["findings--bins"]


@pytest.mark.parametrize("code", [None, "", "def tables(found):\n    return []\n"])
def test_without_findings_there_is_nothing(found, code):
    path = found.root / "methods/tsn/paper/findings.py"
    path.unlink() if code is None else path.write_text(code)
    assert [*finding_tables(found), *finding_figures(found)] == []


def test_without_a_result_findings_are_not_asked(found):
    for run in found.grid["runs"][:2]:
        (found.root / "results" / run["run"] / "metrics.json").unlink()
    assert [*finding_tables(found), *finding_figures(found)] == []


def test_a_name_that_is_no_file_is_an_error(found):
    (found.root / "methods/tsn/paper/findings.py").write_text(
        fake_paper.FINDINGS.replace('"bins", "Bins', '"My bins", "Bins')
    )
    with pytest.raises(SaccadeError, match="findings.py: 'My bins' can't name a file"):
        list(finding_tables(found))
