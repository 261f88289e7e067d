"""The gates: what training multiplies timesteps by, what is expected of them, and which are open at test time; and
self-attention that leaves timesteps out."""

import math
from pathlib import Path

import pytest
import torch

from saccade.project import load_module

FOLDER = Path(__file__).parents[1]
selector, attention, network = (
    load_module(FOLDER / f"networks/{name}.py") for name in ("selector", "attention", "epitoma")
)
Settings = load_module(FOLDER / "settings.py").Settings
ANY = {"num_frames": 8, "resize": 0, "crop": 0, "epochs": 1, "batch_size": 2, "lr": 0.1}


def settings(**chosen):
    return Settings(**{**ANY, "concepts": 4, "gate_hidden": 3, **chosen})


def gated(values, **chosen):
    """The gates of one video without noise, and the gradients of their sum."""
    alpha = torch.tensor([values], requires_grad=True)
    found = selector.gates(alpha, settings(**chosen), None)
    found.sum().backward()
    return found.tolist()[0], alpha.grad.tolist()[0]


LOW, HIGH = -math.log(3), math.log(3)  # whose sigmoids are a quarter and three quarters


def test_the_clipped_sigmoid_is_the_sigmoid_from_a_half_on_and_0_below():
    """Its gradient is s (1 - s) where it is open and 0 where it is closed."""
    values, gradients = gated([LOW, 0.0, HIGH])
    assert values == pytest.approx([0.0, 0.5, 0.75])
    assert gradients == pytest.approx([0.0, 0.25, 0.1875])


@pytest.mark.parametrize(
    ("chosen", "values", "gradients"),
    [
        ({"activation": "binary"}, [0.0, 1.0, 1.0], [0.1875, 0.25, 0.1875]),
        ({"activation": "sigmoid", "l0_weight": 0.0}, [0.25, 0.5, 0.75], [0.1875, 0.25, 0.1875]),
        ({"activation": "relu"}, [0.0, 0.0, HIGH], [0.0, 0.0, 1.0]),
        ({"temperature": 2.0}, [0.0, 0.5, 3**0.5 / (1 + 3**0.5)], [0.0, 0.125, 0.5 * 3**0.5 / (1 + 3**0.5) ** 2]),
    ],
)
def test_other_activations(chosen, values, gradients):
    found = gated([LOW, 0.0, HIGH], **chosen)
    assert found[0] == pytest.approx(values, abs=1e-6)
    assert found[1] == pytest.approx(gradients, abs=1e-6)


@pytest.mark.parametrize(
    ("chosen", "value", "gradient"),
    [
        ({}, 0.5, 0.25),
        ({"temperature": 2.0}, 0.5, 0.125),
        ({"activation": "binary"}, 1.0, 0.25),
        ({"activation": "relu"}, 1.0, 1.0),
    ],
)
def test_where_all_gates_are_closed_the_best_one_stays_and_can_open(chosen, value, gradient):
    values, gradients = gated([-3.0, -1.0, -2.0], **chosen)
    assert values == [0.0, value, 0.0] and gradients[1] == gradient
    assert selector.step(torch.tensor([[-3.0, -1.0, -2.0]])).tolist() == [[False, True, False]]


def test_at_test_time_a_gate_is_a_step_at_0():
    assert selector.step(torch.tensor([[-0.1, 0.0, 0.1]])).tolist() == [[False, True, True]]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_expected_share_is_how_often_gates_open_under_the_noise(temperature):
    """Of 20,000 draws, within four standard deviations, at any temperature."""
    alpha = torch.tensor([[-2.0, 0.0, 0.7, 3.0]])
    generator = torch.Generator().manual_seed(0)
    many = alpha.expand(20_000, 4)
    opened = (selector.gates(many, settings(temperature=temperature), generator) > 0).double().mean(0)
    expected = [1 / (1 + math.exp(-value)) for value in alpha[0].tolist()]
    # a video whose gates are all closed keeps its best, the last one
    closed = math.prod(1 - share for share in expected)
    expected_last = expected[3] + closed
    assert opened[:3].tolist() == pytest.approx(expected[:3], abs=4 * 0.5 / 20_000**0.5)
    assert opened[3].item() == pytest.approx(expected_last, abs=4 * 0.5 / 20_000**0.5)
    assert selector.expected_share(alpha).item() == pytest.approx(sum(expected) / 4)


def test_the_gate_starts_open():
    torch.manual_seed(0)
    alpha = selector.Selector(6, settings())(torch.zeros(1, 5, 6))
    assert (alpha > 0).all()


def test_only_the_selector_with_context_knows_the_other_timesteps():
    """Once its projection back has left its start of zero."""
    for context in (True, False):
        torch.manual_seed(0)
        net = selector.Selector(6, settings(context=context)).eval()
        if context:
            torch.nn.init.normal_(net.context.back.weight)
        features = torch.randn(1, 5, 6)
        other = features.clone()
        other[0, 4] += 1
        moved = (net(features) - net(other)).abs()[0, :4].max()
        assert (moved > 1e-4) == context


# ---- self-attention


def attended():
    torch.manual_seed(1)
    net = attention.SelfAttention(4)
    torch.nn.init.normal_(net.back.weight)
    return net.eval()


def test_self_attention_is_the_equation_of_non_local_networks():
    net, features = attended(), torch.randn(1, 3, 4)
    for row in range(3):
        x = features[0]
        scores = torch.stack([net.query(x[row]) @ net.key(x[other]) / 2**0.5 for other in range(3)])
        weights = torch.exp(scores) / torch.exp(scores).sum()
        gathered = sum(weight * net.value(x[other]) for other, weight in enumerate(weights))
        torch.testing.assert_close(net(features)[0, row], x[row] + net.back(gathered))


def test_it_starts_as_the_identity():
    features = torch.randn(2, 3, 4)
    assert torch.equal(attention.SelfAttention(4)(features), features)


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_timesteps_that_are_masked_leak_nowhere(pooling):
    """Whatever stands in their place, scores are those of the timesteps that are there, alone."""
    torch.manual_seed(2)
    heads = (load_module(FOLDER / "model.py").Head("label", "single", ("a", "b", "c")),)
    net = network.TimestepClassifier(4, heads, settings(hidden=5, pooling=pooling)).eval()
    torch.nn.init.normal_(net.attention.back.weight)
    features, there = (
        torch.randn(2, 5, 4),
        torch.tensor([[True, False, True, True, False], [False, True] + [False] * 3]),
    )
    loud = torch.where(there[..., None], features, 1e3)
    for masked in (features, loud):
        found = net(masked, there)["label"]
        for video in range(2):
            alone = net(features[video, there[video]][None])["label"][0]
            torch.testing.assert_close(found[video], alone, rtol=0, atol=1e-5)
