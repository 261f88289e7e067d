"""What a source file says, statement by statement, as plain data: what `code_hash` follows. No torch.

To read all files anew takes longer than all else that a dry run does. So where Snakemake runs, what was found is kept
in its folder; it holds for the very bytes of the source and of this module, and for this Python.
"""

import ast
import contextlib
import hashlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypedDict

from saccade.files import write_atomic
from saccade.records import SaccadeError

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Import(TypedDict):
    """`from <module> import <name> as <bound>`; level: dots before the module, or -1: `import <name> as <bound>`."""

    level: int
    module: str
    names: list[list[str]]  # pairs; bound is "" where nothing is said


class Statement(TypedDict):
    binds: list[str]  # the names; none: it runs when the file is imported
    text: str  # the sha256 of its normalised syntax tree
    imports: list[Import]  # inside it
    mentions: list[list[str]]  # pairs: (name, attribute of it or "") of names that the file binds or imports


class Source(TypedDict):
    imports: list[Import]
    statements: list[Statement]


def read_source(root: Path, path: Path) -> Source:
    """The file's imports and statements; docstrings, comments, annotations and what is for type checkers left out.
    Raises SaccadeError where it isn't Python."""
    code, folder = path.read_bytes(), root / ".snakemake"
    kept = folder / "statements" / path.relative_to(root).with_suffix(".json")
    with contextlib.suppress(OSError, ValueError):
        check, _, text = kept.read_text(encoding="utf-8").partition("\n")
        if check == _check(code, text):
            known: Source = json.loads(text)
            return known
    text = json.dumps(_parse(path, code), separators=(",", ":"))
    if folder.is_dir():
        with contextlib.suppress(SaccadeError):  # read-only, full
            write_atomic(
                kept, lambda temporary: temporary.write_text(f"{_check(code, text)}\n{text}", encoding="utf-8")
            )
    found: Source = json.loads(text)
    return found


def _check(code: bytes, text: str) -> str:
    return hashlib.sha256(b"\0".join([_reader(), code, text.encode()])).hexdigest()


@cache
def _reader() -> bytes:
    return Path(__file__).read_bytes() + sys.version.encode()


def _parse(path: Path, code: bytes) -> Source:
    try:
        tree = ast.parse(code, filename=str(path))
    except SyntaxError as error:
        raise SaccadeError(f"{path}:{error.lineno}: {error.msg}") from None
    except ValueError as error:  # a NUL
        raise SaccadeError(f"{path}: {error}") from None
    body = [node for node in _without_docstring(tree.body) if not _is_type_checking(node)]
    imports = [_import(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    nodes = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom)]
    known = {name for each in imports for name in _binds(each)} | {name for node in nodes for name in _bound(node)}
    return {"imports": imports, "statements": [_statement(node, known) for node in nodes]}


def _statement(node: ast.stmt, known: set[str]) -> Statement:
    _normalise(node)
    nodes = list(ast.walk(node))
    imports = [_import(inner) for inner in nodes if isinstance(inner, ast.Import | ast.ImportFrom)]
    known = known.union(*map(_binds, imports))
    return {
        "binds": _bound(node),
        "text": hashlib.sha256(ast.dump(node).encode()).hexdigest(),
        "imports": imports,
        "mentions": [list(one) for one in dict.fromkeys(_mentions(nodes)) if one[0] in known],
    }


def _mentions(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    qualified = set()  # the `module` of `module.name`; a module mentioned bare may be used whole
    for inner in nodes:  # from the outside in: an attribute comes before its name
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            qualified.add(id(inner.value))
            yield inner.value.id, inner.attr
        elif isinstance(inner, ast.Name) and id(inner) not in qualified:
            yield inner.id, ""


def _import(node: ast.Import | ast.ImportFrom) -> Import:
    names = [[alias.name, alias.asname or ""] for alias in node.names]
    if isinstance(node, ast.Import):
        return {"level": -1, "module": "", "names": names}
    return {"level": node.level, "module": node.module or "", "names": names}


def _binds(imported: Import) -> list[str]:
    return [bound or (name if imported["level"] >= 0 else name.split(".")[0]) for name, bound in imported["names"]]


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _normalise(statement: ast.stmt) -> None:
    """Drops docstrings and the annotations of functions and of variables inside them. Neither changes what a step
    computes."""
    waiting: list[tuple[ast.AST, bool]] = [(statement, False)]  # with whether it stands in a function
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, FUNCTIONS):
            node.returns, inside = None, True
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            node.body = _without_docstring(node.body)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign) and inside:
            node.annotation = ast.Constant(None)
        waiting += [(child, inside) for child in ast.iter_child_nodes(node)]


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:] or [ast.Pass()]
    return body


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
