"""Folders of pictures are read as files are: by number, only what is wanted, as Pillow decodes it."""

import copy

import numpy as np
import pandas as pd
import pytest
from numbered import number_of, picture
from PIL import Image

from saccade.records import INDEX_COLUMNS, Head
from saccade.settings import Input
from saccade.video import probe_folder as probing
from saccade.video import transforms
from saccade.video.by_number import FramesByNumber
from saccade.video.container import VideoError
from saccade.video.decode import read_frames
from saccade.video.frame_folder import FrameFolder, place_of, state_of
from saccade.video.loader import VideoDataset
from saccade.video.on_demand import frames_on_demand
from saccade.video.probe_folder import probe_folder

SETTINGS = Input(heads=["noun"], num_frames=4, resize=24, crop=20)


def write(folder, numbers, size=(64, 48), name="frame_{:010d}.jpg"):
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.fromarray(picture(number, *size)).save(folder / name.format(number), quality=95)
    return folder


@pytest.fixture
def folder(tmp_path):
    """Pictures 1 to 30, and what else may lie beside them."""
    (write(tmp_path / "P01_01", range(1, 31)) / "notes.txt").write_text("the kitchen of P01")
    return tmp_path / "P01_01"


def pillows(folder, *numbers):
    return np.stack([np.asarray(Image.open(folder / f"frame_{number:010d}.jpg")) for number in numbers])


@pytest.mark.parametrize("colours", ["exact", "pyav"])
def test_frames_are_pillows_pictures_from_the_first_on(folder, colours):
    found = read_frames(FrameFolder(folder, 8, 10), [3, 0, 3, 9], 10, colours)
    assert np.array_equal(found.rgb, pillows(folder, 11, 8, 11, 17))
    assert [number_of(frame) for frame in found.rgb] == [11, 8, 11, 17]


def test_only_what_is_wanted_is_read_and_counted(folder):
    for path in folder.glob("*.jpg"):
        if path.name not in ("frame_0000000011.jpg", "frame_0000000008.jpg"):
            path.write_bytes(b"")
    assert read_frames(FrameFolder(folder, 8, 10), [3, 0, 3]).decoded_frames == 2


@pytest.mark.parametrize("number", [10, 30])
def test_a_frame_outside_of_the_segment_is_refused_though_its_picture_is_there(folder, number):
    with pytest.raises(VideoError, match=rf"P01_01: frame {number} was asked for; it has frames 0 to 9"):
        read_frames(FrameFolder(folder, 8, 10), [3, number], 10)


@pytest.mark.parametrize(("fault", "why"), [("gone", "no such file"), ("empty", r"the file is empty \(0 bytes\)")])
def test_a_picture_that_cannot_be_read_is_named(folder, fault, why):
    path = folder / "frame_0000000011.jpg"
    path.unlink() if fault == "gone" else path.write_bytes(b"")
    with pytest.raises(VideoError, match=rf"frame_0000000011.jpg: {why}"):
        read_frames(FrameFolder(folder, 8, 10), [3], 10)


def test_by_number_frames_are_those_of_the_clip_and_each_costs_one(folder):
    frames = copy.deepcopy(FramesByNumber(FrameFolder(folder, 8, 10), 10, SETTINGS))
    expected = transforms.test_clip(pillows(folder, 15, 8, 15), SETTINGS)
    assert frames.get([7, 0, 7]).equal(expected)
    assert frames.decoded_frames == frames.decoded_for([7, 0, 7]) == 2


def test_frames_on_demand_cost_one_each(folder):
    with frames_on_demand(FrameFolder(folder, 8, 10), 10, SETTINGS) as frames:
        found = [frames.get(number) for number in (2, 7)]
        assert frames.decoded_frames == 2
    assert found[1].equal(transforms.test_clip(pillows(folder, 15), SETTINGS)[0])


def index_of(*rows):
    table = pd.DataFrame([{"split": "test", "cluster": "c", "noun": 0} | row for row in rows])
    return table[[*INDEX_COLUMNS, "noun"]]


