"""A hash of the code that a verb really uses: the definitions that can be reached from its entry points, without
comments and formatting.

Snakemake doesn't see edits in imported modules, and a hash of whole files would retrain for a comment. So this walks
the syntax trees: from an entry function to every module-level name of the project that it mentions, through imports. It
can't see names that are reached by `getattr` or `importlib`. The steps load a method in that way, so the method's
functions are entries of their own.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from saccade.records import SaccadeError

Target = tuple[Path, str | None]  # a file, and the name in it (None: all of it)


@dataclass
class _Module:
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Target] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)  # statements that run on import


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


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


def code_hash(root: Path, entries: Iterable[tuple[Path, str | None]]) -> str:
    """A short hash of all that the entries (file, name; None for the whole file) reach inside the project at `root`."""
    digest = hashlib.sha256()
    for path, name, text in sorted(
        _reachable(root.resolve(), [(Path(path).resolve(), name) for path, name in entries])
    ):
        digest.update(f"{path}\0{name}\0{text}\0".encode())
    return digest.hexdigest()[:16]


def _reachable(root: Path, entries: list[Target]) -> set[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    waiting, seen = list(entries), set(entries)
    while waiting:
        path, name = waiting.pop()
        if not path.is_file():
            raise SaccadeError(f"{path} does not exist")
        texts, targets = _one(root, path, name, path.stat().st_mtime_ns)
        found |= texts
        waiting += [target for target in targets if target not in seen]
        seen |= targets
    return found


Found = tuple[frozenset[tuple[str, str, str]], frozenset[Target]]  # texts (file, label, text), and what they mention


@lru_cache(maxsize=8192)
def _one(root: Path, path: Path, name: str | None, changed: int) -> Found:
    """The text of one name of a file (together with what runs when the file is imported), and the names of the project
    that this text mentions."""
    module = _read(root, path, changed)
    if name is None:
        nodes = [(key, node) for key, group in module.definitions.items() for node in group]
    elif name in module.definitions:
        nodes = [(name, node) for node in module.definitions[name]]
    elif name in module.imports:
        nodes = []
    else:
        raise SaccadeError(f"{path.relative_to(root)} has no '{name}'")
    (texts, targets), (on_import, mentioned) = _found(root, path, module, nodes), _effects(root, path, changed)
    if name is not None and name in module.imports and name not in module.definitions:
        targets |= {module.imports[name]}
    return texts | on_import, targets | mentioned


@lru_cache(maxsize=512)
def _effects(root: Path, path: Path, changed: int) -> Found:
    """The same of what runs when the file is imported."""
    module = _read(root, path, changed)
    return _found(root, path, module, [(f"<effect {number}>", node) for number, node in enumerate(module.effects)])


def _found(root: Path, path: Path, module: _Module, nodes: list[tuple[str, ast.stmt]]) -> Found:
    file = path.relative_to(root).as_posix()
    texts = frozenset((file, label, ast.dump(node)) for label, node in nodes)
    return texts, frozenset(target for _, node in nodes for target in _mentions(root, path, module, node))


def _mentions(root: Path, path: Path, module: _Module, node: ast.stmt) -> Iterator[Target]:
    """The names of the project that the statement mentions: names of its own module, and names imported there or inside
    it."""
    imports, nodes = dict(module.imports), list(ast.walk(node))
    for inner in nodes:  # first, since a name may stand before the import that binds it
        if isinstance(inner, ast.Import | ast.ImportFrom):
            imports.update(_imports(root, path, inner))
    qualified = set()  # the `module` of `module.name`; a module mentioned bare may be used whole
    for inner in nodes:
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id in imports:
            qualified.add(id(inner.value))
            yield from _attribute(root, imports[inner.value.id], inner.attr)
        # walk goes outside in: an attribute comes before its name
        elif isinstance(inner, ast.Name) and id(inner) not in qualified:
            if inner.id in module.definitions:
                yield path, inner.id
            elif inner.id in imports:
                yield imports[inner.id]


def _attribute(root: Path, target: Target, attribute: str) -> Iterator[Target]:
    """What `module.attribute` leads to. Where the target is a module that has this name, it is that name alone; an
    attribute of a name leads to the name."""
    path, name = target
    if name is not None:
        yield target
        return
    module = _read(root, path, path.stat().st_mtime_ns)
    if attribute in module.definitions or attribute in module.imports:
        yield path, attribute
    elif path.name == "__init__.py" and (submodule := _file(path.parent / attribute)):
        yield submodule, None
    else:
        yield path, None


@lru_cache(maxsize=512)
def _read(root: Path, path: Path, _changed: int) -> _Module:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except SyntaxError as error:
        raise SaccadeError(f"{path}:{error.lineno}: {error.msg}") from None
    module = _Module()
    for node in _without_docstring(tree.body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports.update(_imports(root, path, node))
            continue
        if _is_type_checking(node):
            continue
        _normalise(node)
        names = _bound(node)
        for name in names:
            module.definitions.setdefault(name, []).append(node)
        if not names:
            module.effects.append(node)
    return module


def _imports(root: Path, path: Path, node: ast.Import | ast.ImportFrom) -> dict[str, Target]:
    """What the import binds to files of the project; imports from elsewhere give nothing."""
    bound: dict[str, Target] = {}
    if isinstance(node, ast.Import):
        for alias in node.names:
            parts = alias.name.split(".")
            file = _file(root.joinpath(*parts))
            if file and (alias.asname or len(parts) == 1):
                bound[alias.asname or parts[0]] = (file, None)
            elif file:  # `import a.b` binds a; what is used of b isn't followed by name
                bound[parts[0]] = (file, None)
        return bound
    base = path.parent if node.level else root
    for _ in range(max(node.level - 1, 0)):
        base = base.parent
    base = base.joinpath(*(node.module or "").split(".")) if node.module else base
    for alias in node.names:
        submodule, module = _file(base / alias.name), _file(base)
        if submodule:
            bound[alias.asname or alias.name] = (submodule, None)
        elif module:
            bound[alias.asname or alias.name] = (module, None if alias.name == "*" else alias.name)
    return bound


def _file(base: Path) -> Path | None:
    for file in (base.with_name(base.name + ".py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:] or [ast.Pass()]
    return body


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
