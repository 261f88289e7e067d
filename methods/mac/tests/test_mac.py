"""What only the spatial sampler can get wrong: what it looks at, and what it leaves alone."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import ROOT
from small_models import clip, finished, run_of

from saccade.nn.san import small_san
from saccade.plan.layers import resolve
from saccade.project import load_module
from saccade.records import SaccadeError


def model_py():
    return load_module(ROOT / "methods/mac/model.py")


@torch.inference_mode()
def test_a_point_takes_its_own_crops():
    """The same weights, other crops: each point's `look` is heard."""
    run = run_of("mac", "tiny-s1")
    model, _ = finished(run)
    boxes = {}
    for point in ("whole", "random", "oracle"):
        settings = resolve(ROOT, run, point=point).typed
        found = model_py().predict(model, clip(settings, 1), settings)
        boxes[point] = found.decisions[0]["boxes"]
        assert ("attention" in found.decisions[0]) == (point == "whole")
    assert boxes["whole"] != boxes["random"] != boxes["oracle"] != boxes["whole"]


@torch.inference_mode()
def test_crops_alone_stop_behind_the_attention():
    """A head that reads no whole frames costs the frames up to the block whose attention is read, and no more."""
    run = run_of("mac", "tiny-s2-local")
    model, settings = finished(run)
    before = model_py().predict(model, clip(settings, 1), settings).macs
    central = dataclasses.replace(settings, look="central")
    without = model_py().predict(model, clip(settings, 1), central).macs
    whole = model_py()._low_macs(model, clip(settings, 1)) * clip(settings, 1)["rgb"].shape[1]
    assert 0 < (before - without).item() < whole


def test_low_resolution_enlarges_nothing():
    model, settings = finished(run_of("mac", "tiny-s0-60"))  # frames of 48
    with pytest.raises(SaccadeError, match="low_size is 60, larger than the frames of 48 x 48; set it to 48 or less"):
        model_py().predict(model, clip(settings, 1), settings)


def test_a_layer_that_is_not_there_is_named_with_those_that_are():
    network = small_san()
    with pytest.raises(SaccadeError, match=r"there is no attention layer 'layer3.0'; there are layer0.0, layer1.0"):
        network.footprint("layer3.0")


def test_crops_that_are_asked_for_must_be_counted():
    settings = resolve(ROOT, run_of("mac", "tiny-s1")).typed
    with pytest.raises(ValueError, match="regions is 0: give their number"):
        dataclasses.replace(settings, regions=0)


def test_the_maps_of_a_video_lie_over_its_frames():
    """`try` draws them: the frames, the attention that chose over them, and that of every block."""
    model, settings = finished(run_of("mac", "tiny-s1"))
    shown = model_py().maps(model, clip(settings, 1), settings)
    assert list(shown) == ["frames", "attention", "layer0.0", "layer1.0", "layer2.0"]
    assert shown["attention"].shape == shown["frames"].shape
    assert shown["attention"].dtype == shown["frames"].dtype == np.uint8
    chosen = shown[settings.attention_layer]
    brightest = np.unravel_index(chosen[0, 0].argmax(), chosen.shape[2:])
    red = shown["attention"][0, ..., 0].astype(int) - shown["attention"][0, ..., 2]
    cell = red.shape[0] // chosen.shape[2]
    means = red.reshape(chosen.shape[2], cell, chosen.shape[3], cell).mean((1, 3))
    assert means[brightest] > np.median(means)
