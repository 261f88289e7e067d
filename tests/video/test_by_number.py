"""Frames by their numbers are those of the loader, and what they cost to decode is known before."""

import copy
import weakref

import numpy as np
import pandas as pd
import pytest
import torch
from numbered import encode, number_of

from saccade.records import INDEX_COLUMNS, Head, SaccadeError
from saccade.settings import Input
from saccade.video import by_number, transforms
from saccade.video.batches import batches, collate
from saccade.video.by_number import FramesByNumber
from saccade.video.container import VideoError
from saccade.video.decode import read_frames
from saccade.video.in_memory import ChangedFrames, FramesInMemory, KeptFrames
from saccade.video.loader import VideoDataset
from saccade.video.probe import probe
from saccade.video.upright import rgb_of

FRAMES = 48
PLAIN = {"num_frames": 6, "resize": 24, "crop": 20}
SETTINGS = Input(**PLAIN)
FILES = {
    "key frames alone": ("v.mp4", {"options": {"g": "1"}}),
    "several key frames": ("v.mp4", {"options": {"g": "12", "bf": "0", "sc_threshold": "0"}}),
    "one key frame": ("v.mp4", {"options": {"g": "250"}}),
    "B frames": ("v.mp4", {"options": {"g": "12", "bf": "2", "sc_threshold": "0"}}),
    "MPEG-4 in AVI": ("v.avi", {"codec": "mpeg4", "options": {"g": "12"}}),
    "no plan": ("v.mkv", {"codec": "mpeg2video", "options": {"g": "12", "bf": "2"}, "fps": 25}),
}
ORDERS = ([3, 7, 45], [45, 3, 7, 3], [0], [47], [11, 12, 13, 30], list(range(FRAMES)))


