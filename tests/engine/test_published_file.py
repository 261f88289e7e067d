"""What people have that ends in .pth: tensors are read from whatever holds them, nothing is run, and what can't be read
is one plain sentence with the way out."""

import argparse
import datetime
import io
import os
import pathlib
import shlex
import sys
import tarfile
import zipfile
from collections import OrderedDict
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from saccade.engine import published_file
from saccade.records import SaccadeError

WEIGHT = torch.arange(6.0).reshape(2, 3)
STATE = {"fc.weight": WEIGHT}
BAD = ["\x1b", "\n", "Traceback"]  # in no sentence


def refused(file: pathlib.Path) -> str:
    with pytest.raises(SaccadeError) as caught:
        published_file.read(file)
    said = str(caught.value)
    assert said.startswith(f"{file} ") and not any(bad in said for bad in BAD)
    return said


@pytest.fixture
def make_class(monkeypatch):
    """Gives a class as if it came from the named module, which isn't installed here."""

    def make(module: str, name: str, base: type = dict) -> type:
        made = type(name, (base,), {"__module__": module, "__qualname__": name})
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            monkeypatch.setitem(sys.modules, ".".join(parts[:end]), ModuleType(".".join(parts[:end])))
        setattr(sys.modules[module], name, made)
        return made

    return make


