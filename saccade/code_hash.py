"""A hash of the code that a verb really uses: the definitions that can be reached from its entry points, without
comments and formatting.

Snakemake doesn't see edits in imported modules, and a hash of whole files would retrain for a comment. So this walks
the syntax trees: from an entry function to every module-level name of the project that it mentions, through imports. It
can't see names that are reached by `getattr` or `importlib`. The steps load a method in that way, so the method's
functions are entries of their own.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from saccade.records import SaccadeError
from saccade.statements import Import, Statement, read_source

Target = tuple[Path, str | None]  # a file, and the name in it (None: all of it)


@dataclass
class _Module:
    definitions: dict[str, list[Statement]] = field(default_factory=dict)
    imports: dict[str, Target] = field(default_factory=dict)
    effects: list[Statement] = field(default_factory=list)  # statements that run on import


def code_hash(root: Path, entries: Iterable[tuple[Path, str | None]]) -> str:
    """A short hash of all that the entries (file, name; None for the whole file) reach inside the project at `root`."""
    digest = hashlib.sha256()
    _file.cache_clear()  # files may have come and gone since the last hash
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
        found = [(key, each) for key, group in module.definitions.items() for each in group]
    elif name in module.definitions:
        found = [(name, each) for each in module.definitions[name]]
    elif name in module.imports:
        found = []
    else:
        raise SaccadeError(f"{path.relative_to(root)} has no '{name}'")
    (texts, targets), (on_import, mentioned) = _found(root, path, module, found), _effects(root, path, changed)
    if name is not None and name in module.imports and name not in module.definitions:
        targets |= {module.imports[name]}
    return texts | on_import, targets | mentioned


@lru_cache(maxsize=512)
def _effects(root: Path, path: Path, changed: int) -> Found:
    """The same of what runs when the file is imported."""
    module = _read(root, path, changed)
    return _found(root, path, module, [(f"<effect {number}>", each) for number, each in enumerate(module.effects)])


def _found(root: Path, path: Path, module: _Module, statements: list[tuple[str, Statement]]) -> Found:
    file = path.relative_to(root).as_posix()
    texts = frozenset((file, label, statement["text"]) for label, statement in statements)
    return texts, frozenset(target for _, each in statements for target in _mentions(root, path, module, each))


def _mentions(root: Path, path: Path, module: _Module, statement: Statement) -> Iterator[Target]:
    """The names of the project that the statement mentions: names of its own module, and names imported there or inside
    it."""
    imports = dict(module.imports)
    for inner in statement["imports"]:
        imports.update(_targets(root, path, inner))
    for name, attribute in statement["mentions"]:
        if attribute and name in imports:
            yield from _attribute(root, imports[name], attribute)
        elif name in module.definitions:
            yield path, name
        elif name in imports:
            yield imports[name]


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
    source, module = read_source(root, path), _Module()
    for each in source["imports"]:
        module.imports.update(_targets(root, path, each))
    for statement in source["statements"]:
        for name in statement["binds"]:
            module.definitions.setdefault(name, []).append(statement)
        if not statement["binds"]:
            module.effects.append(statement)
    return module


def _targets(root: Path, path: Path, imported: Import) -> dict[str, Target]:
    """What the import binds to files of the project; imports from elsewhere give nothing."""
    bound: dict[str, Target] = {}
    level, parts = imported["level"], imported["module"].split(".") if imported["module"] else []
    if level < 0:
        for name, as_name in imported["names"]:
            file = _file(root.joinpath(*name.split(".")))
            if file:  # `import a.b` binds a; what is used of b isn't followed by name
                bound[as_name or name.split(".")[0]] = (file, None)
        return bound
    base = (path.parents[level - 1] if level else root).joinpath(*parts)
    for name, as_name in imported["names"]:
        submodule, module = _file(base / name), _file(base)
        if submodule:
            bound[as_name or name] = (submodule, None)
        elif module:
            bound[as_name or name] = (module, None if name == "*" else name)
    return bound


@lru_cache(maxsize=8192)
def _file(base: Path) -> Path | None:
    for file in (base.with_name(base.name + ".py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None
