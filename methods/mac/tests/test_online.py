"""Watching frame by frame sees, decides, answers and costs what watching with all frames at hand does."""

import dataclasses

import pytest
import torch
from conftest import ROOT
from small_models import NORMS, clip, one, run_of
from torch import nn

from saccade.cost.count import count
from saccade.plan.layers import heads_of, resolve
from saccade.project import load_module
from saccade.records import SaccadeError

model_py = load_module(ROOT / "methods/mac/model.py")
online = load_module(ROOT / "methods/mac/networks/online.py")
times = load_module(ROOT / "methods/mac/networks/times.py")
RUN = run_of("mac", "tiny-s1-t4")
SLOTS = ("trajectories", "pairs", "activation")
SEEN = ("frames", "scanned", "decisions", "boxes", "fallback")


def finished(fusion="three", regions=2, skips=2, **more):
    """A small (S_k, T_M) as if trained, and its settings. Its attention has preferences, so that crops lie in many
    places, and decisions are drawn: random weights would make the same one always."""
    settings = dataclasses.replace(resolve(ROOT, RUN).typed, fusion=fusion, regions=regions, skips=skips, **more)
    settings = dataclasses.replace(settings, decide="sampled", low_size=48, region_size=16)
    torch.manual_seed(1)
    model = model_py.build(settings, heads_of(ROOT, RUN)).eval()
    for norm in model.modules():
        if isinstance(norm, NORMS):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
    with torch.no_grad():
        model.low_cnn.get_submodule(settings.attention_layer).sam.conv_w[-1].weight *= 100
    return model, settings


def both(model, settings, video):
    return (model_py.predict(model, video, dataclasses.replace(settings, online=form)) for form in (False, True))


def assert_alike(found, expected):
    for head, probabilities in expected.probabilities.items():
        torch.testing.assert_close(found.probabilities[head], probabilities, rtol=0, atol=1e-6)
    assert found.macs.equal(expected.macs) and found.frames.equal(expected.frames)
    for own, other in zip(found.decisions, expected.decisions, strict=True):
        assert {part: own.get(part) for part in SEEN} == {part: other.get(part) for part in SEEN}
        for part in ("similarity", "attention"):  # rounded to three digits
            mine, theirs = (torch.tensor(given.get(part, [])) for given in (own, other))
            torch.testing.assert_close(mine, theirs, rtol=0, atol=2e-3)


CASES = [
    *[("global", 0, skips, "trajectories") for skips in (1, 2, 4)],
    *[("three", 1, skips, "trajectories") for skips in (1, 2, 4)],
    *[(fusion, 2, skips, slots) for fusion in ("three", "all", "local") for skips in (1, 4) for slots in SLOTS],
    *[("three", 3, 2, slots) for slots in SLOTS],
]


@torch.inference_mode()
@pytest.mark.parametrize(("fusion", "regions", "skips", "slots"), CASES)
def test_online_and_offline_are_alike(fusion, regions, skips, slots):
    """S_0, S_1 and S_2 with one head and with three, decisions of every kind among them, through `predict`."""
    model, settings = finished(fusion, regions, skips, slots=slots)
    batch = clip(settings, 6)
    offline, found = both(model, settings, batch)
    assert {chosen for video in offline.decisions for chosen in video["decisions"]} == set(range(skips + 1))
    assert_alike(found, offline)
    counted = count(model_py.predict, model, one(batch, 3), dataclasses.replace(settings, online=True))
    assert counted.macs == counted.result.macs.item() == offline.macs[3]


def test_slots_decide_what_is_compared():
    """The three orders of crops that the test above goes through are three: they answer differently."""
    answers = []
    for slots in SLOTS:
        model, settings = finished("local", 3, 1, slots=slots)
        with torch.inference_mode():
            found = model_py.predict(model, clip(settings, 6), dataclasses.replace(settings, online=True))
        answers.append(found.decisions)
    assert all(one != other for one, other in zip(answers, answers[1:] + answers[:1], strict=True))