BESIDE = {
    "a numpy scalar": {"acc": np.float64(75.0), "best_acc": np.float32(75.0), "epoch": np.int64(3)},
    "numpy arrays": {"confusion": np.eye(3), "names": np.array(["a", "b"]), "rng": np.random.get_state()},
    "arguments": {"args": argparse.Namespace(lr=0.1, out=pathlib.PosixPath("x"), nested=argparse.Namespace(a=[1]))},
    "what Lightning saves": {
        "pytorch-lightning_version": "2.4.0",
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 1}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": np.float64(0.5), "kth_value": None}},
        "hyper_parameters": OrderedDict(lr=0.1, hidden=(1, 2)),
    },
}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("beside", BESIDE)
def test_what_lies_beside_the_weights_is_passed_over(tmp_path, beside, zipped):
    torch.save(BESIDE[beside] | {"state_dict": STATE}, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    allowed = set(torch.serialization.get_safe_globals())
    found = published_file.read(tmp_path / "x.pth")
    assert list(found) == ["state_dict.fc.weight"] and torch.equal(found["state_dict.fc.weight"], WEIGHT)
    assert set(torch.serialization.get_safe_globals()) == allowed  # what was allowed for it is so no longer


@pytest.mark.parametrize("core", ["core", "_core"])
def test_numpy_of_either_version_wrote_it(tmp_path, core):
    """A file names the functions of the numpy that wrote it."""
    torch.save({"acc": np.float64(75.0), **STATE}, tmp_path / "x.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "x.pth").read_bytes()
    other = content.replace(b"numpy._core.multiarray", f"numpy.{core}.multiarray".encode())
    assert other.count(f"numpy.{core}.multiarray".encode()) == 1
    (tmp_path / "x.pth").write_bytes(other)
    assert list(published_file.read(tmp_path / "x.pth")) == ["fc.weight"]


@pytest.mark.parametrize(
    ("module", "name"), [("yacs.config", "CfgNode"), ("fvcore.common.config", "CfgNode"), ("easydict", "EasyDict")]
)
def test_settings_of_libraries_that_are_not_here_are_passed_over(tmp_path, make_class, module, name):
    settings = make_class(module, name)(NUM_GPUS=8)
    settings.frozen = True
    torch.save({"cfg": settings, **STATE}, tmp_path / "x.pth")
    assert list(published_file.read(tmp_path / "x.pth")) == ["fc.weight"]


def test_a_class_that_is_refused_is_named_with_a_command_that_keeps_the_tensors(tmp_path, monkeypatch):
    file = tmp_path / "it's mine.pth"
    torch.save({"when": datetime.timedelta(1), "optimizer": {"state": {0: WEIGHT}}, "fc": {"x": WEIGHT, "n": 3}}, file)
    said = refused(file)
    assert "(it names datetime.timedelta, and only tensors are read" in said
    command = shlex.split(said.partition("keeps its tensors alone: ")[2])
    assert command[:2] == ["python", "-c"] and command[3:] == [str(file)]
    monkeypatch.setattr(sys, "argv", ["-c", *command[3:]])
    exec(command[2], {})  # noqa: S102
    assert sorted(published_file.read(file)) == ["fc.x", "optimizer.state.0"]


def test_a_whole_model_is_refused_and_the_command_keeps_its_state(tmp_path, monkeypatch):
    torch.save(nn.Linear(3, 2), tmp_path / "x.pth")
    said = refused(tmp_path / "x.pth")
    assert "it names torch.nn.modules.linear.Linear" in said
    monkeypatch.setattr(sys, "argv", ["-c", str(tmp_path / "x.pth")])
    exec(shlex.split(said.partition("keeps its tensors alone: ")[2])[2], {})  # noqa: S102
    assert list(published_file.read(tmp_path / "x.pth")) == ["weight", "bias"]


# ---- what might do harm


class Calls:
    def __init__(self, function, *arguments) -> None:
        self.what = function, arguments

    def __reduce__(self):
        return self.what


class Builds:
    """Made by a call, then filled with a state, a list's items and a dict's."""

    def __init__(self, function, arguments, *more) -> None:
        self.what = function, arguments, *more

    def __reduce__(self):
        return self.what


HARMFUL = {
    "a call": Calls(os.mkdir, "harmed"),
    "a call of Python's": Calls(eval, "__import__('os').mkdir('harmed')"),
    "a call inside of an array": Builds(
        np.ndarray, ((0,),), (1, (1,), np.dtype("O"), False, [Calls(os.mkdir, "harmed")])
    ),
    "a call inside of a scalar": Calls(np._core.multiarray.scalar, np.dtype("O"), Calls(os.mkdir, "harmed")),
    "a call inside of settings": argparse.Namespace(inner=Calls(os.mkdir, "harmed")),
    "another function of numpy": Calls(np.load, "x.npy"),
    "an attribute of what is allowed": Calls(getattr, argparse.Namespace, "__init__"),
}


@pytest.mark.parametrize("harmful", HARMFUL)
def test_code_in_a_file_is_refused_and_not_run(tmp_path, monkeypatch, harmful):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": STATE, "x": HARMFUL[harmful]}, tmp_path / "x.pth")
    assert "only tensors are read" in refused(tmp_path / "x.pth").lower()
    assert not (tmp_path / "harmed").exists()


def test_numpy_builds_nothing_of_what_a_file_says(tmp_path, monkeypatch):
    """An array of objects given as bytes, and a type that hides that it holds any, would be read as addresses."""
    fields = np.dtype([("a", "O")])
    state = list(fields.__reduce__()[2])
    state[-1] = 0  # the flags
    lying = Builds(np.dtype, ("V8", False, True), tuple(state))
    array = Builds(np.ndarray, ((0,),), (1, (1,), lying, False, b"\x01" * 8))
    torch.save({"x": array, **STATE}, tmp_path / "x.pth")
    built = []
    monkeypatch.setattr(published_file._PassedOver, "__setstate__", lambda self, state: built.append(state))
    assert list(published_file.read(tmp_path / "x.pth")) == ["fc.weight"] and len(built) == 3


def test_what_a_file_calls_items_is_not_called(tmp_path):
    torch.save(Builds(OrderedDict, (), {"items": torch.Size}, None, iter(STATE.items())), tmp_path / "x.pth")
    assert list(published_file.read(tmp_path / "x.pth")) == ["fc.weight"]


def test_a_file_that_holds_itself_is_refused(tmp_path):
    circle: dict = {**STATE}
    circle["self"] = circle
    torch.save(circle, tmp_path / "x.pth")
    assert "RecursionError" in refused(tmp_path / "x.pth")


# ---- what is no checkpoint


def packed(names: dict[str, bytes], mode: str) -> bytes:
    opened = io.BytesIO()
    if mode == "zip":
        with zipfile.ZipFile(opened, "w") as archive:
            for name, content in names.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=opened, mode=mode) as archive:
            for name, content in names.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return opened.getvalue()


def scripted() -> bytes:
    """What torch.jit.save leaves, as far as its names go."""
    return packed({"x/data.pkl": b"\x80\x02.", "x/constants.pkl": b"\x80\x02).", "x/code/net.py": b""}, "zip")


OTHERS = {
    "nothing": (b"", "(it is empty); get it again"),
    "a page of Google Drive": (
        b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title>",
        "(it is a web page); a download that asks for a click or a sign-in leaves one; get it again in a browser",
    ),
    "a page after a blank line": (b"\xef\xbb\xbf\n <html>", "(it is a web page)"),
    "a server's error": (b'{"error": "quota"}', "(it is JSON text)"),
    "a pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "(it is a Git LFS pointer); `git lfs pull` gets the file",
    ),
    "a folder packed by Google Drive": (
        packed({"weights/128s3.pth.tar": b"x", "weights/160s3.pth.tar": b"x"}, "zip"),
        "(it is a zip archive of weights/128s3.pth.tar, weights/160s3.pth.tar); unpack it",
    ),
    "arrays of numpy": (packed({"arr_0.npy": b""}, "zip"), "(it is a zip archive of arr_0.npy); unpack it"),
    "a scripted module": (scripted(), "(it is a TorchScript archive, which holds code); save its state_dict() instead"),
    "what the suffix says": (packed({"a.pth": b"x"}, "w"), "(it is a tar archive of a.pth); unpack it"),
    "a packed archive": (packed({"a.pth": b"x"}, "w:gz"), "(it is packed by gzip); unpack it"),
    "a torch file of 2016": (
        packed({"sys_info": b"x", "pickle": b"x", "storages": b"x", "tensors": b"x"}, "w"),
        "(it is a torch file of before 2017); load it with a torch of that time",
    ),
    "the beginning of a download": (packed({"x/data.pkl": bytes(99)}, "zip")[:80], "(it lacks its end); get it again"),
    "noise": (b"\x93" + bytes(range(256)), "(UnpicklingError). If it is incomplete, get it again"),
    "zeros": (bytes(2048), "If it is incomplete, get it again"),
    "anything": (bytes(range(256)), "If it is incomplete, get it again"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_no_checkpoint_is_named(tmp_path, other):
    content, sentence = OTHERS[other]
    (tmp_path / "x.pth.tar").write_bytes(content)
    assert sentence in refused(tmp_path / "x.pth.tar")


def test_what_a_file_is_its_contents_say_not_its_suffix(tmp_path):
    save_file(STATE, tmp_path / "x.pth")
    torch.save(STATE, tmp_path / "x.safetensors")
    for file in tmp_path.iterdir():
        assert torch.equal(published_file.read(file)["fc.weight"], WEIGHT)


def test_a_file_without_tensors_is_refused(tmp_path):
    torch.save({"fc.weight": np.ones(3), "epoch": 3}, tmp_path / "x.pth")
    assert "holds no tensors" in refused(tmp_path / "x.pth")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x80", b"\x80\x02.", b"\x80\x02a.", b"\x80\x02h\x01.", b"\x80\x02G\x00", b"\x80\x02M\x01", b"PK\x03\x04"],
)
def test_a_damaged_file_is_one_message_with_the_way_out(tmp_path, suffix, content):
    file = tmp_path / f"x{suffix}"
    file.write_bytes(content)
    said = refused(file)
    assert said.startswith(f"{file} can't be read (") and "get it again" in said


@pytest.mark.parametrize("kind", ["zip", "before 1.6", "safetensors"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_one_message_with_the_way_out(tmp_path, share, kind):
    file = tmp_path / "x.pth"
    if kind == "safetensors":
        save_file(STATE, file)
    else:
        torch.save({"epoch": 7, "state_dict": STATE}, file, _use_new_zipfile_serialization=kind == "zip")
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    said = refused(file)
    assert said.startswith(f"{file} can't be read (") and "get it again" in said
