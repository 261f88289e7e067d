"""EPIC-KITCHENS-55: stretches of folders of frames, classes by number, and which of the publisher's many files are
asked for."""

import shutil
from pathlib import Path

import pytest

from saccade.acquire.offer import offered
from saccade.cards.dataset import load_dataset
from saccade.project import load_module
from saccade.records import SaccadeError

HERE = Path(__file__).parent
preparing, Settings = load_module(HERE / "prepare.py"), load_module(HERE / "settings.py").Settings
sample = load_module(HERE / "sample.py")
FRAMES_RGB = "frames_rgb_flow/rgb/train"


@pytest.fixture
def raw(tmp_path):
    """The miniature's tables, and empty frames of one video, 1 to 24."""
    raw = tmp_path / "epic-kitchens-55/raw"
    (raw / "frames/P01_01").mkdir(parents=True)
    for number in range(1, 25):
        (raw / f"frames/P01_01/frame_{number:010d}.jpg").touch()
    (raw / "downloads").mkdir()
    (raw / "downloads/EPIC_train_action_labels.csv").write_bytes(sample.segments_table())
    for head in ("verb", "noun"):
        (raw / f"downloads/EPIC_{head}_classes.csv").write_bytes(sample.classes_table(head))
    return raw


def indexed(raw):
    settings = Settings(test_videos=["P01_18", "P02_09"], val_share=0.02)
    return preparing.prepare(settings, raw / "own", 0, 1)[0].set_index("video_id")


def rewrite(raw, file, old, new):
    path = raw / "downloads" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_segment_is_a_stretch_of_its_videos_frames(raw):
    row = indexed(raw).loc["P01_01-45"]
    assert (row["first_frame"], row["frames"], row["fps"]) == (5, 14 - 5, 60)
    assert row["path"] == str(raw / "frames/P01_01") and row["cluster"] == "P01_01"
    assert (row["verb"], row["noun"]) == ("pour", "courgette")


def test_frames_count_from_1(raw):
    row = indexed(raw).loc["P01_01-0"]
    assert (row["first_frame"], row["frames"]) == (1, 9 - 1)


@pytest.mark.parametrize("stop, frames", [(25, 13), (26, 13), (25 + 60, 13), (26 + 60, 74)])
def test_a_segment_that_outlasts_its_video_by_a_second_at_most_ends_with_it(raw, stop, frames):
    rewrite(raw, "EPIC_train_action_labels.csv", ",12,27,", f",12,{stop},")
    assert indexed(raw).loc["P01_01-120", "frames"] == frames


def test_a_segment_of_frames_that_are_not_there_stays_as_it_is_listed(raw):
    row = indexed(raw).loc["P31_01-39236"]
    assert (row["first_frame"], row["frames"], row["path"]) == (9, 15, str(raw / "frames/P31_01"))


def test_optical_flow_is_not_taken_for_frames(raw):
    for place in ("downloads/flow", "a/rgb"):
        (raw / place).mkdir(parents=True)
    (raw / "downloads/flow/P01_01/u").mkdir(parents=True)
    shutil.move(raw / "frames/P01_01", raw / "a/rgb/P01_01")
    (raw / "a/flow/P01_01/u").mkdir(parents=True)
    assert indexed(raw)["path"]["P01_01-45"] == str(raw / "a/rgb/P01_01")


def test_splits_are_by_video(raw):
    splits = indexed(raw).groupby("cluster")["split"].unique()
    assert all(len(found) == 1 for found in splits)
    assert {video for video, found in splits.items() if "test" in found} == {"P01_18", "P02_09"}


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        (
            "EPIC_train_action_labels.csv",
            ",pour,7,",
            ",pour,125,",
            "labels.csv: line 3: verb_class 125 is none of the 125",
        ),
        (
            "EPIC_train_action_labels.csv",
            ",5,14,",
            ",5,?,",
            "labels.csv: line 3: stop_frame is '\\?', which is no number",
        ),
        ("EPIC_train_action_labels.csv", "45,P01,P01_01", "0,P01,P01_01", "labels.csv: videos named twice: P01_01-0"),
        ("EPIC_noun_classes.csv", "\n1,", "\n2,", "noun_classes.csv: line 3: noun_id is '2' where 1 is next"),
    ],
)
def test_what_the_tables_have_wrongly_is_named(raw, file, old, new, message):
    rewrite(raw, file, old, new)
    with pytest.raises(SaccadeError, match=message):
        indexed(raw)


@pytest.mark.parametrize(
    "only, wanted",
    [
        ([], {f"{FRAMES_RGB}/P01/P01_01.tar": "frames"}),
        (["frames_rgb_flow/flow/*"], {"frames_rgb_flow/flow/train/P01/P01_01.tar": "flow"}),
        (["*/test/*.tar"], {"frames_rgb_flow/rgb/test/P01/P01_11.tar": "test"}),
        (["*.MP4"], {"videos/train/P01/P01_01.MP4": ""}),
    ],
)
def test_only_frames_of_training_videos_are_fetched_unasked(tmp_path, only, wanted):
    """`wanted`: the files that the list of sums tells of, and where each is unpacked."""
    folder = tmp_path / "data/epic-kitchens-55"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("__pycache__", "raw", "prepared"))
    (folder / "raw/downloads").mkdir(parents=True)
    places = [
        "P01/rgb_frames/P01_109.tar,errata",
        f"{FRAMES_RGB}/P01/P01_01.tar,55",
        "frames_rgb_flow/rgb/test/P01/P01_11.tar,55",
        "frames_rgb_flow/flow/train/P01/P01_01.tar,55",
        "videos/train/P01/P01_01.MP4,55",
    ]
    rows = "".join(f"{'0' * 32},{place}\n" for place in places)
    (folder / "raw/downloads/md5.csv").write_text(f"md5,file_remote_path,version\n{rows}")
    found = {file.name: file.unpack for file in offered(load_dataset(tmp_path, folder.name), only)}
    assert {name: unpack for name, unpack in found.items() if not name.endswith(".csv")} == wanted
