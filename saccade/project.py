"""The checkout on disk: its root, the folders that have a card, the modules inside them, and the record of where a
result was made."""

import dataclasses
import datetime
import importlib
import importlib.metadata
import inspect
import os
import platform
import re
import subprocess
import sys
import typing
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from saccade.files import need_utf8
from saccade.records import SaccadeError, suggest
from saccade.settings import Machine

PUBLISHED = "paper"  # the one budget whose runs may answer a printed cell
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


def check_budget(name: str, where: str = "") -> None:
    """Raises SaccadeError unless the budget can name a folder, here and everywhere."""
    if not NAME.fullmatch(name):
        raise SaccadeError(
            f"{where}budget '{name}' must be lower-case letters, digits, '-', '_' or '.', a letter or digit first"
        )


def find_root(start: Path | None = None) -> Path:
    """The project's root: the nearest folder, from `start` upwards, that has a Snakefile."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "Snakefile").is_file():
            return need_utf8(folder)
    raise SaccadeError(f"no Snakefile in {start} or above it; run this inside a Saccade checkout")


def load_module(path: Path) -> ModuleType:
    """The module at `methods/<m>/[<room>/]<x>.py` or `data/<d>/<x>.py`. Its relative imports reach only what lies below
    `methods/<m>`."""
    path = Path(path).resolve()
    if not path.is_file():
        raise SaccadeError(f"{path} does not exist")
    home = next((folder for folder in path.parents if folder.parent.name in ("methods", "data")), path.parent)
    package = f"saccade_{home.parent.name}_{home.name}".replace("-", "_").replace(".", "_")
    known = sys.modules.get(package)
    if known is None or list(known.__path__) != [str(home)]:
        for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
            del sys.modules[name]
        known = ModuleType(package)
        known.__path__ = [str(home)]
        sys.modules[package] = known
    return importlib.import_module(".".join([package, *path.relative_to(home).with_suffix("").parts]))


def names(root: Path, kind: Literal["methods", "data"]) -> list[str]:
    """The methods or datasets that have a card."""
    return sorted(card.parent.name for card in (root / kind).glob("*/card.yml"))


def card_file(root: Path, kind: Literal["methods", "data"], name: str, what: str) -> Path:
    file = root / kind / name / "card.yml"
    if not NAME.fullmatch(name) or not file.is_file():
        raise SaccadeError(f"unknown {what} '{name}'" + suggest(name, names(root, kind)))
    return file


def settings_class(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keys (with types and bounds) and defaults of the folder's `Settings`; without settings.py there are none."""
    if not (folder / "settings.py").is_file():
        return {}, {}
    settings = load_module(folder / "settings.py").Settings
    hints = typing.get_type_hints(settings, include_extras=True)
    keys, defaults = {}, {}
    for item in dataclasses.fields(settings):
        keys[item.name] = hints[item.name]
        if item.default is not dataclasses.MISSING:
            defaults[item.name] = item.default
        elif item.default_factory is not dataclasses.MISSING:
            defaults[item.name] = item.default_factory()
    return keys, defaults


def sections_of(folder: Path) -> dict[str, tuple[str, ...]]:
    """{section: its settings} of a method's `Settings`, without `machine`, which decides no result.

    A section is a class that `Settings` is made of, in snake case: `local_network` for `LocalNetwork`. Fields that
    `Settings` has by itself are the section `settings`.
    """
    settings = load_module(folder / "settings.py").Settings
    names = [item.name for item in dataclasses.fields(settings)]
    found: dict[str, tuple[str, ...]] = {}
    placed: set[str] = set()
    for part in reversed(settings.__mro__):
        annotated = inspect.get_annotations(part)
        own = tuple(name for name in names if name in annotated and name not in placed)
        placed.update(own)
        if own and part is not Machine:
            label = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part.__name__).lower()
            found[label] = (*found.get(label, ()), *own)
    return found


def provenance(root: Path, **more: Any) -> dict[str, Any]:
    """Where and with what a result was made: versions, commit, machine, time; `more` is added as it is."""
    packages = ["torch", "torchvision", "numpy", "av", "pandas", "snakemake"]
    return {
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _git(root, "rev-parse", "HEAD"),
        "modified": bool(_git(root, "status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "packages": {name: version for name in packages if (version := version_of(name))},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    } | more


def version_of(package: str) -> str:
    """The installed version, '' where the package isn't installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
