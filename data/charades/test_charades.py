"""Charades: several labels or none, ids that look like numbers, two archives of the same videos."""

from pathlib import Path

import pytest

from saccade.project import load_module
from saccade.records import SaccadeError

HERE = Path(__file__).parent
preparing, Settings = load_module(HERE / "prepare.py"), load_module(HERE / "settings.py").Settings
sample = load_module(HERE / "sample.py")
CLASSES = (HERE / "classes.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def raw(tmp_path):
    """The miniature's tables as they are unpacked, and its videos in 480p."""
    raw = tmp_path / "charades/raw"
    (raw / "lists").mkdir(parents=True)
    (raw / "videos/Charades_v1_480").mkdir(parents=True)
    index = "".join(f"c{number:03} {name}\n" for number, name in enumerate(CLASSES))
    (raw / "lists/Charades_v1_classes.txt").write_text(index)
    for split, rows in (("train", sample.TRAIN), ("test", sample.TEST)):
        (raw / f"lists/Charades_v1_{split}.csv").write_text(sample.table(rows))
        for name, _, _ in rows:
            (raw / f"videos/Charades_v1_480/{name}.mp4").touch()
    return raw


def indexed(raw, labelled=False):
    return preparing.prepare(Settings(labelled=labelled, val_share=0.05), raw / "own", 0, 1)[0].set_index("video_id")


def test_a_video_has_the_classes_of_its_codes_each_once(raw):
    actions = indexed(raw)["actions"]
    assert actions["46GP8"] == [CLASSES[92], CLASSES[147]]
    assert actions["VPIYF"] == [CLASSES[15]]


def test_a_video_without_actions_has_no_label_or_is_left_out(raw):
    videos = indexed(raw)
    assert videos["actions"]["0IH69"] == videos["actions"]["MCQO5"] == []
    assert set(videos.index) - set(indexed(raw, labelled=True).index) == {"0IH69", "MCQO5"}


def test_what_is_left_out_is_not_unlisted(raw):
    assert indexed(raw, labelled=True).attrs["unlisted"] == []


def test_ids_and_subjects_of_digits_stay_as_they_are_written(raw):
    videos = indexed(raw)
    assert videos["cluster"]["00607"] == "3531" and videos["path"]["00607"].endswith("/00607.mp4")


def test_of_two_archives_the_smaller_videos_are_read(raw):
    (raw / "videos/Charades_v1").mkdir()
    for name in ("46GP8", "VPIYF"):
        (raw / f"videos/Charades_v1/{name}.mp4").touch()
    (raw / "videos/Charades_v1_480/VPIYF.mp4").unlink()
    paths = indexed(raw)["path"]
    assert paths["46GP8"].endswith("Charades_v1_480/46GP8.mp4") and paths["VPIYF"].endswith("Charades_v1/VPIYF.mp4")


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        ("train.csv", "c015 1.80", "c157 1.80", r"train.csv: line 4: action 'c157' is none of the 157"),
        ("classes.txt", "c001 ", "c002 ", r"classes.txt: line 2: 'c002' where c001 is next"),
        ("test.csv", "MCQO5", "46GP8", "videos named twice: 46GP8"),
        ("train.csv", "46GP8,HR43", "46GP8", "train.csv: line 2: more or fewer fields than columns"),
    ],
)
def test_what_the_tables_have_wrongly_is_named(raw, file, old, new, message):
    path = raw / f"lists/Charades_v1_{file}"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SaccadeError, match=message):
        indexed(raw)
