"""What stands beside the temporal sampler: frames that no look decides, a threshold, and other expectations."""

import dataclasses

import pytest
import torch
from conftest import ROOT
from small_models import clip, finished, run_of

from saccade.project import load_module
from saccade.records import SaccadeError

times = load_module(ROOT / "methods/mac/networks/times.py")
ahead = load_module(ROOT / "methods/mac/networks/known_ahead.py")
learning = load_module(ROOT / "methods/mac/learning.py")
model_py = load_module(ROOT / "methods/mac/model.py")
settings_py = load_module(ROOT / "methods/mac/settings.py")


def settings(**values):
    return dataclasses.replace(finished(run_of("mac", "tiny-long-periodic-0.375"))[1], **values)


def full(clip, frames, how, drawn=None):
    fates = ahead.way_ahead(clip, frames, how, drawn).fates
    assert set(fates.unique().tolist()) <= {times.FULL, times.SKIPPED}
    return ["".join("F" if fate == times.FULL else "-" for fate in video) for video in fates.tolist()]


def named(*names, **truth):
    return {"video_id": list(names)} | {f"truth.{key}": torch.tensor(values) for key, values in truth.items()}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, "F-F-F-F-"), (0.375, "F-F--F--"), (0.01, "F-------"), (1.0, "FFFFFFFF")]
)
def test_periodic_times_are_spread_evenly(share, expected):
    assert full(named("a", "b"), 8, settings(decide="periodic", full_share=share)) == [expected] * 2


def test_random_times_are_the_videos_own_and_as_many():
    how = settings(decide="random", full_share=0.5)
    found = full(named(*"abcdef"), 12, how)
    assert all(one.count("F") == 6 and one[0] == "F" for one in found)
    assert len(set(found)) > 3
    assert full(named("c"), 12, how) == [found[2]]
    drawn = torch.Generator().manual_seed(0)
    first, second = (full(named(*"abcdef"), 12, how, drawn) for _ in range(2))
    assert first != second  # every epoch of training has its own
    assert all(one.count("F") == 6 and one[0] == "F" for one in first)


def test_true_times_are_where_a_moment_begins_or_the_digit_shows():
    video = named("a", moment=[[3.0, 3, 4, 4, 6, 6]], informative=[[0.0, 1, 1, 0, 0, 1]])
    assert full(video, 6, settings(decide="oracle")) == ["F-F-F-"]
    assert full(video, 6, settings(decide="informative")) == ["FFF--F"]
    with pytest.raises(SaccadeError, match=r"truth: \[\.\.\., moment\]"):
        full(named("a"), 6, settings(decide="oracle"))


def test_a_threshold_gives_the_share_that_it_was_calibrated_for():
    torch.manual_seed(0)
    alike = torch.rand(20, 9)  # of 20 videos of 10 frames
    for share in (0.1, 0.35, 0.8, 1.0):
        threshold = times.Threshold()
        threshold.calibrate(alike, 10, share)
        scores, _ = threshold(None, None, alike.flatten(), None)
        assert 20 + (scores.argmax(1) == 0).sum() == round(share * 200)


def test_one_frame_leaves_nothing_to_decide():
    how = finished(run_of("mac", "tiny-s0-t2"))[1]
    with pytest.raises(ValueError, match="skips is 2, and num_frames 1"):
        dataclasses.replace(how, num_frames=1)


def test_a_threshold_skips_nothing():
    with pytest.raises(ValueError, match="decide is threshold, which skips no frame, but skips is 2"):
        settings(decide="threshold", skips=2)


@torch.inference_mode()
def test_where_all_times_are_known_ahead_nothing_else_is_looked_at():
    """Skipped frames may be nan, and a video costs what its full frames do in S_k."""
    model, how = finished(run_of("mac", "tiny-long-periodic-0.375"))
    model.settings = how = dataclasses.replace(how, full_share=0.5)
    video = clip(how, 2)
    before = model_py.predict(model, video, how)
    frames = video["rgb"].shape[1]
    assert before.frames.tolist() == [(frames + 1) // 2] * 2
    video["rgb"], video["audio"] = video["rgb"].clone(), video["audio"].clone()
    video["rgb"][:, 1::2], video["audio"][:, 1::2] = torch.nan, torch.nan
    after = model_py.predict(model, video, how)
    for head, values in before.probabilities.items():
        assert after.probabilities[head].equal(values)
    seen = {key: value[:, ::2] if key in ("rgb", "audio", "indices") else value for key, value in video.items()}
    plain = model_py.predict(model, seen, dataclasses.replace(how, decide="learned", skips=0))
    assert before.macs.equal(plain.macs)
    for head, values in before.probabilities.items():
        torch.testing.assert_close(values, plain.probabilities[head])


@torch.inference_mode()
@pytest.mark.parametrize("variant", ["tiny-long-t1-copied", "tiny-long-t1-nothing", "tiny-long-t1-similarity"])
def test_what_is_expected_or_read_may_be_another_thing(variant):
    model, how = finished(run_of("mac", variant))
    first, second = torch.rand(2, 3, model.low_cnn.attention_channels(how.attention_layer), how.map_side, how.map_side)
    expected, _ = model.foresight(first, None)
    alike = times.similarity(second, expected)
    scores, _ = model.sampler(second, expected, alike, None)
    if how.expects == "copied":
        assert expected.equal(first)
    if how.expects == "nothing":
        assert not expected.any()
    if how.reads == "similarity":
        again, _ = model.sampler(first, expected, alike, None)
        assert again.equal(scores) and how.expects == "hallucinated"
    assert hasattr(model, "hallucinator") == (how.expects == "hallucinated")
