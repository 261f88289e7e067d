from pathlib import Path

import pytest
from conftest import edit

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


@pytest.fixture
def code(tmp_path: Path):
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
