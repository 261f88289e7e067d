"""A clip on demand is the loader's, piece by piece."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from numbered import encode, tone

from saccade.records import INDEX_COLUMNS, SaccadeError
from saccade.settings import Input
from saccade.video import sound
from saccade.video.batches import collate
from saccade.video.clip_on_demand import clip_on_demand, why_not_on_demand
from saccade.video.loader import VideoDataset
from saccade.video.probe import probe

SETTINGS = Input(
    heads=["noun"], modalities=["rgb", "audio"], sound="windows", num_frames=6, sample_rate_hz=8000, window_s=0.5,
    n_fft=64, hop_length=32, resize=24, crop=0, mean=[0.1] * 3, std=[0.5] * 3,
)  # fmt: skip
CPU = torch.device("cpu")
RISING = [*range(20), *range(30, 60, 2)]  # when pictures are shown, where not one after the other


def written(folder, shown_at=None):
    return encode(folder / "v.mp4", 40, shown_at=shown_at, sound=tone(4) * np.linspace(0, 1, 64000, dtype=np.float32))


@pytest.mark.parametrize("shown_at", [None, RISING], ids=["steady", "unsteady"])
@pytest.mark.parametrize(
    "changed", [{}, {"crop": 20}, {"sample_by": "time"}, {"sampler": "consecutive", "stride": 3}, {"num_frames": 50}]
)
def test_it_is_the_loaders(tmp_path, changed, shown_at):
    path, settings = written(tmp_path, shown_at), dataclasses.replace(SETTINGS, **changed)
    info = probe(path)
    assert info.steady == (shown_at is None)
    facts = {"video_id": "v", "split": "try", "cluster": "", "path": "v.mp4"} | info.columns()
    index = pd.DataFrame([facts])[INDEX_COLUMNS]
    expected = collate([VideoDataset(index, tmp_path, (), settings, "try", train=False, seed=0)[0]])
    with clip_on_demand(path, info, settings, CPU, "v") as (found, reading):
        for key in ("rgb", "audio"):
            assert found[key].shape == expected[key].shape and found[key].dtype == expected[key].dtype
            assert len(found[key]) == 1
            for at, piece in enumerate(expected[key][0]):
                torch.testing.assert_close(found[key][0, at], piece, rtol=0, atol=0 if key == "rgb" else 1e-5)
        assert found["video_id"] == expected["video_id"]
        for key in ("indices", "frame_size", "video_frames"):
            assert found[key].equal(expected[key])
        assert reading.wanted_frames == len(expected["indices"][0].unique())
        assert reading.decoded_frames == expected["decoded_frames"].item()
        assert reading.seconds > 0


def test_nothing_is_read_that_is_not_asked_for(tmp_path, monkeypatch):
    path, heard = written(tmp_path), []
    read = sound.read_audio
    monkeypatch.setattr("saccade.video.clip_on_demand.read_audio", lambda *given: heard.append(given) or read(*given))
    with clip_on_demand(path, probe(path), SETTINGS, CPU) as (clip, reading):
        assert (reading.wanted_frames, reading.decoded_frames, heard) == (0, 0, [])
        assert clip["rgb"].shape == (1, 6, 3, 24, 32) and reading.decoded_frames == 0
        clip["rgb"][0, 1], clip["rgb"][0, 3]
        assert reading.wanted_frames == 2 and not heard
        clip["audio"][0, 3], clip["audio"][0, 4]
        assert len(heard) == 1  # the track is decoded once
        with pytest.raises(SaccadeError, match="ask in rising order"):
            clip["rgb"][0, 2]
        with pytest.raises(IndexError, match=r"\(1, 0\) isn't one of"):
            clip["rgb"][1, 0]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"modalities": ["audio"]}, "it has no pictures"),
        ({"num_crops": 3, "crop": 20}, "seen more than once"),
        ({"glance_frames": 2}, "seen more than once"),
        ({"sampler": "random"}, "the sampler 'random' needs more"),
        ({"sound": "track"}, "more than pictures and windows"),
    ],
)
def test_what_cannot_be_given_so_is_refused(tmp_path, changed, why):
    path, settings = written(tmp_path), dataclasses.replace(SETTINGS, **changed)
    assert why in why_not_on_demand(settings)
    with pytest.raises(SaccadeError, match=why), clip_on_demand(path, probe(path), settings, CPU):
        pass
