"""What only TSM can get wrong; the shift itself is tested in tests/test_shift.py, the contract in
tests/test_contract.py."""

import dataclasses
from pathlib import Path

import pytest
import torch

from saccade.cards.method import load_method
from saccade.engine.optimizer import make_optimizer
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
HEADS = (Head("verb", "single", ("a", "b", "c")),)


@pytest.fixture(scope="module")
def tsm():
    torch.manual_seed(0)
    model, settings = load_module(FOLDER / "model.py"), load_module(FOLDER / "settings.py")
    chosen = settings.Settings(
        num_frames=4, resize=0, crop=0, epochs=1, batch_size=2, lr=0.1, backbone="resnet18", width=0.125
    )
    return model.build(chosen, HEADS).eval()


@torch.inference_mode()
def test_the_order_of_frames_matters(tsm):
    rgb = torch.rand(1, 4, 3, 32, 32)
    assert not torch.allclose(tsm(rgb)["verb"], tsm(rgb.flip(1))["verb"])


@torch.inference_mode()
def test_the_score_of_a_video_is_the_mean_of_its_frames_scores(tsm):
    rgb = torch.rand(2, 4, 3, 32, 32)
    frames = tsm.average.classifiers["verb"](tsm.shifted(rgb))
    torch.testing.assert_close(tsm(rgb)["verb"], frames.mean(1))


@pytest.mark.parametrize("variant", ["resnet50-t8", "resnet50-t12", "mobilenet_v2-t8", "mobilenet_v2-t12"])
def test_every_point_takes_the_frames_that_the_variant_was_trained_on(variant):
    run = Run("paper", "motion-digits", "", "tsm", variant, 0)
    trained = resolve(ROOT, run, "train").typed.num_frames
    assert trained == int(variant.rpartition("t")[2])
    assert {resolve(ROOT, run, point=point).typed.num_frames for point in load_method(ROOT, "tsm").points} == {trained}


def test_the_published_rates_reach_the_classifiers_only():
    """TSM's code: five times the rate for the classifier's weights, ten times for its biases; neither biases nor
    normalisation decay."""
    run = Run("paper", "motion-digits", "", "tsm", "resnet50-t8", 0)
    settings = resolve(ROOT, run, "train").typed
    with torch.device("meta"):
        model = load_module(FOLDER / "model.py").TSM(dataclasses.replace(settings, weights="none"), HEADS)
    groups = make_optimizer(model, settings).param_groups
    sizes = {
        (group["factor"], group["weight_decay"]): sum(parameter.numel() for parameter in group["params"])
        for group in groups
    }
    assert sizes.pop((5, 5e-4)) == 2048 * 3 and sizes.pop((10, 0.0)) == 3
    assert sizes == {(1.0, 5e-4): 23_454_912, (1.0, 0.0): 53_120}  # ResNet-50's convolutions, and its normalisations
