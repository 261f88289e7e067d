"""What recurrent networks, attention and other operators cost in multiply-adds (MACs), by formula: those that torch's
FlopCounterMode counts as nothing, and custom ones, which are registered here."""

from collections.abc import Callable
from math import prod
from typing import Any

import torch

from saccade.nn import local_attention, product, weighing
from saccade.records import SaccadeError

aten = torch.ops.aten

Shape = tuple[int, ...]


def recurrent_macs(
    gates: int, input_size: int, hidden_size: int, steps: int, num_layers: int = 1, bidirectional: bool = False
) -> int:
    """MACs of `steps` time steps (times batch size) of a plain (1 gate), GRU (3) or LSTM (4) network; no projection."""
    directions = 2 if bidirectional else 1
    widths = [input_size] + [hidden_size * directions] * (num_layers - 1)
    return steps * directions * sum(gates * hidden_size * (width + hidden_size) for width in widths)


def gru_macs(input_size: int, hidden_size: int, steps: int, num_layers: int = 1, bidirectional: bool = False) -> int:
    return recurrent_macs(3, input_size, hidden_size, steps, num_layers, bidirectional)


def attention_macs(queries: int, keys: int, features: int, value_features: int | None = None) -> int:
    """MACs of softmax(QK')V without projections, all heads together: `features` is heads x features per head."""
    return queries * keys * (features + (features if value_features is None else value_features))


def _fused_layer(x: Shape, w_input: Shape, w_hidden: Shape, *rest: Any, **others: Any) -> int:
    return prod(x[:-1]) * (prod(w_input) + prod(w_hidden))


def _fused_network(x: Shape, weights: list[Shape], *rest: Any, **others: Any) -> int:
    return prod(x[:-1]) * sum(prod(weight) for weight in weights if len(weight) == 2)  # the others are biases


def scaled_attention(q: Shape, k: Shape, v: Shape, *rest: Any, **others: Any) -> int:
    """MACs from the shapes (B, heads, length, features per head) of torch's fused attention operators."""
    return prod(q[:-2]) * attention_macs(q[-2], k[-2], q[-1], v[-1])


def _convolution(x: Shape, weight: Shape, *rest: Any, out_shape: Shape, **others: Any) -> int:
    return x[0] * prod(out_shape[2:]) * prod(weight)


def _bilinear(x: Shape, weight: Shape, *rest: Any, **others: Any) -> int:
    return x[0] * prod(weight)


# Operators that FlopCounterMode counts as nothing: packet -> MACs from the shapes of the operator's tensors.
FORMULAS: dict[Any, Callable[..., int]] = {
    aten.mkldnn_rnn_layer: _fused_layer,  # LSTM on the CPU
    aten._cudnn_rnn: _fused_network,
    aten.miopen_rnn: _fused_network,
    aten._scaled_dot_product_fused_attention_overrideable: scaled_attention,
    aten.mv: lambda matrix, vector, **others: prod(matrix),
    aten.dot: lambda x, y, **others: prod(x),
    aten.addmv: lambda added, matrix, vector, **others: prod(matrix),
    aten.addbmm: lambda added, x, y, **others: prod(x) * y[-1],
    aten._trilinear: _bilinear,
    torch.ops.saccade.product: product.product_macs,
    torch.ops.saccade.weigh: weighing.weigh_macs,
    torch.ops.saccade.weigh_backward: weighing.weigh_backward_macs,
    torch.ops.saccade.aggregate: local_attention.aggregate_macs,
    torch.ops.saccade.aggregate_backward: local_attention.aggregate_backward_macs,
}
# What fast inference on a CPU calls (timing/packed.py), where this PyTorch has it: convolving, and laying weights out.
ONEDNN = {
    "_convolution_pointwise": _convolution,
    "_reorder_convolution_weight": lambda *rest, **others: 0,
    "_get_mkldnn_serialized_md": lambda *rest, **others: 0,
}
FORMULAS |= {
    getattr(torch.ops.mkldnn, name): formula for name, formula in ONEDNN.items() if hasattr(torch.ops.mkldnn, name)
}


def register(op: Any, formula: Callable[..., int]) -> None:
    """Give a custom operator its cost: `formula(*arguments, out_shape=, **keywords)` in MACs, with shapes in place of
    tensors.

    `op` is a packet such as `torch.ops.mylib.gather`. Both counters believe the formula, so a test has to compare it
    with a loop.
    """
    packet = getattr(op, "overloadpacket", op)
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        raise SaccadeError(f"register: {op!r} is not an operator; give torch.ops.<library>.<name>")
    FORMULAS[packet] = formula
