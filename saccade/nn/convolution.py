"""3D convolutions in forms that a CPU trains faster: the same products summed in another order, so equal to
nn.Conv3d's within rounding, its gradients included.

oneDNN has kernels of their own for the forward pass of a depthwise 3D convolution and for all passes of 2D ones, but
takes the gradients of a depthwise 3D convolution by its general kernel, some thirty times as long. Here they are put
together from what is fast: the input's is a forward pass, the weights' are gradients of 2D convolutions. Kernels of
1x1x1 and kx1x1 become matrix products and 2D convolutions. benchmarks/training.py times a step with and without.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_weight, conv3d_weight

Triple = tuple[int, ...]  # of time, height and width
Form = Callable[[nn.Conv3d, Tensor], Tensor]


def quicken(model: nn.Module) -> nn.Module:
    """The model, whose 3D convolutions have got, in place, the forms that a CPU trains faster. Without gradients, under
    autocast and on other devices they compute as before. Types, names, hooks and weights stay."""
    for module in model.modules():
        if type(module) is nn.Conv3d and (form := form_of(module)):
            module.forward = functools.partial(_forward, form, module)  # type: ignore[method-assign]
    return model


def form_of(convolution: nn.Conv3d) -> Form | None:
    """The form that pays for this convolution; None where the plain one is as fast or none of them fits."""
    kernel, stride, padding = convolution.kernel_size, convolution.stride, convolution.padding
    if isinstance(padding, str) or convolution.padding_mode != "zeros":
        return None
    if kernel == (1, 1, 1):
        return pointwise if convolution.groups == 1 and max(padding) == 0 else None
    if kernel[1:] == stride[1:] == (1, 1) and padding[1:] == (0, 0):
        return temporal
    if convolution.dilation != (1, 1, 1):
        return None
    keeps_frames = stride[0] == 1 and 2 * padding[0] == kernel[0] - 1
    within = all(pad < size for pad, size in zip(padding, kernel, strict=True))
    alone = convolution.groups == convolution.in_channels == convolution.out_channels > 1
    return depthwise if alone and within and keeps_frames else None


def _forward(form: Form, convolution: nn.Conv3d, features: Tensor) -> Tensor:
    learns = torch.is_grad_enabled() and (features.requires_grad or convolution.weight.requires_grad)
    if learns and features.device.type == "cpu" and features.ndim == 5 and not torch.is_autocast_enabled("cpu"):
        return form(convolution, features)
    return type(convolution).forward(convolution, features)


def pointwise(convolution: nn.Conv3d, features: Tensor) -> Tensor:
    """A 1x1x1 convolution as a matrix product over the channels, which lie last in memory."""
    if max(convolution.stride) > 1:
        features = Sampled.apply(features, convolution.stride)  # type: ignore[no-untyped-call]
    last = features.permute(0, 2, 3, 4, 1)  # (B, T, H, W, C)
    return functional.linear(last, convolution.weight.flatten(1), convolution.bias).permute(0, 4, 1, 2, 3)


class Sampled(torch.autograd.Function):
    """What lies in the places of a stride. Indexing computes the same, its gradient in a memory that is slower here."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, stride: Triple) -> Tensor:  # type: ignore[override]
        ctx.stride, ctx.sizes = stride, features.shape[2:]
        taken = features[:, :, :: stride[0], :: stride[1], :: stride[2]]
        return taken.contiguous(memory_format=torch.channels_last_3d)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return spread(gradient, ctx.stride, ctx.sizes), None


def spread(values: Tensor, stride: Triple, sizes: Sequence[int]) -> Tensor:
    """(B, C, T, H, W) into the places of the stride among zeros, (B, C, *sizes)."""
    found = values.new_zeros(len(values), *sizes, values.shape[1]).permute(0, 4, 1, 2, 3)
    found[:, :, :: stride[0], :: stride[1], :: stride[2]] = values
    return found


