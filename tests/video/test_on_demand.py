"""Frames that are decoded one by one are those of the loader, and no group of pictures without one is decoded."""

import numpy as np
import pandas as pd
import pytest
from numbered import encode

from saccade.records import INDEX_COLUMNS, Head, SaccadeError
from saccade.settings import Input
from saccade.video.decode import read_frames
from saccade.video.loader import VideoDataset
from saccade.video.on_demand import frames_on_demand
from saccade.video.probe import probe

SETTINGS = Input(heads=["noun"], num_frames=6, resize=24, crop=20, mean=[0.1] * 3, std=[0.5] * 3)
FRAMES = 48


@pytest.mark.parametrize("options", [{"g": "1"}, {"g": "12"}, {"g": "250"}, {"g": "12", "bf": "2"}], ids=str)
def test_a_frame_is_as_the_loader_gives_it(tmp_path, options):
    path = encode(tmp_path / "v.mp4", FRAMES, options=options)
    info = probe(path)
    facts = {"video_id": "v", "split": "test", "cluster": "c", "path": "v.mp4"} | info.columns() | {"noun": 0}
    index = pd.DataFrame([facts])[[*INDEX_COLUMNS, "noun"]]
    clip = VideoDataset(index, tmp_path, [Head("noun", "single", ("a",))], SETTINGS, "test", train=False, seed=0)[0]
    with frames_on_demand(path, info.frames, SETTINGS) as frames:
        for number, expected in zip(clip["indices"].tolist(), clip["rgb"], strict=True):
            assert frames.get(number).equal(expected)


@pytest.mark.parametrize(("group", "decoded"), [(1, 3), (12, 8 + 10), (48, 46)])
def test_only_what_a_wanted_frame_needs_is_decoded(tmp_path, group, decoded):
    """Frames 3, 7 and 45: of groups of 12 the first up to frame 7, and the last up to its tenth frame."""
    path = encode(tmp_path / "v.mp4", FRAMES, options={"g": str(group), "bf": "0", "sc_threshold": "0"})
    with frames_on_demand(path, FRAMES, SETTINGS) as frames:
        assert frames.decoded_frames == 0
        found = [frames.get(number) for number in (3, 7, 7, 45)]
        assert frames.decoded_frames == decoded
    assert found[1].equal(found[2]) and not np.array_equal(found[0], found[3])


def test_no_more_is_decoded_than_for_the_loader(tmp_path):
    """Pictures that no other depends on aren't decoded for somebody who can't ask for them."""
    path, numbers = encode(tmp_path / "v.mp4", FRAMES, options={"g": "48", "bf": "2", "sc_threshold": "0"}), (3, 20, 45)
    with (
        frames_on_demand(path, FRAMES, SETTINGS) as all_frames,
        frames_on_demand(path, FRAMES, SETTINGS, numbers) as frames,
    ):
        assert all(frames.get(number).equal(all_frames.get(number)) for number in numbers)
        assert frames.decoded_frames == read_frames(path, numbers, FRAMES).decoded_frames < all_frames.decoded_frames
        assert frames.wanted_frames == all_frames.wanted_frames == len(numbers)
        with pytest.raises(SaccadeError, match="frame 46 was asked for; name it in `among`"):
            frames.get(46)


def test_frames_out_of_order_or_outside_are_refused(tmp_path):
    path = encode(tmp_path / "v.mp4", FRAMES)
    with frames_on_demand(path, FRAMES, SETTINGS) as frames:
        frames.get(9)
        with pytest.raises(SaccadeError, match="frame 8 was asked for after frame 9"):
            frames.get(8)
        with pytest.raises(SaccadeError, match="it has frames 0 to 47"):
            frames.get(48)
