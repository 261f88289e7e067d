"""How a process uses the machine: threads, seeds, the device, its numeric precision. One policy for training,
prediction and timing."""

import contextlib
import ctypes
import os
import platform
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from saccade.records import SaccadeError

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the number of a weight's dimensions
# glibc's mallopt: freed memory stays with the process, to be used again, up to 2 GB at the heap's end, and no tensor is
# mapped apart. By default each large map of features is fetched from the system and given back, page by page.
KEPT_MEMORY = {"M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_MMAP_MAX": (-4, 0)}


def seed_everything(seed: int, threads: int) -> torch.Generator:
    """Seeds torch's global state (weight initialisation, dropout), turns deterministic algorithms on and TF32 off, and
    gives back a seeded CPU generator.

    Sums depend on the number of threads, so that number comes from the settings and never from the machine. TF32 keeps
    10 of fp32's 23 bits of fraction and is cuDNN's default for convolutions. Here fp32 means fp32 on every device;
    whoever wants speed says `amp: bf16`. New tensors aren't filled with nan before they are written, as torch would do
    beside deterministic algorithms to show who reads them too early.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses deterministic algorithms
    keep_memory()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def keep_memory() -> None:
    """Lets this process keep the memory that it frees, where the C library is glibc: training and inference then don't
    wait for fresh pages at every step. No number changes by it."""
    if platform.libc_ver()[0] == "glibc":
        for option, value in KEPT_MEMORY.values():
            ctypes.CDLL(None).mallopt(option, value)


def choose_device(wanted: str) -> torch.device:
    """`auto`: the first CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if wanted == "auto" and torch.cuda.is_available() else "cpu")


def place(model: nn.Module, device: torch.device) -> nn.Module:
    """The model on `device`, with the weights of its 2D and 3D convolutions in channels-last memory, which CPUs and
    GPUs compute faster.

    `module.to(memory_format=)` would do the same but refuses models that also have 3D convolutions.
    """
    model.to(device)
    for parameter in model.parameters():
        if parameter.ndim in LAYOUTS:
            parameter.data = parameter.data.contiguous(memory_format=LAYOUTS[parameter.ndim])
    return model


def to_device(batch: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """The batch with its tensors on `device`, and those that its frames on demand will give."""

    def move(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.to(device, non_blocking=True)
        if isinstance(value, list):
            return [one.to(device) if hasattr(one, "to") else one for one in value]
        return {key: move(inner) for key, inner in value.items()} if isinstance(value, dict) else value

    return {key: move(value) for key, value in batch.items()}


@contextlib.contextmanager
def precision(amp: str, device: torch.device) -> Iterator[None]:
    """Automatic mixed precision: `off`, `bf16` or `fp16`; fp16 on a CPU isn't offered, since gradients there can't be
    scaled."""
    if amp == "fp16" and device.type == "cpu":
        raise SaccadeError("amp: fp16 needs a GPU; set amp to bf16 or off")
    with torch.autocast(device.type, dtype=DTYPES.get(amp), enabled=amp != "off"):
        yield
