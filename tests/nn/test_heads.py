"""What stands behind a backbone: the average of frames, and the recurrent classifier."""

import pytest
import torch

from saccade.cost import second_counter
from saccade.cost.count import count
from saccade.cost.formulas import gru_macs
from saccade.nn.heads import FrameAverage, RecurrentClassifier, probabilities
from saccade.nn.losses import classification_loss, stepwise_loss
from saccade.records import Head

HEADS = (Head("noun", "single", ("a", "b", "c")), Head("tags", "multi", ("x", "y")))


@pytest.fixture
def recurrent():
    torch.manual_seed(0)
    return RecurrentClassifier(5, HEADS, dropout=0.5, hidden_size=4).eval()


@torch.inference_mode()
def test_the_gru_by_its_equations(recurrent):
    """Cho et al. 2014 as PyTorch writes it, from a state of zeros; a linear layer on the state of every step."""
    features = torch.randn(2, 3, 5)
    weights = dict(recurrent.gru.named_parameters())
    state = torch.zeros(2, 4)
    for step in range(3):
        x = (features[:, step] @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]).chunk(3, 1)
        h = (state @ weights["weight_hh_l0"].T + weights["bias_hh_l0"]).chunk(3, 1)
        reset, update = (x[0] + h[0]).sigmoid(), (x[1] + h[1]).sigmoid()
        state = (1 - update) * (x[2] + reset * h[2]).tanh() + update * state
        torch.testing.assert_close(recurrent(features)["noun"][:, step], recurrent.classifiers["noun"](state))


@torch.inference_mode()
def test_a_step_knows_the_frames_before_it_only(recurrent):
    features = torch.randn(1, 4, 5)
    whole = recurrent(features)["noun"]
    torch.testing.assert_close(recurrent(features[:, :2])["noun"], whole[:, :2])
    assert not torch.allclose(recurrent(features.flip(1))["noun"][:, -1], whole[:, -1])


@torch.inference_mode()
def test_a_classifier_goes_on_from_the_state_that_it_left(recurrent):
    features = torch.randn(2, 5, recurrent.gru.input_size)
    whole = recurrent.states(features)
    first = recurrent.states(features[:, :3])
    rest = recurrent.states(features[:, 3:], first[:, -1])
    torch.testing.assert_close(torch.cat([first, rest], dim=1), whole)


@torch.inference_mode()
def test_adafocus_classifier_costs_what_its_formula_says():
    """3 H (D + H) and H K per step; both counters agree."""
    head = Head("noun", "single", tuple(map(str, range(200))))
    with torch.device("meta"):
        network = RecurrentClassifier(3328, (head,), dropout=0.8).eval()
        per_step = gru_macs(3328, 1024, steps=1) + 1024 * 200
        assert count(network, torch.empty(2, 16, 3328)).macs == 2 * 16 * per_step
    small = RecurrentClassifier(6, (head,), dropout=0.8, hidden_size=4).eval()
    executed, static = second_counter.agree(small, torch.randn(1, 3, 6))
    assert executed == static == 3 * (gru_macs(6, 4, steps=1) + 4 * 200)


@torch.inference_mode()
def test_the_average_is_taken_of_logits():
    torch.manual_seed(0)
    network = FrameAverage(5, HEADS, dropout=0.5).eval()
    features = torch.randn(2, 3, 5)
    torch.testing.assert_close(network(features)["noun"], network.classifiers["noun"](features.mean(1)))


def test_one_label_gives_a_distribution_and_many_labels_give_independent_probabilities():
    logits = {"noun": torch.randn(2, 3), "tags": torch.randn(2, 2)}
    found = probabilities(logits, HEADS)
    torch.testing.assert_close(found["noun"], logits["noun"].exp() / logits["noun"].exp().sum(1, keepdim=True))
    torch.testing.assert_close(found["tags"], 1 / (1 + (-logits["tags"]).exp()))


def test_the_stepwise_loss_is_the_mean_of_the_steps_losses():
    logits = {"noun": torch.randn(4, 3, 5), "tags": torch.randn(4, 3, 2)}
    labels = {"noun": torch.tensor([0, 1, 2, 4]), "tags": torch.randint(2, (4, 2)).float()}
    each = [classification_loss({head: value[:, step] for head, value in logits.items()}, labels) for step in range(3)]
    torch.testing.assert_close(stepwise_loss(logits, labels), torch.stack(each).mean())


def test_the_weight_of_a_head_scales_its_loss():
    logits, labels = (
        {"noun": torch.randn(4, 5), "tags": torch.randn(4, 2)},
        {"noun": torch.tensor([0, 1, 2, 4]), "tags": torch.ones(4, 2)},
    )
    noun, tags = (classification_loss({head: logits[head]}, labels) for head in ("noun", "tags"))
    torch.testing.assert_close(classification_loss(logits, labels, {"tags": 0.1}), noun + 0.1 * tags)
