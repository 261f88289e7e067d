"""Looking only as far as the temporal sampler wants gives what looking at everything would, and costs less."""

import copy
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT
from small_models import clip, finished, run_of

from saccade.project import load_module

times = load_module(ROOT / "methods/mac/networks/times.py")
watching = load_module(ROOT / "methods/mac/networks/watching.py")
networks = load_module(ROOT / "methods/mac/networks/mac.py")
model_py = load_module(ROOT / "methods/mac/model.py")

learning = load_module(ROOT / "methods/mac/learning.py")

VARIANTS = ["tiny-s0-t2", "tiny-s1-t4"]


def sharp(variant):
    """With attention that has several regions, and its settings, of 8 frames."""
    model, settings = finished(run_of("mac", variant))
    model = copy.deepcopy(model)
    model.low_cnn.get_submodule(settings.attention_layer).sam.conv_w[-1].weight.data.mul_(300)
    model.sampler.score.bias.data.zero_()
    return model, dataclasses.replace(settings, num_frames=8)


def spread(scores, rows, at):
    """Decisions by the scores, small differences in which decide."""
    return (5000 * scores).sin().argmax(1)


@torch.inference_mode()
@pytest.mark.parametrize("variant", [*VARIANTS, "tiny-s2-t4", "tiny-s3-t2"])
def test_training_and_inference_agree_on_the_same_way(variant):
    """Every frame seen and the sampler's ones weighed, as in training, or the others never computed."""
    model, settings = sharp(variant)
    video = clip(settings, 6)
    seen = watching.watch(model, video, model.read, settings, spread)
    attention = model.look(video, {"attention"}, settings).features["attention"]
    way = times.go(lambda rows, at: attention[rows, at], attention.shape[:2], model.hallucinator, model.sampler, spread)
    assert way.decisions.equal(seen.way.decisions)
    assert len({tuple(fates) for fates in way.fates.tolist()}) > 1  # videos go different ways
    torch.testing.assert_close(way.similarity, seen.way.similarity, equal_nan=True)
    full = way.fates == times.FULL
    features = model.look(video, model.read | ({"places"} if settings.waits else set()), settings).features
    ordered = learning.in_slots_of_seen(features, full, settings)
    if settings.regions > 1:
        assert not ordered["regions"].equal(features["regions"])  # slots aren't by activation
        assert ordered["regions"][~full].equal(features["regions"][~full])  # but where nobody will look
    skipping = model.answers(seen.features, list(model.heads), full.sum(1))
    for name, head in model.heads.items():
        dense = head.where(networks.read_by(name, ordered), full.float())
        torch.testing.assert_close(skipping[name], dense)


@torch.inference_mode()
@pytest.mark.parametrize("slots", ["trajectories", "pairs"])
def test_slots_are_of_the_frames_seen_in_full_alone(slots):
    """Where all are, they are those of the spatial sampler; where some are, those of a clip of these."""
    model, settings = sharp("tiny-s3-t2")
    settings = dataclasses.replace(settings, slots=slots)
    video = clip(settings, 6)
    waiting = model.look(video, {"regions", "places"}, settings).features
    every = torch.ones(video["rgb"].shape[:2], dtype=torch.bool)
    plain = model.look(video, {"regions"}, settings).features["regions"]
    assert learning.in_slots_of_seen(waiting, every, settings)["regions"].equal(plain)
    kept = [0, 1, 3, 7]
    full = torch.zeros_like(every)
    full[:, kept] = True
    some = model.look({**video, "rgb": video["rgb"][:, kept]}, {"regions"}, settings).features["regions"]
    found = learning.in_slots_of_seen(waiting, full, settings)["regions"][:, kept]
    torch.testing.assert_close(found, some)
    assert not found.equal(plain[:, kept])


@torch.inference_mode()
@pytest.mark.parametrize("fixed_clips", [True, False])
@pytest.mark.parametrize("variant", ["tiny-s0-t2", "tiny-s3-t2"])
def test_on_val_the_phase_answers_as_the_finished_model(variant, fixed_clips, monkeypatch):
    """The phase's loss, that sees every frame, and `predict`, that skips, whether features are kept or not."""
    phases = load_module(ROOT / "methods/mac/phases.py")
    monkeypatch.setattr(phases, "pushes", lambda *given: {})  # nothing is trained here
    model, settings = sharp(variant)
    model.settings = settings = dataclasses.replace(settings, fixed_clips=fixed_clips)
    video = clip(settings, 6)
    video["labels"] = {head.name: torch.arange(6) % head.num_classes for head in model.heads_known}
    given = []
    run = SimpleNamespace(
        settings=settings,
        model=model,
        generator=None,
        result={},
        batches=lambda epoch, start: iter([video]),
        val_batches=lambda: iter([video]),
        batches_without_augmentation=lambda: iter([video]),
        fit=lambda loss, train=None, val=lambda: [video]: given.extend([loss, *val()]),
    )
    phases.train_times(run)
    loss, batch = given
    _, logits = loss(model, batch)
    found = model_py.predict(model, video, settings)
    assert len({len(one["frames"]) for one in found.decisions}) > 2
    for head, probabilities in found.probabilities.items():
        torch.testing.assert_close(logits[head].softmax(1), probabilities)


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


def test_maps_show_what_was_seen_alone(monkeypatch):
    """Nothing of a skipped frame; of a pre-scanned one the blocks up to the one whose attention is read."""
    model, settings = sharp("tiny-s1-t4")
    monkeypatch.setattr(model_py, "_decide", lambda clip, settings: spread)
    video = clip(settings, 1)
    decision = model_py.predict(model, video, settings).decisions[0]
    full, scanned, skipped = (decision[name] for name in ("frames", "scanned", "skipped"))
    assert scanned and skipped
    place = {frame: number for number, frame in enumerate(video["indices"][0].tolist())}
    blank = {
        name: {frame for frame, number in place.items() if np.isnan(values[number].astype(float)).all()}
        for name, values in model_py.maps(model, video, settings).items()
    }
    layers = [name for name in blank if name.startswith("layer")]
    known = layers[: layers.index(settings.attention_layer) + 1]
    assert layers != known
    assert blank == {name: set(skipped) if name in known else set(skipped + scanned) for name in layers} | {
        "frames": set(),
        "attention": set(),
    }
    assert len(full) + len(scanned) + len(skipped) == len(place)