def watched(model, settings, video, row, decide, until=None):
    """A watcher that was given what it wanted of a video's first frames, which frames and sounds it fetched, and what
    became of each."""
    watcher, frames, sounds, fates = online.Watcher(model, settings, decide, row), [], [], []

    def hear(at):
        sounds.append(at)
        return video["audio"][row, at]

    for at in range(until or video["rgb"].shape[1]):
        if not watcher.wants:
            watcher.leave()
            fates.append(times.SKIPPED)
            continue
        frames.append(at)
        fates.append(watcher.see(video["rgb"][row, at], lambda at=at: hear(at)).fate)
    return watcher, frames, sounds, fates


def test_what_is_skipped_is_not_fetched_nor_heard():
    model, settings = finished(skips=4)
    video = clip(settings, 6)
    offline = model_py.predict(model, video, settings)
    kinds = set()
    for row, expected in enumerate(offline.decisions):
        _, frames, sounds, fates = watched(model, settings, video, row, model_py._decide(video, settings))
        assert sounds == expected["frames"] == [at for at, fate in enumerate(fates) if fate == times.FULL]
        assert frames == sorted(expected["frames"] + expected["scanned"])
        kinds |= set(fates)
    assert kinds == {times.FULL, times.SCANNED, times.SKIPPED}


@pytest.mark.parametrize("slots", SLOTS)
def test_an_answer_in_between_is_that_of_a_video_that_ends_there(slots):
    """And asking changes nothing: the same watcher is asked behind every frame."""
    model, settings = finished(skips=2, slots=slots)
    video = clip(settings, 2)
    watcher, decide = online.Watcher(model, settings, model_py._decide(video, settings), 1), model_py._decide
    for at in range(video["rgb"].shape[1]):
        if watcher.wants:
            watcher.see(video["rgb"][1, at], lambda at=at: video["audio"][1, at])
        else:
            watcher.leave()
        ended = video | {key: video[key][:, : at + 1] for key in ("rgb", "audio", "indices")}
        with torch.inference_mode():
            seen, logits = model_py.watch_offline(model, ended, settings, decide(video, settings))
        assert seen.way.fates.shape[1] == at + 1
        for head, scores in watcher.answer().items():
            torch.testing.assert_close(scores[0], logits[head][1], rtol=0, atol=1e-6)


def test_who_asks_out_of_turn_is_told():
    model, settings = finished(regions=1, skips=4)
    video = clip(settings, 1)
    frame, sound = video["rgb"][0, 0], lambda: video["audio"][0, 0]
    watcher = online.Watcher(model, settings, lambda scores, rows, at: torch.tensor([3]))
    with pytest.raises(SaccadeError, match="no frame was seen yet"):
        watcher.answer()
    with pytest.raises(SaccadeError, match="frame 0 is wanted"):
        watcher.leave()
    with pytest.raises(SaccadeError, match="frame 0 came without sound"):
        watcher.see(frame)
    watcher = online.Watcher(model, settings, lambda scores, rows, at: torch.tensor([3]))
    assert watcher.see(frame, sound).fate == times.FULL
    assert watcher.see(frame).fate == times.SCANNED  # whose sound nobody asks for
    with pytest.raises(SaccadeError, match="frame 2 isn't wanted, nor are 1 behind it"):
        watcher.see(frame, sound)
    watcher.leave()
    with pytest.raises(SaccadeError, match="frame 3 isn't wanted: "):
        watcher.see(frame, sound)
    watcher.leave()
    assert watcher.wants
    with pytest.raises(SaccadeError, match="set skips to 1 or more"):
        online.Watcher(model, dataclasses.replace(settings, skips=0))
    with pytest.raises(SaccadeError, match="skips is 0 and decide sampled: set"):
        model_py.predict(model, clip(settings, 1), dataclasses.replace(settings, skips=0, online=True))


def test_settings_that_no_camera_can_follow_are_refused():
    settings = finished(regions=1, skips=1)[1]
    with pytest.raises(ValueError, match="set look: learned"):
        dataclasses.replace(settings, look="central", online=True)
