"""Matrix products of fp32 numbers on a CPU by oneDNN. PyTorch hands those to MKL, which on processors of other makers
takes twice as long.

The operator is what torch.compile makes of a frozen linear layer; it isn't documented, so a PyTorch without it, or with
another of its name, multiplies as ever.
"""

import functools
from typing import Any

import torch
from torch import Tensor, nn

LINEAR: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
Shape = tuple[int, ...]


def multiply(left: Tensor, right: Tensor) -> Tensor:
    """(M, K) times (K, N), without gradients."""
    if left.device.type == "cpu" and left.dtype == torch.float32 and there():
        return _by_onednn(left, right)
    return left @ right


def _by_onednn(left: Tensor, right: Tensor) -> Tensor:
    if not right.T.is_contiguous():
        right = right.contiguous()  # rows that lie apart would be taken one number at a time
    found: Tensor = LINEAR.default(left.contiguous(), right.T, None, "none", [], "")
    return found


@functools.cache
def there() -> bool:
    """Whether this PyTorch has the operator and it still takes what is handed to it here."""
    ones = torch.arange(24.0, dtype=torch.float32, device="cpu")
    left, right = ones[:6].view(2, 3), ones.view(3, 8)
    try:
        return _by_onednn(left, right).equal(left @ right) and _by_onednn(right.T, left.T).equal(right.T @ left.T)
    except Exception:  # whatever PyTorch raises for an operator that isn't there or is another
        return False


@torch.library.custom_op("saccade::product", mutates_args=())
def product(left: Tensor, right: Tensor) -> Tensor:
    """`multiply` with gradients."""
    return multiply(left, right)


def product_macs(left: Shape, right: Shape, **others: Any) -> int:
    return left[0] * left[1] * right[1]


@product.register_fake
def _(left: Tensor, right: Tensor) -> Tensor:
    return left.new_empty(len(left), right.shape[1])


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _back(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
    (left, right), (of_left, of_right) = ctx.saved_tensors, ctx.needs_input_grad
    return product(gradient, right.T) if of_left else None, product(left.T, gradient) if of_right else None


product.register_autograd(_back, setup_context=_keep)


class Pointwise(nn.Conv2d):
    """A 1 x 1 convolution. On a CPU, that of one large fp32 image is a product by oneDNN."""

    def __init__(self, in_channels: int, out_channels: int, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        alone = x.ndim == 4 and x.shape[:2] == (1, self.in_channels) and x.dtype == self.weight.dtype == torch.float32
        if not alone or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
            return super().forward(x)
        found = product(self.weight.flatten(1), x.squeeze(0).flatten(1))
        if self.bias is not None:
            found += self.bias[:, None]
        return found.view(1, -1, *x.shape[2:])
