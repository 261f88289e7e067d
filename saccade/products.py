"""What the steps leave: written so that damage shows, and read by everybody through here. No torch.

A JSON product says which file it is and carries the sum of its content. Every other product has its sha256 in a JSON
product, its record (`record_of`). What isn't what was written is refused, with the command that makes it anew.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saccade import files
from saccade.product_names import DRAWN, command_for, identity, keys_of, record_of, stem
from saccade.records import FEATURES_ENDS, SaccadeError, canonical, first_line

if TYPE_CHECKING:
    import pandas as pd

# Keys that a JSON product has beside its content: the file that it is, {name: sha256} of what lies beside it ('' where
# that carries its own sum), and the sum of all but itself.
PRODUCT, FILES, SUM = "product", "files", "sum"


class DamageError(SaccadeError):
    """A product that isn't what was written, or is missing."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path} {what}; make it anew: {command_for(path)}")


def write(path: Path, value: Mapping[str, Any], beside: Mapping[str, str] | None = None) -> None:
    """Writes a JSON product. `beside`: {name: sha256} of the files that it vouches for, '' for a JSON product that must
    be there."""
    files.write_json(path, sealed(path, value, beside))


def sealed(path: Path, value: Mapping[str, Any], beside: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The content of a JSON product as it is written: `value` and the keys that vouch for it."""
    assert not {PRODUCT, FILES, SUM} & set(value), f"{path}: {PRODUCT}, {FILES} and {SUM} are keys of every product"
    content = {**value, PRODUCT: identity(path)} | ({FILES: dict(beside)} if beside else {})
    as_read: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))  # keys are text, tuples lists
    return as_read | {SUM: _digest(as_read)}


def write_file(
    path: Path,
    make: Callable[[Path], object],
    value: Mapping[str, Any] | None = None,
    beside: Mapping[str, str] | None = None,
) -> None:
    """Writes a product that isn't JSON by `make(temporary)` and, right before it gets its name, its record, with
    `value` as content: where the file is there, the record is there, too. `beside`: as of `write`."""

    def both(temporary: Path) -> None:
        make(temporary)
        write(record_of(path), value or {}, {**(beside or {}), path.name: files.sha256(temporary)})

    files.write_atomic(path, both)


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    write_file(path, lambda temporary: files.save_csv(temporary, table))


def seal_folder(folder: Path) -> None:
    """Writes the record of a folder whose files are made together (`DRAWN`)."""
    write(record_of(folder / "any"), {}, {path.name: files.sha256(path) for path in _visible(folder)})


def read(path: Path) -> dict[str, Any]:
    """The content of a JSON product, shared: nobody may change what is inside. SaccadeError where it doesn't exist,
    isn't what was written, or lacks what its readers rely on (`keys_of`)."""
    return {key: value for key, value in record(path).items() if key not in (PRODUCT, FILES, SUM)}


def record(path: Path) -> dict[str, Any]:
    """A JSON product with the keys that vouch for it."""
    try:
        stamp = _stamp(path)
    except (FileNotFoundError, NotADirectoryError):
        raise DamageError(path, "is missing") from None
    return _record(path, stamp)


def beside(path: Path) -> dict[str, str]:
    """{name: sha256} of the files that a JSON product vouches for; {} where it isn't there."""
    return dict(record(path).get(FILES, {})) if path.exists() else {}


def left(path: Path) -> bool:
    """Whether a step left the product, be it there or, as its record tells, lost since."""
    return path.exists() or path.name in beside(record_of(path))


def whole(path: Path) -> Path:
    """The path of a product that isn't JSON, once its content is found to be what was written. It is read for this once
    per process, as long as the file stays as it is. SaccadeError where it or its record isn't there or damaged."""
    holder = record_of(path)
    if not path.is_file():
        raise DamageError(path, "is missing")
    if not holder.is_file():
        raise DamageError(path, f"can't be checked ({holder.name}, which holds its checksum, is missing)")
    expected = beside(holder).get(path.name)
    if expected is None:
        raise DamageError(path, f"isn't what was written ({holder.name} holds no checksum of it)")
    if _sha256(path, _stamp(path)) != expected:
        raise DamageError(path, f"isn't what was written (its checksum differs from the one in {holder.name})")
    return path


def holds(holder: Path, name: str) -> Path:
    """The path of a file that a record vouches for: beside it, or in the folder that it is the record of."""
    of_features = stem(holder.name).endswith(FEATURES_ENDS) and name.endswith(".safetensors")
    return holder.parent / (stem(holder.name) if of_features or holder.parent.name in DRAWN else "") / name


def is_whole(path: Path) -> bool:
    try:
        return bool(whole(path))
    except DamageError:
        return False


def members(folder: Path) -> list[Path]:
    """The files of a folder that is made together (`DRAWN`), each checked; [] where it wasn't made."""
    holder = record_of(folder / "any")
    if not holder.is_file() and not folder.is_dir():
        return []
    names = {*beside(holder), *(path.name for path in _visible(folder))}
    return [whole(folder / name) for name in sorted(names)]


def _visible(folder: Path) -> list[Path]:
    """The files of the folder but hidden ones: Snakemake's time stamp, what isn't whole yet."""
    return [path for path in sorted(folder.glob("*")) if path.is_file() and not path.name.startswith(".")]


def read_parquet(path: Path, **options: Any) -> "pd.DataFrame":
    """A table, checked; `options` as pandas takes them."""
    import pandas as pd

    try:
        return pd.read_parquet(whole(path), **options)
    except (OSError, ValueError, KeyError) as error:  # pyarrow's own errors are ValueErrors
        raise DamageError(path, f"can't be read ({first_line(error)})") from None


def column_names(path: Path) -> tuple[str, ...]:
    """Of a parquet table, checked."""
    return _column_names(whole(path), _stamp(path))


def read_csv(path: Path, **options: Any) -> "pd.DataFrame":
    """A table of text, checked; `options` as pandas takes them."""
    import pandas as pd

    try:
        table: pd.DataFrame = pd.read_csv(whole(path), **options)
    except ValueError as error:  # pandas' own errors are ValueErrors
        raise DamageError(path, f"can't be read ({first_line(error)})") from None
    return table


@lru_cache(maxsize=4096)
def _record(path: Path, stamp: tuple[int, int, int]) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = f"no JSON: {first_line(error)}" if stamp[1] else "it is empty"
        raise DamageError(path, f"isn't what was written ({why})") from None
    if not isinstance(found, dict) or SUM not in found:
        raise DamageError(
            path, "isn't what was written (it carries no checksum: cut, made by hand or by an older version)"
        )
    if found[SUM] != _digest({key: value for key, value in found.items() if key != SUM}):
        raise DamageError(path, "isn't what was written (its checksum differs)")
    if found.get(PRODUCT) != identity(path):
        raise DamageError(path, f"isn't what was written (it is a copy of {found.get(PRODUCT)})")
    if lacking := [key for key in keys_of(path) if key not in found]:
        raise DamageError(path, f"isn't of this version (it lacks {', '.join(lacking)})")
    return found


def _digest(content: Mapping[str, Any]) -> str:
    try:
        return hashlib.sha256(canonical(content).encode("utf-8", "surrogatepass")).hexdigest()
    except ValueError:
        return ""  # NaN, which nothing writes: no sum fits


@lru_cache(maxsize=4096)
def _column_names(path: Path, stamp: tuple[int, int, int]) -> tuple[str, ...]:
    import pyarrow.parquet as pq

    try:
        return tuple(pq.read_schema(path).names)
    except (OSError, ValueError) as error:
        raise DamageError(path, f"can't be read ({first_line(error)})") from None


@lru_cache(maxsize=65536)
def _sha256(path: Path, stamp: tuple[int, int, int]) -> str:
    return files.sha256(path)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when the file is written again."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
