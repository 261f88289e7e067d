import os
from pathlib import Path

import pytest
from conftest import edit

from saccade import statements
from saccade.code_hash import code_hash
from saccade.records import SaccadeError

STEP = """
import json
from saccade import engine
from saccade.nn import blocks
from saccade.nn.losses import cross

LIMIT = 3

def train(task):
    '''Trains.'''
    from saccade.late import lazy
    return engine.fit(cross, LIMIT), lazy()

def other():
    return blocks.stack()
"""


ENGINE = """
def fit(loss, limit):
    return _inner(loss)

def _inner(loss):
    return loss

def unused():
    return 1
"""


@pytest.fixture(params=["read anew", "kept"])
def code(tmp_path: Path, request):
    if request.param == "kept":
        (tmp_path / ".snakemake").mkdir()
    files = {
        "saccade/__init__.py": "",
        "saccade/train.py": STEP,
        "saccade/engine.py": ENGINE,
        "saccade/late.py": "def lazy():\n    return 1\n",
        "saccade/nn/__init__.py": "",
        "saccade/nn/losses.py": "SCALE = 2\n\ndef cross(x):\n    return x * SCALE\n",
        "saccade/nn/blocks.py": "def stack():\n    return 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    before = code_hash(tmp_path, [(tmp_path / "saccade/train.py", "train")])

    def changed() -> bool:
        return code_hash(tmp_path, [(tmp_path / "saccade/train.py", "train")]) != before

    return tmp_path / "saccade", changed


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("engine.py", "return loss", "return loss + 1"),  # a function that the entry reaches through another
        ("nn/losses.py", "SCALE = 2", "SCALE = 3"),  # a constant
        ("late.py", "return 1", "return 2"),  # imported inside the function
        ("train.py", "LIMIT = 3", "LIMIT = 4"),
    ],
)
def test_reached_code_changes_the_hash(code, file, old, new):
    folder, changed = code
    edit(folder / file, old, new)
    assert changed()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("engine.py", "return 1", "return 2"),  # an unused function of a used module
        ("nn/blocks.py", "return 1", "return 2"),  # used by `other` only
        ("train.py", "'''Trains.'''", "'''Trains well.'''"),
        ("train.py", "LIMIT = 3", "LIMIT  =  3  # three"),
        ("engine.py", "def fit(loss, limit):", "def fit(loss: object, limit: int) -> object:"),
    ],
)
def test_anything_else_does_not(code, file, old, new):
    folder, changed = code
    edit(folder / file, old, new)
    assert not changed()


def test_a_new_file_changes_nothing(code):
    folder, changed = code
    (folder / "nn/fresh.py").write_text("def fresh():\n    return 1\n")
    assert not changed()


def test_an_entry_that_does_not_exist_is_named(code):
    folder, _ = code
    with pytest.raises(SaccadeError, match=r"saccade/engine.py has no 'nothing'"):
        code_hash(folder.parent, [(folder / "engine.py", "nothing")])


KEPT = ".snakemake/statements/module.json"


@pytest.fixture
def module(tmp_path: Path, monkeypatch):
    """A file and how often it was parsed."""
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / "module.py").write_text("LIMIT = 3\n")
    parsed, parse = [], statements._parse
    monkeypatch.setattr(statements, "_parse", lambda *asked: parsed.append(asked) or parse(*asked))
    return tmp_path, parsed


def test_a_file_is_parsed_once_until_its_bytes_change(module):
    root, parsed = module
    first = statements.read_source(root, root / "module.py")
    assert statements.read_source(root, root / "module.py") == first and len(parsed) == 1
    changed = (root / "module.py").stat()
    (root / "module.py").write_text("LIMIT = 4\n")
    os.utime(root / "module.py", ns=(changed.st_atime_ns, changed.st_mtime_ns))
    assert statements.read_source(root, root / "module.py") != first and len(parsed) == 2


@pytest.mark.parametrize("damage", [lambda text: text.replace("LIMIT", "LIMIX"), lambda _: "", lambda text: text[:-9]])
def test_what_was_kept_and_damaged_is_made_anew(module, damage):
    root, parsed = module
    first = statements.read_source(root, root / "module.py")
    whole = (root / KEPT).read_text()
    (root / KEPT).write_text(damage(whole))
    assert statements.read_source(root, root / "module.py") == first and len(parsed) == 2
    assert (root / KEPT).read_text() == whole


def test_nothing_is_kept_where_snakemake_does_not_run(module):
    root, parsed = module
    (root / ".snakemake").rmdir()
    for _ in range(2):
        statements.read_source(root, root / "module.py")
    assert [path.name for path in root.iterdir()] == ["module.py"] and len(parsed) == 2
