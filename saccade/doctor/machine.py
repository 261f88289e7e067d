"""What this machine has of what Saccade uses, what can't be done for want of the rest, and the command that mends it.
Torch is loaded only while it is asked for: a machine where it is broken is told so."""

import importlib
import os
import platform
import re
import shutil
import sys
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.project import version_of
from saccade.records import RUNTIMES, first_line, size_words

PLACES = ("data", "results")  # of a checkout, where what is large lies
NEEDED_BYTES = 10**9  # our choice: of free disk; what the demo leaves is a fraction of that
DRIVER = Path("/proc/driver/nvidia/version")  # there where the driver of NVIDIA's cards is loaded
PIP = "python -m pip install -c constraints.txt"
TORCH = f"{PIP} --force-reinstall torch torchvision"
NAME = re.compile(r"[A-Za-z0-9._-]+")  # of a package, before what it asks of its version


@dataclass(frozen=True)
class Finding:
    """says: what was found. lacks: what can't be done for want of it, '' where nothing is missing; mend: the command
    that helps then; needed: whether the demo can't do without."""

    name: str
    says: str
    lacks: str = ""
    mend: str = ""
    needed: bool = False

    @property
    def broken(self) -> str:
        """Why the demo can't run; '' where this doesn't stop it."""
        return f"{self.name}: {self.says}; {self.lacks}" if self.needed and self.lacks else ""


def examine(root: Path, rar: str) -> Iterator[Finding]:
    """What is found, in the order in which it is told. `rar`: the datasets that come as RAR, '' for none."""
    yield Finding("Python", f"{platform.python_version()} in {sys.prefix}")
    yield _packages(root)
    yield from _torch()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Finding("processor", f"{cores} cores, {_gib(memory)} of memory")
    yield from (_disk(root / place) for place in PLACES)
    yield _latex()
    yield _rar(rar)
    yield _git()


def _packages(root: Path) -> Finding:
    """Whether what pyproject.toml asks for is installed, and as constraints.txt says."""
    file, pins = root / "pyproject.toml", root / "constraints.txt"
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"] if file.is_file() else {}
    wanted = [NAME.match(text)[0] for text in project.get("dependencies", ())]  # type: ignore[index]
    found = {name: version_of(name).partition("+")[0] for name in wanted}
    if missing := [name for name, version in found.items() if not version]:
        return Finding("packages", f"missing: {', '.join(missing)}", "steps that need them fail", f"{PIP} -e .", True)
    lines = pins.read_text(encoding="utf-8").splitlines() if pins.is_file() else []
    pinned = dict(line.partition(" ")[0].split("==") for line in lines if "==" in line)
    others = [f"{name} {own} ({pinned[name]})" for name, own in found.items() if pinned.get(name, own) != own]
    says = f"all {len(found)} are here, as constraints.txt says"
    return Finding("packages", f"other versions than in constraints.txt: {', '.join(others)}" if others else says)


def _torch() -> Iterator[Finding]:
    """Torch, the GPUs that it sees, and the runtimes that models can be put into."""
    try:
        torch = importlib.import_module("torch")
    except Exception as error:  # of whatever kind: a library that is missing, a version that doesn't fit
        says = f"can't be loaded: {first_line(error)}"
        yield Finding("torch", says, "nothing can be trained, predicted or measured", TORCH, needed=True)
        return
    yield Finding("torch", f"{torch.__version__}, {_build(torch)}")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")  # of a driver that is too old torch only warns
        seen = torch.cuda.is_available()
        gpus = [torch.cuda.get_device_properties(k) for k in range(torch.cuda.device_count())] if seen else []
    if seen:
        yield Finding("GPUs", ", ".join(f"{gpu.name} ({_gib(gpu.total_memory)})" for gpu in gpus))
    else:
        yield _no_gpu(torch, [str(one.message) for one in told])
    yield from _runtimes(torch, "cuda" if seen else "cpu")


def _build(torch: Any) -> str:
    cuda, rocm = torch.version.cuda, getattr(torch.version, "hip", None)
    return f"built for CUDA {cuda}" if cuda else f"built for ROCm {rocm}" if rocm else "built without CUDA"


