"""Convolutions of a CPU by oneDNN alone: weights in its own layout, the activation behind it in the same call.

Left to itself, PyTorch lays the weights out anew at every call, takes a slow kernel of its own for small batches of 3D
convolutions (a depthwise 5x1x1 is 15 times as slow by it), and gives back plain memory from it, so that the next
convolution is slow, too. What is called here is what torch.compile makes of a frozen model; the operators are
PyTorch's, but not documented, so a PyTorch without them, or with others of these names, is left as it is. An activation
of oneDNN's makes a number of what is none (nan): only of a network that is broken, which the plain model shows.

3D convolutions that don't reach in all directions are handed over as 2D ones, of the same memory, where oneDNN is
faster at these.
"""

import functools
from typing import Any

import torch
from torch import Tensor, nn

from saccade.engine.device import LAYOUTS

# Of the activations that oneDNN computes together with a convolution: its name for them, and their constants.
ACTIVATIONS: dict[type[nn.Module], tuple[str, list[float]]] = {
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
    nn.SiLU: ("swish", []),
    nn.Hardswish: ("hardswish", []),
}
SPATIAL = (nn.Conv2d, nn.Conv3d)
CONVOLVE: Any = getattr(torch.ops.mkldnn, "_convolution_pointwise", None)
LAY_OUT: Any = getattr(torch.ops.mkldnn, "_reorder_convolution_weight", None)
DESCRIBE: Any = getattr(torch.ops.mkldnn, "_get_mkldnn_serialized_md", None)


def can_pack(convolution: nn.Module) -> bool:
    """Whether oneDNN can compute it here: an unchanged 2D or 3D convolution of fp32 numbers on a CPU, padded with
    zeros by numbers."""
    return (
        type(convolution) in SPATIAL
        and "forward" not in vars(convolution)
        and convolution.weight.device.type == "cpu"
        and convolution.weight.dtype == torch.float32
        and convolution.padding_mode == "zeros"
        and not isinstance(convolution.padding, str)
        and torch.backends.mkldnn.is_available()
        and there()
    )


@functools.cache
def there() -> bool:
    """Whether this PyTorch has the operators and they still take what is handed to them here."""
    ones, geometry = torch.ones(1, 1, 2, 2), ((0, 0), (1, 1), (1, 1), 1)
    try:
        weight = LAY_OUT.default(torch.ones(1, 1, 1, 1), *geometry, [1, 1, 2, 2])
        DESCRIBE.default(weight).numpy()
        found: Tensor = CONVOLVE.default(ones, weight, None, *geometry, "relu", [], "")
        return bool(found.equal(ones))
    except Exception:  # whatever PyTorch raises for an operator that isn't there or is another
        return False


def merged_of(convolution: Any) -> int | None:
    """Which dimension of (B, T, H, W, C) and the one behind it a 3D convolution leaves as they are, so that they may be
    one of pictures; None where it changes both height and width, and time."""
    if convolution.weight.ndim != 5:
        return None
    sizes = zip(convolution.kernel_size, convolution.stride, convolution.padding, strict=True)
    time, *space = (size == (1, 1, 0) for size in sizes)
    return 0 if time else 2 if all(space) else None


class Packed:
    """Takes the place of a convolution's `forward`; its name, hooks and parameters stay. `activation`: what follows it
    in the same call."""

    def __init__(self, convolution: Any, activation: nn.Module | None = None) -> None:
        self.convolution = convolution
        self.activation = activation
        self.following = ACTIVATIONS[type(activation)] if activation is not None else ("none", [])
        self.layout = LAYOUTS[convolution.weight.ndim]
        self.merged = merged_of(convolution)
        lengths = convolution.padding, convolution.stride, convolution.dilation
        kept = slice(1, None) if self.merged == 0 else slice(2)
        self.geometry = {convolution.weight.ndim: (*lengths, convolution.groups)}  # by the number of dimensions
        if self.merged is not None:
            self.geometry[4] = (*(length[kept] for length in lengths), convolution.groups)
        self.laid_out: dict[torch.Size, Tensor] = {}  # the weights as oneDNN wants them for inputs of a shape
        self.layouts: dict[bytes, Tensor] = {}  # of which there are fewer

    def __call__(self, features: Tensor) -> Tensor:
        convolution = self.convolution
        # asked for the price, autocast, no batch
        plain = features.device.type != "cpu" or features.dtype != torch.float32
        if plain or features.ndim != convolution.weight.ndim:
            found: Tensor = type(convolution).forward(convolution, features)
            return found if self.activation is None else self.activation(found)
        features = features.contiguous(memory_format=self.layout)
        return self._of_pictures(features) if self._wants_pictures(features) else self._convolved(features)

    def _wants_pictures(self, features: Tensor) -> bool:
        """A single video takes as long either way, unless oneDNN has no 3D kernel for it but its general one."""
        if self.merged is None:
            return False
        return len(features) > 1 or (self.convolution.groups > 1 and self.convolution.dilation[0] > 1)

    def _of_pictures(self, features: Tensor) -> Tensor:
        last, first = features.movedim(1, -1), self.merged or 0  # (B, T, H, W, C)
        found = self._convolved(last.flatten(first, first + 1).movedim(-1, 1))
        return found.movedim(1, -1).unflatten(first, last.shape[first : first + 2]).movedim(-1, 1)

    def _convolved(self, features: Tensor) -> Tensor:
        weight, geometry = self._weight(features.shape), self.geometry[features.ndim]
        found: Tensor = CONVOLVE.default(features, weight, self.convolution.bias, *geometry, *self.following, "")
        return found

    def _weight(self, shape: torch.Size) -> Tensor:
        """Laid out for inputs of the shape: in another shape's layout they would be laid out anew at every call."""
        if shape not in self.laid_out:
            weight = self.convolution.weight
            if len(shape) < weight.ndim:
                weight = weight.squeeze(2 if self.merged == 0 else 4)
            weight = LAY_OUT.default(weight.contiguous(), *self.geometry[len(shape)], list(shape))
            layout = DESCRIBE.default(weight).numpy().tobytes()
            self.laid_out[shape] = self.layouts.setdefault(layout, weight)
        return self.laid_out[shape]
