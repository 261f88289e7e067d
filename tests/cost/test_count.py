"""The executed multiply-adds are those of hand-computed cases and of networks whose cost is known."""

from math import prod

import pytest
import torch
import torchvision
from torch import Tensor, library, nn

from saccade.cost.count import count, module_table
from saccade.cost.formulas import FORMULAS, attention_macs, gru_macs, recurrent_macs, register
from saccade.cost.forward import forward_macs, modules_stay
from saccade.nn.backbones import backbone
from saccade.records import SaccadeError

DEVICES = pytest.mark.parametrize("device", ["cpu", "meta"])
MODES = pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])


@pytest.mark.parametrize(
    ("name", "macs"),
    [  # torchvision's documentation gives 1.81, 4.09, 0.30, 0.22, 0.06 G for the same
        ("resnet18", 1_814_073_344),
        ("resnet50", 4_089_184_256),
        ("mobilenet_v2", 300_774_272),
        ("mobilenet_v3_large", 216_589_760),
        ("mobilenet_v3_small", 56_510_400),
    ],
)
def test_a_known_network_costs_what_is_known(name, macs):
    with torch.device("meta"):
        network = getattr(torchvision.models, name)().eval()
        assert count(network, torch.empty(1, 3, 224, 224)).macs == macs
        published = torchvision.models.get_model_weights(name).DEFAULT.meta["_ops"]
        assert macs / 1e9 == pytest.approx(published, abs=0.0006)


@pytest.mark.parametrize(("size", "gmacs"), [(96, 0.75070), (144, 1.75756), (224, 4.08714)])
def test_resnet50_without_head_by_input_size(size, gmacs):
    with torch.device("meta"):
        network = backbone("resnet50")[0].eval()
    assert count(network, torch.empty(1, 3, size, size, device="meta")).macs / 1e9 == pytest.approx(gmacs, abs=5e-6)


