"""The tensors of a file that others published, read without running anything that came with it, and what else such a
file may be."""

import re
import shlex
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from saccade.records import SaccadeError, first_few

Tensors = dict[str, Tensor]

# What training scripts often save beside the weights. None of it is built: whatever the file says of it is passed over.
NUMPY = [
    "numpy.dtype",
    "numpy.ndarray",
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
]
SETTINGS = ["argparse.Namespace", "yacs.config.CfgNode", "fvcore.common.config.CfgNode", "easydict.EasyDict"]
PATHS = [f"{module}.{kind}Path" for module in ("pathlib", "pathlib._local") for kind in ("Posix", "Windows")]

# how a file begins: (what it is, the way out)
NOT_WEIGHTS = {
    b"version https://git-lfs": ("it is a Git LFS pointer", "`git lfs pull` gets the file that it stands for"),
    b"<": ("it is a web page", "a download that asks for a click or a sign-in leaves one; get it again in a browser"),
    b"{": ("it is JSON text", "a server's error may look so; get it again"),
    b"\x1f\x8b": ("it is packed by gzip", "unpack it"),
    b"BZh": ("it is packed by bzip2", "unpack it"),
    b"\xfd7zXZ": ("it is packed by xz", "unpack it"),
    b"7z\xbc\xaf": ("it is a 7z archive", "unpack it"),
    b"Rar!": ("it is a RAR archive", "unpack it"),
    b"\x89HDF": ("it is an HDF5 file", "name a file of PyTorch's or safetensors"),
}
# for a shell; what stands in double quotes holds nothing that one would expand
TENSORS_ALONE = (
    'python -c "import sys, torch; keep = lambda v: {k: keep(x) for k, x in v.items() if isinstance(x, dict) or '
    "torch.is_tensor(x)} if isinstance(v, dict) else v; f = sys.argv[1]; c = torch.load(f, 'cpu', weights_only=False); "
    "torch.save(keep(getattr(c, 'state_dict', lambda: c)()), f)\""
)


def read(file: Path) -> Tensors:
    """{name: tensor} of a safetensors file or a torch file, whatever its suffix. The names of nested dicts and lists
    are joined by dots; what isn't a tensor is left out. Raises SaccadeError where the file is something else, or holds
    what might run code; OSError."""
    with file.open("rb") as opened:
        beginning = opened.read(64)
    if not beginning:
        raise SaccadeError(f"{file} can't be read (it is empty); get it again")
    try:
        if _is_safetensors(beginning, file.stat().st_size):
            return load_file(file)
        # opened, since of a name torch believes the suffix
        with file.open("rb") as opened, torch.serialization.safe_globals(_stand_ins()):
            content = torch.load(opened, map_location="cpu", weights_only=True)
        found = dict(_flat(content, ""))
    except OSError:
        raise
    except Exception as error:  # a damaged pickle may fail with any exception
        raise SaccadeError(f"{file} can't be read {_why(file, beginning, error)}") from None
    if not found:
        raise SaccadeError(f"{file} holds no tensors; it needs a network's state_dict()")
    return found


class _PassedOver:
    """Stands for a number or a path."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class _PassedOverDict:
    """Stands for settings, which may be filled as a dict is."""

    def __new__(cls, *_: object) -> OrderedDict[Any, Any]:  # type: ignore[misc]
        return OrderedDict()


def _stand_ins() -> list[Any]:
    """For torch: (what is called in its place, the name in the file)."""
    return [
        *((_PassedOver, name) for name in (*NUMPY, *PATHS)),
        *((_PassedOverDict, name) for name in SETTINGS),
    ]


def _flat(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value.detach()
    elif isinstance(value, dict | list | tuple):
        # of the class, since a file may give its dicts an attribute of that name
        for key, inner in dict.items(value) if isinstance(value, dict) else enumerate(value):
            yield from _flat(inner, f"{name}.{key}" if name else str(key))


def _is_safetensors(beginning: bytes, size: int) -> bool:
    """Whether it begins with the length of a header, and the header, as such files do."""
    return beginning[8:9] == b"{" and int.from_bytes(beginning[:8], "little") <= size - 8


def _why(file: Path, beginning: bytes, error: Exception) -> str:
    """Why torch can't read the file, in brackets, and the way out."""
    start = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = next((words for mark, words in NOT_WEIGHTS.items() if start.startswith(mark)), None)
    if kind := kind or _archive(file, beginning):
        return f"({kind[0]}); {kind[1]}"
    refused = re.search(r"GLOBAL ([\w.]+)", str(error))
    if refused:
        return (
            f"(it names {refused[1]}, and only tensors are read, since anything else may run code that came with it). "
            "If it is incomplete, get it again; where you trust it, this keeps its tensors alone: "
            f"{TENSORS_ALONE} {shlex.quote(str(file))}"
        )
    said = re.sub(r"\x1b\[[\d;]*m", "", str(error)).partition("WeightsUnpickler error: ")
    first = (said[2] if said[1] else said[0]).partition("\n")[0].partition(". ")[0]
    return (
        f"({': '.join(filter(None, [type(error).__name__, first]))}). If it is incomplete, get it again. Only tensors "
        "are read (safetensors, or a torch file with weights_only=True), since anything else may run code that came "
        "with it; save its tensors alone where you trust it"
    )


def _archive(file: Path, beginning: bytes) -> tuple[str, str] | None:
    """(what it is, the way out) of an archive that torch.load doesn't read; None for anything else."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as opened:
                return _zip_kind(opened.namelist())
        if tarfile.is_tarfile(file):
            with tarfile.open(file) as tar:
                return _tar_kind(tar.getnames())
    except (zipfile.BadZipFile, tarfile.TarError, EOFError):
        pass
    return ("it lacks its end", "get it again") if beginning.startswith(b"PK\x03\x04") else None


def _zip_kind(names: list[str]) -> tuple[str, str] | None:
    if any(name.endswith("/constants.pkl") for name in names):
        return "it is a TorchScript archive, which holds code", "save its state_dict() instead"
    if names and not any(name.endswith("/data.pkl") for name in names):
        return f"it is a zip archive of {first_few(names, 3)}", "unpack it"
    return None


def _tar_kind(names: list[str]) -> tuple[str, str] | None:
    if {"pickle", "storages", "tensors"} <= set(names):
        return "it is a torch file of before 2017", "load it with a torch of that time and save it in one of after 2020"
    return (f"it is a tar archive of {first_few(names, 3)}", "unpack it") if names else None
