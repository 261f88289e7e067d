"""Clips of YouTube's videos: rows of tables, and the files that hold them."""

from pathlib import Path

import pytest

from saccade.acquire.youtube_clips import Clip, clip_named, clip_rows, read_clips
from saccade.records import SaccadeError

ONE, OTHER = "-a_b-c_d-e_", "_0123456789"


def paths(lists, files, **better):
    """{clip's name: the path of its row}, where a missing one is expected in the folder none/."""
    rows, _ = clip_rows(lists, [Path(file) for file in files], Path("none"), **better)
    return {row["video_id"]: row["path"] for row in rows}


def test_names_are_quoted_or_not_and_ids_begin_with_any_sign(tmp_path):
    file = tmp_path / "train.csv"
    file.write_text(
        f'label,youtube_id,time_start,time_end,split,is_cc\nzumba,{ONE},4,14,train,0\n"a (b)",{OTHER},0.0,9,train,1\n'
    )
    assert read_clips(file) == [Clip(ONE, 4, 14, "zumba"), Clip(OTHER, 0, 9, "a (b)")]
    assert read_clips(file)[0].name == f"{ONE}_000004_000014"


@pytest.mark.parametrize(
    "row, why", [("zumba,short,1,11", "'short' is no video's id"), (f"zumba,{ONE},one,11", "'one' and '11' aren't two")]
)
def test_a_row_that_is_no_clips_is_refused_with_its_line(tmp_path, row, why):
    file = tmp_path / "val.csv"
    file.write_text(f"label,youtube_id,time_start,time_end\nzumba,{OTHER},1,11\n{row}\n")
    with pytest.raises(SaccadeError, match=f"val.csv: line 3: {why}"):
        read_clips(file)


def test_a_name_is_split_behind_the_id():
    assert clip_named(f"{ONE}_000004_000014", "zumba") == Clip(ONE, 4, 14, "zumba")
    assert clip_named("holiday_000004_000014", "zumba") is None


def test_a_clip_has_the_file_of_its_name_before_any_other_of_its_video():
    clip = Clip(ONE, 4, 14, "zumba")
    files = [f"a/{ONE}.mp4", f"b/{ONE}_000004_000014.webm", f"c/{ONE}_000005_000015.mp4"]
    assert paths({"train": [clip]}, files) == {clip.name: files[1]}
    assert paths({"train": [clip]}, files[::2]) == {clip.name: files[0]}


def test_ids_that_differ_in_the_case_of_letters_are_two_videos():
    upper, lower = Clip("ABCDEFGHIJK", 0, 9, "zumba"), Clip("abcdefghijk", 0, 9, "zumba")
    files = ["a/abcdefghijk_000000_000009.mp4"]
    assert paths({"train": [upper, lower]}, files) == {upper.name: f"none/{upper.name}.mp4", lower.name: files[0]}


def test_of_two_clips_of_a_video_neither_takes_the_others_file():
    first, second = Clip(ONE, 4, 14, "zumba"), Clip(ONE, 60, 70, "yoga")
    files = [f"a/{second.name}.mp4", f"a/{ONE}_000005_000015.mp4"]
    assert paths({"test": [first, second]}, files) == {first.name: f"none/{first.name}.mp4", second.name: files[0]}


def test_the_better_file_is_taken_whatever_its_seconds():
    clip = Clip(ONE, 4, 14, "zumba")
    files = [f"a/{clip.name}.mp4", f"replaced/{clip.name}.mp4"]
    better = {"better": lambda path, clip: "replaced" in path.parts}
    assert paths({"train": [clip]}, files, **better) == {clip.name: files[1]}


def test_a_clip_that_is_listed_twice_is_taken_once_and_told():
    rows, notes = clip_rows({"train": [Clip(ONE, 4, 14, "zumba"), Clip(ONE, 4, 14, "yoga")]}, [], Path("none"))
    assert [row["label"] for row in rows] == ["zumba"]
    assert notes == [f"clips that are listed twice, taken as they are listed first: 1 ({ONE}_000004_000014)"]


def test_a_video_is_tested_on_or_trained_on():
    lists = {"train": [Clip(ONE, 4, 14, "zumba"), Clip(OTHER, 0, 9, "yoga")], "test": [Clip(ONE, 60, 70, "zumba")]}
    rows, notes = clip_rows(lists, [], Path("none"))
    assert [(row["cluster"], row["split"]) for row in rows] == [(OTHER, "train"), (ONE, "test")]
    assert f"left out: 1 ({lists['train'][0].name})" in notes[0]