def temporal(convolution: nn.Conv3d, features: Tensor) -> Tensor:
    """A kx1x1 convolution as one of pictures that are T high and H * W wide."""
    stride, padding = (convolution.stride[0], 1), (int(convolution.padding[0]), 0)
    dilation = (convolution.dilation[0], 1)
    pictures, weight = features.flatten(3), convolution.weight.squeeze(4)  # (B, C, T, H*W), (K, C, k, 1)
    found = functional.conv2d(pictures, weight, convolution.bias, stride, padding, dilation, convolution.groups)
    return found.unflatten(3, features.shape[3:])  # (B, K, T, H, W)


def depthwise(convolution: nn.Conv3d, features: Tensor) -> Tensor:
    """A convolution of each channel on its own which keeps the number of frames."""
    rest = convolution.weight, convolution.bias, convolution.stride, convolution.padding
    found: Tensor = Depthwise.apply(features, *rest)  # type: ignore[no-untyped-call]
    return found


class Depthwise(torch.autograd.Function):
    """A depthwise convolution with the gradients below."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, stride: Triple, padding: Triple
    ) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv3d(features, weight, bias, stride, padding, 1, len(weight))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        features, weight = ctx.saved_tensors
        of_features, of_weight, of_bias = ctx.needs_input_grad[:3]
        return (
            input_gradient(gradient, features, weight, ctx.stride, ctx.padding) if of_features else None,
            weight_gradient(gradient, features, weight, ctx.stride, ctx.padding) if of_weight else None,
            gradient.sum((0, 2, 3, 4)) if of_bias else None,
            None,
            None,
        )


def input_gradient(gradient: Tensor, features: Tensor, weight: Tensor, stride: Triple, padding: Triple) -> Tensor:
    """The output's gradient, convolved with the mirrored kernel; where the stride leaves places out stand zeros."""
    kernel = weight.shape[2:]
    if max(stride) > 1:
        sizes = zip(features.shape[2:], padding, kernel, strict=True)
        gradient = spread(gradient, stride, [size + 2 * pad - length + 1 for size, pad, length in sizes])
    mirrored = weight.flip(2, 3, 4).contiguous(memory_format=torch.channels_last_3d)
    rest = [length - 1 - pad for length, pad in zip(kernel, padding, strict=True)]
    return functional.conv3d(gradient, mirrored, None, 1, rest, 1, len(weight))


def weight_gradient(gradient: Tensor, features: Tensor, weight: Tensor, stride: Triple, padding: Triple) -> Tensor:
    """Of each step over time of the kernel (`weight`, (C, 1, k, h, w)) the gradient of a 2D convolution, of the frames
    that meet there."""
    length, *space = weight.shape[2:]
    frames, groups = gradient.shape[2], len(weight)
    if any(size < across for size, across in zip(gradient.shape[3:], space, strict=True)):  # oneDNN's would be slower
        return conv3d_weight(features, weight.shape, gradient, stride, padding, 1, groups)  # type: ignore[no-any-return, no-untyped-call]
    seen, answers = as_pictures(features), as_pictures(gradient)
    shape, slices = (groups, 1, *space), []
    for shift in range(-padding[0], length - padding[0]):  # frame t of the output has met frame t + shift of the input
        if abs(shift) < frames:
            met, answer = shifted(seen, answers, frames, shift)
            slices.append(conv2d_weight(met, shape, answer, stride[1:], padding[1:], 1, groups))  # type: ignore[no-untyped-call]
        else:
            slices.append(torch.zeros_like(weight[:, :, 0]))
    return torch.stack(slices, 2)


def shifted(seen: Tensor, answers: Tensor, frames: int, shift: int) -> tuple[Tensor, Tensor]:
    """Pictures of the input and of the output's gradient, in pairs that are `shift` frames of a video apart; what would
    meet another video's is 0."""
    if shift == 0:
        return seen, answers
    answers = answers.clone()
    alone = slice(frames - shift, None) if shift > 0 else slice(-shift)
    answers.unflatten(0, (-1, frames))[:, alone] = 0
    return (seen[shift:], answers[:-shift]) if shift > 0 else (seen[:shift], answers[-shift:])


def as_pictures(features: Tensor) -> Tensor:
    """(B, C, T, H, W) as (B*T, C, H, W)."""
    return features.transpose(1, 2).flatten(0, 1)