@pytest.fixture(scope="module", params=FILES)
def file(request, tmp_path_factory):
    name, how = FILES[request.param]
    return encode(tmp_path_factory.mktemp("file") / name, FRAMES, **how)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A root with two videos of different lengths, their index and truth."""
    root, rows, truth = tmp_path_factory.mktemp("root"), [], []
    for number, frames in enumerate((30, FRAMES)):
        path = encode(root / f"v{number}.mp4", frames, options={"g": "12"})
        facts = {"video_id": f"v{number}", "split": "test", "cluster": "c", "path": path.name, "noun": number}
        rows.append(facts | probe(path).columns())
        truth += [(f"v{number}", frame, frame % 2) for frame in range(frames)]
    columns = ["video_id", "frame", "informative"]
    return root, pd.DataFrame(rows)[[*INDEX_COLUMNS, "noun"]], pd.DataFrame(truth, columns=columns)


def dataset_of(source, **changes) -> VideoDataset:
    root, index, truth = source
    heads = [Head("noun", "single", ("a", "b"))]
    return VideoDataset(index, root, heads, Input(**PLAIN | changes), "test", train=False, seed=0, truth=truth)


@pytest.mark.parametrize("numbers", ORDERS, ids=lambda numbers: f"{len(numbers)} from {numbers[0]}")
def test_frames_are_those_of_the_test_time_clip_in_the_order_asked_for(file, numbers):
    expected = transforms.test_clip(read_frames(file, numbers).rgb, SETTINGS)
    assert FramesByNumber(file, FRAMES, SETTINGS).get(numbers).equal(expected)


def test_what_is_decoded_is_known_before(file):
    frames, before = FramesByNumber(file, FRAMES, SETTINGS), 0
    for numbers in ORDERS:
        told = frames.decoded_for(numbers)
        assert frames.decoded_frames == before
        frames.get(numbers)
        assert frames.decoded_frames - before == told == read_frames(file, numbers, FRAMES).decoded_frames
        before = frames.decoded_frames


@pytest.mark.parametrize(
    ("name", "decoded"), [("several key frames", 8 + 10), ("key frames alone", 3), ("no plan", 46)]
)
def test_only_groups_with_a_wanted_frame_are_decoded(tmp_path, name, decoded):
    """Frames 3, 7 and 45: of groups of 12 the first up to frame 7, and the last up to its tenth frame."""
    path = encode(tmp_path / FILES[name][0], FRAMES, **FILES[name][1])
    assert FramesByNumber(path, FRAMES, SETTINGS).decoded_for([45, 3, 7]) == decoded


def test_a_clip_on_demand_gives_the_frames_of_an_ordinary_clip(source):
    ordinary, on_demand = dataset_of(source)[1], dataset_of(source, on_demand=True)[1]
    assert on_demand["frames"].get(ordinary["indices"]).equal(ordinary["rgb"])
    assert on_demand["frame_size"].equal(ordinary["frame_size"])
    assert on_demand["decoded_frames"] == 0 and "rgb" not in on_demand and not len(on_demand["indices"])


def test_another_size_can_be_asked_for(source):
    ordinary = dataset_of(source, resize=12, crop=8)[0]
    frames = dataset_of(source, on_demand=True)[0]["frames"]
    assert frames.get(ordinary["indices"], resize=12, crop=8).equal(ordinary["rgb"])
    assert frames.get([0], crop=0).shape == (1, 3, 24, 32) and frames.get([0]).shape == (1, 3, 20, 20)


def test_a_batch_lists_frames_and_truth_of_each_video(source):
    for workers in (0, 1):
        dataset = dataset_of(source, on_demand=True, truth=["informative"])
        (batch,) = batches(dataset, 2, shuffle=False, epoch=0, workers=workers)
        assert [frames.frames for frames in batch["frames"]] == batch["video_frames"].tolist() == [30, FRAMES]
        assert [len(column) for column in batch["truth.informative"]] == [30, FRAMES]
        assert batch["decoded_frames"].tolist() == [0, 0] and batch["labels"]["noun"].tolist() == [0, 1]
        shown = [frames.get([7], resize=0, crop=0)[0] for frames in batch["frames"]]
        std, mean = (torch.tensor(values)[:, None, None] for values in (SETTINGS.std, SETTINGS.mean))
        assert [number_of((255 * (one * std + mean)).permute(1, 2, 0).numpy()) for one in shown] == [7, 7]


def test_whole_frames_do_not_pile_up(file, monkeypatch):
    """Of all those that were made so far, only the last one, or the one before it, is still there, where two take more
    room than is resized together."""
    made: list[weakref.ref] = []
    at_once = []

    def noted(frame, colours):
        at_once.append(sum(one() is not None for one in made))
        made.append(weakref.ref(picture := rgb_of(frame, colours)))
        return picture

    monkeypatch.setattr(by_number, "rgb_of", noted)
    monkeypatch.setattr(by_number, "BYTES_AT_ONCE", 1)
    FramesByNumber(file, FRAMES, SETTINGS).get(range(FRAMES))
    assert len(made) == FRAMES and max(at_once) <= 1


def test_nothing_is_opened_before_frames_are_asked_for(tmp_path):
    frames = FramesByNumber(tmp_path / "absent.mp4", FRAMES, SETTINGS)
    with pytest.raises(VideoError, match="absent.mp4: no such file"):
        frames.get([0])


def test_a_copy_opens_the_file_anew(file):
    frames = FramesByNumber(file, FRAMES, SETTINGS)
    first = frames.get([5, 40])
    assert copy.deepcopy(frames).get([5, 40]).equal(first)


def test_frames_outside_of_the_video_are_refused(file):
    frames = FramesByNumber(file, FRAMES, SETTINGS)
    for ask in (frames.get, frames.decoded_for):
        with pytest.raises(SaccadeError, match="frame 48 was asked for; it has frames 0 to 47"):
            ask([3, 48])
        with pytest.raises(SaccadeError, match="frame -1 was asked for"):
            ask(np.array([-1]))


def test_a_frame_that_does_not_decode_is_named(tmp_path):
    path = encode(tmp_path / "v.mp4", FRAMES)
    with pytest.raises(VideoError, match="frame 50 was asked for, but doesn't decode"):
        FramesByNumber(path, 60, SETTINGS).get([3, 50])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modalities": ["audio"]}, "add rgb"),
        ({"num_crops": 3}, "set num_clips and num_crops to 1"),
        ({"glance_frames": 2}, "set it to 0"),
        ({"modalities": ["rgb", "audio"], "sound": "windows"}, "set it to track"),
    ],
)
def test_settings_that_need_chosen_frames_do_not_go_together_with_it(changes, message):
    with pytest.raises(ValueError, match=f"on_demand is true, but .*{message}"):
        Input(**PLAIN, on_demand=True, **changes)


def test_pictures_in_memory_answer_alike():
    """Groups of 4: frames 1 and 2 take three of the first, frame 9 two of the third."""
    pictures = torch.arange(10.0)[:, None, None, None].expand(-1, 3, 8, 12)
    frames = FramesInMemory(pictures, 20, group=4)
    assert frames.get([9, 1, 2, 11])[:, 0, 0, 0].tolist() == [9, 1, 2, 1]
    assert frames.decoded_frames == frames.decoded_for([9, 1, 2, 11]) == 3 + 4
    assert frames.get([0], resize=4).shape == (1, 3, 4, 6) and frames.get([0], crop=6).shape == (1, 3, 6, 6)


def test_kept_frames_are_decoded_once(file):
    inner = FramesByNumber(file, FRAMES, SETTINGS)
    kept = KeptFrames(inner)
    first, decoded = kept.get([5, 9]), inner.decoded_frames
    assert kept.get([5, 9]) is first and inner.decoded_frames == decoded == kept.decoded_for([5, 9])
    assert kept.get([5, 9], crop=8).shape[-1] == 8 and kept.frames == FRAMES


def test_a_video_may_keep_what_it_decodes(file):
    """With room for all frames none is decoded twice; with less nothing is kept."""
    plain = FramesByNumber(file, FRAMES, SETTINGS)
    size = plain.get([0], resize=0, crop=0).numel()  # in bytes, as decoded
    for room, again in ((FRAMES * size, False), (FRAMES * size - 1, True)):
        keeping = FramesByNumber(file, FRAMES, SETTINGS)
        keeping.keep_bytes = room
        assert keeping.get([5, 2, 5], crop=8).equal(plain.get([5, 2, 5], crop=8))
        first = keeping.decoded_frames
        assert keeping.get([2, 5], crop=8).equal(plain.get([2, 5], crop=8)) and keeping.get([2]).equal(plain.get([2]))
        assert first == plain.decoded_for([2, 5]) and (keeping.decoded_frames > first) == again
        assert keeping.keep_bytes == (0 if again else room)
        assert copy.copy(keeping).keep_bytes == 0


def test_changed_frames_are_those_of_the_video_changed(file):
    plain = FramesByNumber(file, FRAMES, SETTINGS)
    changed = ChangedFrames(plain, lambda shown: shown + 1)
    assert changed.get([5, 9], crop=8).equal(plain.get([5, 9], crop=8) + 1)
    assert changed.decoded_for([5, 9]) == plain.decoded_for([5, 9])


def test_one_clip_is_a_batch_of_one(source):
    batch = collate([dataset_of(source, on_demand=True)[0]])
    assert len(batch["frames"]) == 1 and batch["indices"].shape == (1, 0)
