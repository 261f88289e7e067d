"""The two counters agree where both see, and the gate names what one of them misses."""

import pytest
import torch
import torchvision
from torch import Tensor, nn

from saccade.cost import second_counter
from saccade.cost.formulas import FORMULAS, recurrent_macs
from saccade.records import SaccadeError


class Everything(nn.Module):
    """The parts at which single counters fail: fused LSTM, attention with and without module, einsum, matrix times
    vector."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(3, 8, 3, padding=1)
        self.lstm = nn.LSTM(8, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.gru = nn.GRU(16, 8, batch_first=True)
        self.cell = nn.LSTMCell(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.lstm(self.convolution(x).transpose(1, 2))[0]  # (B, T, 16)
        y = self.attention(y, y, y)[0]
        y = nn.functional.scaled_dot_product_attention(y, y, y)
        y = self.gru(y)[0]  # (B, T, 8)
        hidden, _ = self.cell(y[:, -1])  # (B, 8)
        return torch.einsum("ij,kj->ik", hidden, hidden) @ hidden[:, 0]


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_both_counters_see_everything(mode, device):
    network = Everything().to(device).eval()
    with mode():
        executed, static = second_counter.agree(network, torch.zeros(2, 3, 5, device=device))
    assert executed == static > 0


@pytest.mark.parametrize(("name", "known"), [("resnet50", 4_089_184_256), ("mobilenet_v2", 300_774_272)])
def test_the_static_counter_alone_knows_the_known_networks(name, known):
    with torch.device("meta"):
        network = getattr(torchvision.models, name)().eval()
        macs = sum(second_counter.static_parts(network, torch.empty(1, 3, 224, 224)).values())
    assert macs == known


def test_a_function_over_a_model_is_counted_as_called():
    network = nn.Linear(4, 3)
    executed, static = second_counter.agree(
        lambda model, x, times: sum(model(x) for _ in range(times)), network, torch.zeros(2, 4), times=3
    )
    assert executed == static == 3 * 2 * 4 * 3


def test_a_layer_used_through_its_weight_is_counted_once():
    network = nn.Linear(4, 3)
    assert second_counter.agree(
        lambda model, x: nn.functional.linear(x, model.weight, model.bias), network, torch.zeros(2, 4)
    ) == (24, 24)


def test_a_blind_counter_is_caught_and_the_module_named(monkeypatch):
    monkeypatch.delitem(FORMULAS, torch.ops.aten.mkldnn_rnn_layer)
    network = nn.Sequential(nn.Linear(4, 8), nn.LSTM(8, 16)).eval()
    with pytest.raises(
        second_counter.CostDisagreement,
        match=rf"module 1: 0 executed, {recurrent_macs(4, 8, 16, 5):,} by the static counter",
    ):
        second_counter.agree(network, torch.zeros(5, 1, 4))


def test_a_blind_static_counter_is_caught_and_the_operator_named(monkeypatch):
    monkeypatch.delitem(second_counter.STATIC_FORMULAS, torch.ops.aten.baddbmm)
    with pytest.raises(second_counter.CostDisagreement, match=r"aten\.baddbmm: 24 executed, 0 by the static counter"):
        second_counter.agree(torch.baddbmm, torch.zeros(1, 2, 3), torch.zeros(1, 2, 4), torch.zeros(1, 4, 3))


def test_a_small_blind_spot_in_a_large_network_is_caught(monkeypatch):
    """Less than 1 % of the whole, all of its module."""
    monkeypatch.delitem(FORMULAS, torch.ops.aten.mkldnn_rnn_layer)
    network = nn.Sequential(nn.Linear(256, 256), nn.Linear(256, 2), nn.LSTM(2, 2)).eval()
    with pytest.raises(second_counter.CostDisagreement, match="module 2"):
        second_counter.agree(network, torch.zeros(5, 1, 256))


def test_checking_leaves_the_model_as_it_was():
    network = nn.Sequential(nn.Linear(4, 3), nn.Dropout()).train()
    before = {path: set(vars(module)) for path, module in network.named_modules()}
    for _ in range(2):
        second_counter.agree(network, torch.zeros(1, 4))
    assert {path: set(vars(module)) for path, module in network.named_modules()} == before
    assert all(module.training for module in network.modules())


def test_errors_of_the_model_come_through():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        second_counter.static_parts(nn.Linear(4, 3), torch.zeros(1, 5))


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_a_projected_lstm_has_no_static_formula():
    with pytest.raises(SaccadeError, match="projected LSTM"):
        second_counter.static_parts(nn.LSTM(4, 8, proj_size=2), torch.zeros(3, 1, 4))
