"""Breakfast: views whose files are called the same, two channels of one camera, splits by person."""

from pathlib import Path

import pytest

from saccade.project import load_module
from saccade.records import SaccadeError

HERE = Path(__file__).parent
preparing, Settings = load_module(HERE / "prepare.py"), load_module(HERE / "settings.py").Settings
TREE = "videos/BreakfastII_15fps_qvga_sync/BreakfastII_15fps_qvga_sync"


@pytest.fixture
def raw(tmp_path):
    """Of each of five persons a cereals from three cameras, and its labels."""
    raw = tmp_path / "breakfast/raw"
    for person in ("P03", "P46", "P47", "P53", "P54"):
        for folder, camera in (("cam01", "cam01"), ("webcam02", "webcam02"), ("stereo", "stereo01")):
            (raw / TREE / person / folder).mkdir(parents=True)
            for channel in ("_ch0", "_ch1") if folder == "stereo" else ("",):
                (raw / TREE / person / folder / f"{person}_cereals{channel}.avi").touch()
            labels = raw / "labels/segmentation_coarse/cereals" / f"{person}_{camera}_{person}_cereals.txt"
            labels.parent.mkdir(parents=True, exist_ok=True)
            labels.touch()
    return raw


def indexed(raw, test_persons=(47, 54)):
    settings = Settings(test_persons=list(test_persons), val_share=0.02)
    return preparing.prepare(settings, raw / "own", 0, 1)[0].set_index("video_id")


def test_views_of_the_same_name_are_told_apart_by_their_camera(raw):
    paths = indexed(raw)["path"]
    assert paths["P03_cam01_P03_cereals"] == str(raw / TREE / "P03/cam01/P03_cereals.avi")
    assert paths["P03_webcam02_P03_cereals"] == str(raw / TREE / "P03/webcam02/P03_cereals.avi")


def test_of_the_stereo_camera_only_the_first_channel_counts(raw):
    videos = indexed(raw)
    assert videos["path"]["P03_stereo01_P03_cereals"].endswith("P03/stereo/P03_cereals_ch0.avi")
    assert len(videos) == 15 and videos.attrs["unlisted"] == []


@pytest.mark.parametrize(
    "test_persons, tested", [((47, 54), {"P47", "P53", "P54"}), ((3, 15), {"P03"}), ((42, 53), {"P46", "P47", "P53"})]
)
def test_persons_are_tested_from_the_first_to_the_last_of_the_edition(raw, test_persons, tested):
    videos = indexed(raw, test_persons)
    assert set(videos["cluster"][videos["split"] == "test"]) == tested


def test_val_is_one_person_with_all_views(raw):
    videos = indexed(raw)
    held = videos[videos["split"] == "val"]
    assert len(held) == 3 and held["cluster"].nunique() == 1


def test_a_view_with_labels_and_no_video_is_expected_where_the_archive_would_bring_it(raw):
    gone = raw / TREE / "P54/stereo/P54_cereals_ch0.avi"
    gone.unlink()
    assert indexed(raw)["path"]["P54_stereo01_P54_cereals"] == str(gone)


def test_a_video_without_labels_is_unlisted(raw):
    (raw / TREE / "P03/cam01/P03_tea.avi").touch()
    assert indexed(raw).attrs["unlisted"] == [f"{TREE}/P03/cam01/P03_tea.avi"]


def test_videos_without_labels_at_all_name_the_file_to_bring(raw):
    for labels in (raw / "labels").rglob("*.txt"):
        labels.unlink()
    with pytest.raises(SaccadeError, match=r"no coarse labels \(segmentation_coarse.tar.gz\).*acquire breakfast"):
        indexed(raw)
