"""What Kinetics-600 alone can get wrong: labels, which come from a table or else from the archive."""

from pathlib import Path

import pytest

from saccade.project import load_module
from saccade.records import SaccadeError

HERE = Path(__file__).parent
CURLING, HEAD = "curling (sport)", "massaging person's head"
NAME = "{}_000010_000020"


def video(number):
    return f"-video-_{number:03d}"


@pytest.fixture
def prepared(tmp_path):
    """A function of the files below raw/videos, and of the tables' rows (label, number): what prepare.py gives, by
    video id."""

    def prepare(files, train=(), val=(), test=()):
        downloads = tmp_path / "raw/downloads"
        downloads.mkdir(parents=True)
        for split, rows in (("train", train), ("val", val)):
            lines = [f"{label},{video(number)},10,20,{split}\n" for label, number in rows]
            text = "label,youtube_id,time_start,time_end,split\n" + "".join(lines)
            (downloads / f"kinetics-600_{split}.csv").write_text(text)
        lines = [f"{video(number)},10,20,test\n" for number in test]
        (downloads / "kinetics-600_test.csv").write_text("youtube_id,time_start,time_end,split\n" + "".join(lines))
        for file in files:
            (tmp_path / "raw/videos" / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "raw/videos" / file).touch()
        settings = load_module(HERE / "settings.py").Settings(val_share=0.02)
        videos, _ = load_module(HERE / "prepare.py").prepare(settings, tmp_path / "raw/own", 0, 1)
        return videos.set_index("video_id"), videos.attrs

    return prepare


def in_archive(label, number, name=NAME):
    return f"train/{label}/{name.format(video(number))}.mp4"


def many(label, first):
    """A hundred clips of one class, where the table and the archive agree."""
    numbers = range(first, first + 100)
    return [in_archive(label, number) for number in numbers], [(label, number) for number in numbers]


@pytest.mark.parametrize("folder", [HEAD, "massaging_persons_head", "Massaging person's head"])
def test_a_video_in_no_table_has_the_class_of_its_archive(prepared, folder):
    videos, about = prepared([in_archive(folder, 1)])
    assert dict(videos.loc[NAME.format(video(1)), ["label", "split"]]) == {"label": HEAD, "split": "train"}
    assert about["notes"] == ["videos for training that are in no table, of the class whose archive they came in: 1"]
    assert about["unlisted"] == []


def test_a_video_of_val_in_no_table_is_tested_on_and_no_other_clip_of_it_trained_on(prepared):
    other = "{}_000050_000060"
    videos, about = prepared([f"val/{HEAD}/{NAME.format(video(1))}.mp4", in_archive(HEAD, 1, other)])
    assert videos[["label", "split"]].to_dict("index") == {NAME.format(video(1)): {"label": HEAD, "split": "test"}}
    assert about["notes"] == ["videos for testing that are in no table, of the class whose archive they came in: 1"]


@pytest.mark.parametrize(("train", "test"), [((1,), ()), ((), (1,))], ids=["trained on", "held out by the publisher"])
def test_a_video_of_vals_archives_that_another_table_has_is_not_tested_on(prepared, train, test):
    videos, _ = prepared(
        [f"val/{HEAD}/{NAME.format(video(1))}.mp4"], train=[(HEAD, number) for number in (*train, 2)], test=test
    )
    assert "test" not in set(videos["split"])


@pytest.mark.parametrize("place", ["train/no class/{}.mp4", "val/part_0/{}.mp4", "train/{}.mp4"])
def test_a_video_in_no_table_and_no_archive_of_a_class_is_unlisted(prepared, place):
    videos, about = prepared([place.format(NAME.format(video(1)))], train=[(HEAD, 2)])
    assert list(videos.index) == [NAME.format(video(2))]
    assert about["unlisted"] == ["videos/" + place.format(NAME.format(video(1)))]


def test_what_is_tested_on_is_not_trained_on_whatever_archive_it_is_in(prepared):
    files = [in_archive(HEAD, 1), in_archive(HEAD, 2, "{}_000050_000060"), in_archive(HEAD, 3)]
    videos, about = prepared(files, train=[(HEAD, 4)], val=[(HEAD, 1), (HEAD, 2)], test=[3])
    assert videos["split"].to_dict() == {NAME.format(video(n)): s for n, s in ((4, "train"), (1, "test"), (2, "test"))}
    assert about["unlisted"] == []


def test_the_table_is_believed_where_an_archive_says_otherwise_of_the_same_clip(prepared):
    files, rows = many(HEAD, 100)
    videos, about = prepared([*files, in_archive(CURLING, 1)], train=[*rows, (HEAD, 1)])
    name = NAME.format(video(1))
    assert videos.at[name, "label"] == HEAD and Path(videos.at[name, "path"]).is_file()
    assert f"which is believed: 1 ({name}.mp4 ({CURLING}, not " in about["notes"][0]


def test_a_label_of_val_is_the_tables_whatever_archive_it_came_in(prepared):
    files, rows = many(HEAD, 100)
    videos, _ = prepared([*files, f"val/{CURLING}/{NAME.format(video(1))}.mp4"], train=rows, val=[(HEAD, 1)])
    assert dict(videos.loc[NAME.format(video(1)), ["label", "split"]]) == {"label": HEAD, "split": "test"}


def test_many_videos_in_other_classes_archives_are_refused(prepared):
    files, rows = many(HEAD, 100)
    wrong = [in_archive(CURLING, number) for number in (1, 2)]
    with pytest.raises(SaccadeError, match="2 videos lie in the folder of another class"):
        prepared([*files, *wrong], train=[*rows, (HEAD, 1), (HEAD, 2)])


def test_another_clip_of_a_video_in_another_archive_is_another_clip(prepared):
    other = "{}_000050_000060"
    videos, _ = prepared([in_archive(CURLING, 1, other)], train=[(HEAD, 1)])
    name, beyond = NAME.format(video(1)), other.format(video(1))
    assert videos["label"].to_dict() == {name: HEAD, beyond: CURLING}
    assert not Path(videos.at[name, "path"]).exists() and Path(videos.at[beyond, "path"]).is_file()