def test_a_batch_of_two_costs_twice_a_batch_of_one():
    network = backbone("resnet18", width=0.125)[0].eval()
    one, two = (count(network, torch.zeros(videos, 3, 32, 32)).macs for videos in (1, 2))
    assert two == 2 * one > 0


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_grouped_convolution_sees_only_its_group(groups):
    convolution = nn.Conv2d(4, 8, kernel_size=3, padding=1, groups=groups)
    assert count(convolution, torch.zeros(1, 4, 5, 7)).macs == 8 * 5 * 7 * (4 // groups) * 3 * 3


def test_a_transposed_convolution_pays_per_input_position():
    convolution = nn.ConvTranspose2d(4, 6, kernel_size=3, stride=2, groups=2)
    assert count(convolution, torch.zeros(1, 4, 5, 7)).macs == 5 * 7 * 4 * (6 // 2) * 3 * 3


def test_bias_normalisation_and_activation_cost_nothing():
    network = nn.Sequential(nn.Conv1d(2, 3, 1, bias=True), nn.BatchNorm1d(3), nn.ReLU(), nn.AdaptiveAvgPool1d(1))
    assert count(network, torch.zeros(1, 2, 10)).macs == 2 * 3 * 10


@DEVICES
@MODES
@pytest.mark.parametrize(
    ("network", "macs"),
    [
        (lambda: nn.LSTM(8, 16), recurrent_macs(4, 8, 16, 5 * 2)),
        (
            lambda: nn.LSTM(8, 16, num_layers=2, bidirectional=True),
            recurrent_macs(4, 8, 16, 5 * 2, num_layers=2, bidirectional=True),
        ),
        (lambda: nn.GRU(8, 16, num_layers=2), gru_macs(8, 16, 5 * 2, num_layers=2)),
        (lambda: nn.RNN(8, 16), recurrent_macs(1, 8, 16, 5 * 2)),
    ],
)
def test_recurrent_networks(network, macs, mode, device):
    with mode():
        assert count(network().to(device).eval(), torch.zeros(5, 2, 8, device=device)).macs == macs


@pytest.mark.parametrize(("cell", "gates"), [(nn.LSTMCell, 4), (nn.GRUCell, 3)])
def test_recurrent_cells(cell, gates):
    assert count(cell(8, 16), torch.zeros(2, 8)).macs == recurrent_macs(gates, 8, 16, steps=2)


def test_recurrent_formula_by_loop():
    """One multiply-add per weight of both matrices of every gate, layer, direction and step."""
    weights = sum(
        value.numel()
        for name, value in nn.LSTM(8, 16, num_layers=3, bidirectional=True).named_parameters()
        if "weight" in name
    )
    assert recurrent_macs(4, 8, 16, steps=7, num_layers=3, bidirectional=True) == 7 * weights


def test_the_fused_recurrent_network_of_gpus():
    """Dispatched by hand: on a GPU nn.LSTM calls this operator."""
    network, state = (
        nn.LSTM(8, 16, num_layers=2, bidirectional=True, device="meta"),
        torch.zeros(4, 2, 16, device="meta"),
    )
    # LSTM, hidden size, no projection, layers, ..., bidirectional
    settings = (2, 16, 0, 2, False, 0.0, False, True, [], None)
    steps, weights = torch.zeros(5, 2, 8, device="meta"), list(network.parameters())
    counted = count(torch.ops.aten._cudnn_rnn, steps, weights, 4, None, state, state, *settings)
    assert counted.operators == {"aten._cudnn_rnn": recurrent_macs(4, 8, 16, 5 * 2, num_layers=2, bidirectional=True)}


@pytest.mark.parametrize("kernel", ["efficient", "cudnn"])
def test_the_fused_attention_of_gpus(kernel):
    operator = getattr(torch.ops.aten, f"_scaled_dot_product_{kernel}_attention")
    tokens = torch.zeros(2, 4, 5, 8, device="meta")
    assert count(operator, tokens, tokens, tokens, None, False).macs == 2 * attention_macs(5, 5, 4 * 8)


@DEVICES
@MODES
def test_multihead_attention(mode, device):
    attention, tokens = (
        nn.MultiheadAttention(16, 4, batch_first=True).to(device).eval(),
        torch.zeros(2, 5, 16, device=device),
    )
    with mode():
        assert count(attention, tokens, tokens, tokens).macs == 2 * (
            4 * 5 * 16**2 + attention_macs(5, 5, 16)
        )  # four projections


def test_the_fast_path_of_attention_is_on_again_after_counting():
    before = torch.backends.mha.get_fastpath_enabled()
    count(nn.MultiheadAttention(4, 1).eval(), *[torch.zeros(2, 1, 4)] * 3)
    assert torch.backends.mha.get_fastpath_enabled() is before is True


@DEVICES
@MODES
@pytest.mark.parametrize("masked", [False, True])
def test_scaled_dot_product_attention(mode, device, masked):
    queries, keys, values = (
        torch.zeros(2, 4, length, features, device=device) for length, features in ((5, 8), (7, 8), (7, 6))
    )
    mask = torch.ones(5, 7, dtype=torch.bool, device=device) if masked else None
    with mode():
        macs = count(nn.functional.scaled_dot_product_attention, queries, keys, values, attn_mask=mask).macs
    assert macs == 2 * attention_macs(5, 7, 4 * 8, 4 * 6)


@DEVICES
@MODES
def test_einsum(mode, device):
    with mode():
        macs = count(
            torch.einsum, "btc,kc->btk", torch.zeros(2, 3, 4, device=device), torch.zeros(5, 4, device=device)
        ).macs
    assert macs == 2 * 3 * 4 * 5


@pytest.mark.parametrize(
    ("product", "shapes", "macs"),
    [
        (torch.mv, [(3, 4), (4,)], 12),
        (torch.dot, [(4,), (4,)], 4),
        (torch.addmv, [(3,), (3, 4), (4,)], 12),
        (torch.bmm, [(2, 3, 4), (2, 4, 5)], 120),
        (torch.baddbmm, [(2, 3, 5), (2, 3, 4), (2, 4, 5)], 120),
        (torch.addbmm, [(3, 5), (2, 3, 4), (2, 4, 5)], 120),
        (nn.functional.bilinear, [(2, 3), (2, 4), (5, 3, 4)], 2 * 5 * 3 * 4),
        (nn.functional.linear, [(4,), (3, 4)], 12),
    ],
)
def test_matrix_products(product, shapes, macs):
    assert count(product, *[torch.zeros(shape) for shape in shapes]).macs == macs


def test_work_that_is_masked_away_costs_its_full_price():
    convolution, frames = nn.Conv2d(3, 4, 1), torch.zeros(2, 3, 5, 5)
    keep = torch.tensor([1.0, 0.0]).view(2, 1, 1, 1)
    assert count(lambda: convolution(frames) * keep).macs == count(convolution, frames).macs


class Chooses(nn.Module):
    """Computes one of two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.cheap, self.dear = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3)

    def forward(self, frames: Tensor) -> Tensor:
        return self.cheap(frames) if frames.mean() < 0.5 else self.dear(frames)


def test_what_is_not_executed_is_not_counted():
    counted = count(Chooses(), torch.zeros(1, 3, 5, 5))
    assert counted.macs == 3 * 4 * 25
    assert set(counted.modules) == {"", "cheap"}


def test_the_result_of_the_call_is_given_back():
    assert count(torch.add, torch.ones(1), torch.ones(1)).result.item() == 2


def test_modules_are_named_by_their_path_in_the_model_that_is_an_argument():
    network = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Linear(2, 3)})
    counted = count(lambda model, x: model["b"](x) + model["b"](x), network, torch.zeros(1, 2))
    assert counted.modules == {"b": {"aten.addmm": 12}}
    assert counted.calls == {"b": 2}


def test_module_table():
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 6))
    table = module_table(count(network, torch.zeros(1, 2)))
    assert table.to_dict("split")["data"] == [
        ["", "Sequential", 24, 1.0, 1],
        ["0", "Linear", 6, 0.25, 1],
        ["1", "ReLU", 0, 0.0, 1],
        ["2", "Linear", 18, 0.75, 1],
    ]


def test_forward_macs_are_the_executed_ones_of_one_video():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 9, 2)).eval()
    assert forward_macs(network, (3, 5, 5)) == count(network, torch.zeros(1, 3, 5, 5)).macs > 0


def test_asking_what_a_forward_costs_is_not_counted_as_doing_it():
    class Asking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x):
            forward_macs(self.layer, x.shape[1:])
            return self.layer(x)

    counted = count(Asking(), torch.zeros(1, 4))
    assert counted.macs == 12
    assert counted.calls["layer"] == 1 and counted.modules["layer"] == {"aten.addmm": 12}


def test_forward_macs_notice_another_head():
    network = nn.Sequential(nn.Linear(4, 2))
    forward_macs(network, (4,))
    network[0] = nn.Linear(4, 3)
    assert forward_macs(network, (4,)) == 12


class OnlyInTraining(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        return self.layer(x) + (self.layer(x) if self.training else 0)


def test_forward_macs_are_looked_up_while_modules_stay():
    network = nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU())
    with modules_stay():
        first = forward_macs(network, (2, 5, 5))
        network[0] = nn.Conv2d(2, 3, 3)
        assert forward_macs(network, (2, 5, 5)) == first == 9 * 6 * 18
        assert forward_macs(network, (2, 4, 4)) == 4 * 3 * 18  # not asked before
    assert forward_macs(network, (2, 5, 5)) == 9 * 3 * 18


def test_forward_macs_notice_what_is_edited_in_place():
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.LazyLinear(4))
    network(torch.zeros(1, 2, 5, 5))
    assert forward_macs(network, (2, 5, 5)) == 9 * 54 + 27 * 4
    network[0].stride, network[2] = (2, 2), nn.Linear(12, 4)
    assert forward_macs(network, (2, 5, 5)) == 4 * 54 + 12 * 4
    network[2].weight = nn.Parameter(torch.zeros(2, 12))
    network[2].bias = None
    assert forward_macs(network, (2, 5, 5)) == 4 * 54 + 12 * 2
    network[0] = nn.Identity()
    network[2] = nn.Linear(50, 1)
    assert forward_macs(network, (2, 5, 5)) == 50


def test_forward_macs_notice_the_mode_of_a_module_inside():
    network = nn.Sequential(OnlyInTraining())
    assert forward_macs(network, (4,)) == 24
    network[0].eval()
    assert forward_macs(network, (4,)) == 12
    network[0].train()
    assert forward_macs(network, (4,)) == 24


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_forward_macs_are_the_same_in_every_type_of_number(dtype):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).to(dtype).eval()
    assert forward_macs(network, (3, 5, 5)) == 9 * 27 * 4


def test_forward_macs_count_once_while_nothing_changes(monkeypatch):
    network = nn.Linear(4, 3)
    assert forward_macs(network, (4,)) == 12
    monkeypatch.setattr("saccade.cost.forward.count", lambda *args: pytest.fail("counted again"))
    assert forward_macs(network, (4,)) == 12


@MODES
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardtanh, nn.Hardswish, nn.Sigmoid])
def test_shapes_given_at_once_are_those_that_are_computed(activation, training, mode):
    """Of normalisations and activations on the meta device, which aren't asked for them: shape, memory layout, type."""
    layers = [nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4), activation(), nn.Conv2d(4, 2, 2)]
    if activation is not nn.Sigmoid:
        layers.insert(1, activation(inplace=True))
    network = nn.Sequential(*layers).train(training).to(memory_format=torch.channels_last)
    x = torch.rand(2, 3, 9, 9).to(memory_format=torch.channels_last)
    with mode():
        real = count(network, x)
        network, x = network.to("meta"), x.to("meta")
        shapes, computed = count(network, x), network(x)
    assert (shapes.macs, shapes.modules, shapes.calls) == (real.macs, real.modules, real.calls)
    assert shapes.result.shape == computed.shape == real.result.shape
    assert (shapes.result.stride(), shapes.result.dtype) == (computed.stride(), computed.dtype)


@pytest.fixture(scope="module")
def rows_op():
    """A custom operator that multiplies each of n rows with a matrix; defined once, as torch remembers operators by
    name."""

    @library.custom_op("saccade_test::rows", mutates_args=())
    def rows(x: Tensor, weight: Tensor) -> Tensor:
        return torch.stack([row @ weight for row in x])

    return torch.ops.saccade_test.rows


@pytest.fixture
def gather_op(rows_op):
    """The operator, unregistered again afterwards."""
    yield rows_op
    FORMULAS.pop(rows_op, None)


def test_a_custom_operator_without_formula_is_refused_by_name(gather_op):
    with pytest.raises(SaccadeError, match=r"what saccade_test\.rows costs.*register"):
        count(gather_op, torch.zeros(3, 4), torch.zeros(4, 5))


def test_a_registered_formula_counts_what_a_loop_counts(gather_op):
    register(gather_op, lambda x, weight, **others: prod(x) * weight[-1])
    rows, weight = torch.zeros(3, 4), torch.zeros(4, 5)
    loop = sum(count(torch.matmul, row[None], weight).macs for row in rows)
    assert count(gather_op, rows, weight).macs == loop == 60


def test_only_operators_can_be_registered():
    with pytest.raises(SaccadeError, match=r"give torch\.ops"):
        register(torch.matmul, lambda *shapes, **others: 0)