def _no_gpu(torch: Any, told: list[str]) -> Finding:
    """Why torch sees none. Usually there is none, which is fine."""
    if not DRIVER.exists() and shutil.which("nvidia-smi") is None:
        return Finding("GPUs", "none; only budget paper needs one")
    slow, hidden = "everything runs on the processor", os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        return Finding("GPUs", f"hidden by CUDA_VISIBLE_DEVICES='{hidden}'", slow, "unset CUDA_VISIBLE_DEVICES")
    if not torch.version.cuda:
        return Finding("GPUs", "NVIDIA's driver is here, but torch is built without CUDA", slow, TORCH)
    why = told[0].partition("\n")[0] if told else "NVIDIA's driver is here, but torch sees none"
    return Finding("GPUs", why, slow, "nvidia-smi")


def _runtimes(torch: Any, kind: str) -> Iterator[Finding]:
    """What models can be put into here, and the compiler that one of these needs."""
    from saccade.timing.runtimes import PACKAGES, why_absent

    device = torch.device(kind)
    here = ", ".join(name for name in RUNTIMES if not why_absent(name, device))
    lacking = [name for name in PACKAGES if kind == "cpu" and why_absent(name, device)]
    lacks = f"nothing can be timed in {' and '.join(lacking)}" if lacking else ""
    yield Finding("runtimes", here, lacks, f"{PIP} -e '.[{','.join(lacking)}]'")
    if why := why_absent("compile", torch.device("cpu")):
        yield Finding("C++ compiler", "missing", why, _install("g++"))
    else:
        yield Finding("C++ compiler", "here, as torch.compile needs it")


def _disk(path: Path) -> Finding:
    """Where the folder, which may be a link, lies, and what is free there."""
    name, place = f"{path.name}/", path.resolve()
    leads = f" (leads to {place})" if path.is_symlink() else ""
    if leads and not place.is_dir():
        return Finding(
            name, f"leads to {place}, which isn't there", "nothing can be written", f"mkdir -p {place}", True
        )
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    says = f"{size_words(free)} free{leads}"
    if not os.access(place, os.W_OK):
        return Finding(name, says, f"{place} can't be written", f"ls -ld {place}", needed=True)
    too_little = free < NEEDED_BYTES
    lacks = f"the demo may need {size_words(NEEDED_BYTES)}" if too_little else ""
    return Finding(name, says, lacks, f"du -sh {path}/*" if too_little else "", needed=True)


def _latex() -> Finding:
    from saccade.report.pdf import PACKAGES, why_no_latex

    if why := why_no_latex():
        return Finding("LaTeX", why, "reports have no PDF, only HTML and .tex", _install(*PACKAGES))
    return Finding("LaTeX", "here")


def _rar(datasets: str) -> Finding:
    """Libarchive unpacks RAR; unar what libarchive can't."""
    whose = f" ({datasets})" if datasets else ""
    if not version_of("libarchive-c"):
        return Finding("RAR", "no libarchive-c", f"RAR archives can't be unpacked{whose}", f"{PIP} libarchive-c")
    try:
        version = importlib.import_module("libarchive").ffi.version_number()
    except Exception:  # what ctypes raises where the library itself is missing
        return Finding("RAR", "no libarchive", f"RAR archives can't be unpacked{whose}", _install("libarchive13"))
    number = f"libarchive {version // 1000000}.{version // 1000 % 1000}.{version % 1000}"
    if shutil.which("unar") and shutil.which("lsar"):
        return Finding("RAR", f"{number} and unar")
    return Finding("RAR", f"{number}, no unar", f"some RAR archives can't be unpacked{whose}", _install("unar"))


def _git() -> Finding:
    if shutil.which("git"):
        return Finding("git", "here")
    return Finding("git", "missing", "results don't say of which commit they are", _install("git"))


def _install(*packages: str) -> str:
    """The command that installs Debian's packages of these names; elsewhere the names, to be looked for."""
    if shutil.which("apt-get") is None:
        return f"install {' '.join(packages)} (Debian's names)"
    return f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install {' '.join(packages)}"


def _gib(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"
