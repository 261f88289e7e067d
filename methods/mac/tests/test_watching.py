"""Looking only as far as the temporal sampler wants gives what looking at everything would, and costs less."""

import dataclasses

import pytest
import torch
from conftest import ROOT
from small_models import clip, finished, run_of

from saccade.project import load_module

times = load_module(ROOT / "methods/mac/networks/times.py")
watching = load_module(ROOT / "methods/mac/networks/watching.py")
networks = load_module(ROOT / "methods/mac/networks/mac.py")
model_py = load_module(ROOT / "methods/mac/model.py")

VARIANTS = ["tiny-s0-t2", "tiny-s1-t4"]


def spread(scores, rows, at):
    """Decisions by the scores, small differences in which decide."""
    return (5000 * scores).sin().argmax(1)


@torch.inference_mode()
@pytest.mark.parametrize("variant", VARIANTS)
def test_training_and_inference_agree_on_the_same_way(variant):
    """Every frame seen and the sampler's ones weighed, as in training, or the others never computed."""
    model, settings = finished(run_of("mac", variant))
    video = clip(settings, 6)
    seen = watching.watch(model, video, model.read, settings, spread)
    attention = model.look(video, {"attention"}, settings).features["attention"]
    way = times.go(lambda rows, at: attention[rows, at], attention.shape[:2], model.hallucinator, model.sampler, spread)
    assert way.decisions.equal(seen.way.decisions)
    assert len({tuple(fates) for fates in way.fates.tolist()}) > 1  # videos go different ways
    torch.testing.assert_close(way.similarity, seen.way.similarity, equal_nan=True)
    features = model.look(video, model.read, settings).features
    full = (way.fates == times.FULL).float()
    skipping = model.answers(seen.features, list(model.heads), full.sum(1).long())
    for name, head in model.heads.items():
        dense = head.where(networks.read_by(name, features), full)
        torch.testing.assert_close(skipping[name], dense)


@torch.inference_mode()
@pytest.mark.parametrize("variant", VARIANTS)
def test_where_every_frame_is_wanted_nothing_is_lost(variant):
    """A sampler that never skips answers as the spatial sampler does, for the price of its decisions beside."""
    model, settings = finished(run_of("mac", variant))
    model.sampler.score.bias[0] = 1e6
    video = clip(settings, 2)
    without = dataclasses.replace(settings, skips=0)
    found, plain = (model_py.predict(model, video, one) for one in (settings, without))
    assert found.frames.equal(plain.frames)
    for head, probabilities in plain.probabilities.items():
        torch.testing.assert_close(found.probabilities[head], probabilities)
    decisions = video["rgb"].shape[1] - 1
    assert ((found.macs - plain.macs) % decisions == 0).all() and (found.macs > plain.macs).all()
    assert [one["scanned"] for one in found.decisions] == [[], []]


@torch.inference_mode()
def test_what_is_skipped_may_be_anything():
    """Frames that are never looked at, and crops and sound of those only pre-scanned, aren't read: nan there changes
    nothing."""
    model, settings = finished(run_of("mac", "tiny-s1-t4"))
    video = clip(settings, 4)
    video["audio"] = video["audio"].clone()
    before = watching.watch(model, video, model.read, settings, spread)
    fates = before.way.fates
    assert (fates == times.SCANNED).any() and (fates == times.SKIPPED).any()
    video["rgb"] = video["rgb"].clone()
    video["rgb"][fates == times.SKIPPED] = torch.nan
    video["audio"][fates != times.FULL] = torch.nan
    after = watching.watch(model, video, model.read, settings, spread)
    assert after.way.fates.equal(fates)
    for part, values in before.features.items():
        assert after.features[part].equal(values)


@torch.inference_mode()
def test_drawn_decisions_are_the_videos_own():
    """The same draw of a video is the same beside others; another draw may be another."""
    model, settings = finished(run_of("mac", "tiny-s0-t2"))
    video = clip(settings, 6)
    drawn = [
        [
            one["decisions"]
            for one in model_py.predict(
                model, video, dataclasses.replace(settings, decide="sampled", draw=draw)
            ).decisions
        ]
        for draw in range(3)
    ]
    assert drawn[0] != drawn[1] or drawn[1] != drawn[2]
    alone = {key: value[2:3] for key, value in video.items() if key != "labels"}
    again = model_py.predict(model, alone, dataclasses.replace(settings, decide="sampled", draw=1)).decisions
    assert again[0]["decisions"] == drawn[1][2]