@pytest.mark.parametrize("cache_mb", [0, 10])
def test_the_loader_reads_segments_of_one_folder(folder, cache_mb):
    rows = []
    for first in (1, 11):
        _, info = probe_folder(folder, 10.0, first, 8)
        rows.append({"video_id": str(first), "path": folder.name} | info.columns() | {"first_frame": first})
    heads = [Head("noun", "single", ("a",))]
    settings = Input(heads=["noun"], num_frames=4, resize=0, crop=0, mean=[0.0] * 3, std=[1.0] * 3)
    dataset = VideoDataset(
        index_of(*rows), folder.parent, heads, settings, "test", train=False, seed=0, cache_mb=cache_mb
    )
    for clip, first in zip((dataset[0], dataset[1]), (1, 11), strict=True):
        numbers = clip["indices"].numpy() + first
        assert clip["rgb"].equal(transforms.test_clip(pillows(folder, *numbers), settings))
        assert clip["decoded_frames"] == (8 if cache_mb else 4)


def test_a_row_says_where_its_video_is(folder):
    row = {"path": folder.name, "first_frame": 8, "frames": 10}
    assert place_of(folder.parent, row) == FrameFolder(folder, 8, 10)
    row = {"path": f"{folder.name}/notes.txt", "first_frame": 0, "frames": 10}
    assert place_of(folder.parent, row) == folder / "notes.txt"


def test_a_segment_is_known_by_the_bytes_of_its_ends(folder):
    sizes = [(folder / f"frame_{number:010d}.jpg").stat().st_size for number in (8, 17)]
    assert state_of(folder, 8, 10) == (sum(sizes), folder.stat().st_mtime_ns)
    assert state_of(folder, 8, 24) is None and state_of(folder / "none", 8, 10) is None


def test_what_a_folder_holds(folder):
    first, info = probe_folder(folder, 25.0)
    assert first == 1 and (info.frames, info.fps, info.duration_s) == (30, 25.0, 1.2)
    assert (info.width, info.height, info.audio) == (64, 48, False)
    assert info.columns()["times_s"] == [] and info.times_s[5] == pytest.approx(0.2)
    first, info = probe_folder(folder, 25.0, 8, 10, whole=False)
    assert first == 8 and info.frames == 10 and info.bytes == state_of(folder, 8, 10)[0]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"fps": None}, "no frame rate of its own; its dataset must give `fps`"),
        ({"first": 25, "frames": 10}, "pictures 25 to 34 were asked for; it has 1 to 30"),
        ({"first": 0}, "pictures 0 to 30 were asked for; it has 1 to 30"),
        ({"first": 31}, "pictures 31 to 30 were asked for"),
    ],
)
def test_a_segment_that_is_not_there(folder, asked, why):
    with pytest.raises(VideoError, match=f"P01_01.*{why}"):
        probe_folder(folder, **{"fps": 25.0} | asked)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (lambda folder: (folder / "frame_0000000009.jpg").unlink(), "P01_01: lacks frame_0000000009.jpg$"),
        (lambda folder: (folder / "frame_0000000009.jpg").write_bytes(b""), r"frame_0000000009.jpg: .*\(0 bytes\)"),
        (lambda folder: (folder / "frame_0000000009.jpg").write_text("x"), "frame_0000000009.jpg: cannot identify"),
        (lambda folder: write(folder, [9], (32, 32)), "frame_0000000009.jpg: is 32x32, those before 64x48"),
        (lambda folder: write(folder, [31], name="{}.jpg"), "called in different ways: 31.jpg, frame_"),
    ],
    ids=["gap", "empty", "text", "size", "name"],
)
def test_what_is_wrong_with_a_folder_is_named(folder, fault, why, whole):
    fault(folder)
    with pytest.raises(VideoError, match=why):
        probe_folder(folder, 25.0, whole=whole)


def test_a_picture_that_breaks_off_is_found_where_all_are_decoded(folder):
    path = folder / "frame_0000000009.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    assert probe_folder(folder, 25.0, whole=False)[1].frames == 30
    with pytest.raises(VideoError, match=r"frame_0000000009.jpg: .*truncated"):
        probe_folder(folder, 25.0)


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(VideoError, match=r"holds no pictures with a number in their names"):
        probe_folder(tmp_path, 25.0)


def test_a_long_folder_is_listed_once_for_all_of_its_segments(folder):
    probing._listed.cache_clear()
    for first in range(1, 26):
        probe_folder(folder, 25.0, first, 5)
    assert probing._listed.cache_info().misses == 1
