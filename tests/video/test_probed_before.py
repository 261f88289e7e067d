"""Files are looked at once, whoever is killed meanwhile."""

import functools
import os
import sys

import pytest

from saccade.records import SaccadeError
from saccade.video import probed_before
from saccade.video.probed_before import Found, ProbedBefore, Wanted, probe_each

COLUMNS = {"first_frame": 0, "bytes": 1, "frames": 3, "fps": 29.97, "audio": True, "times_s": [0.0, 1 / 3]}


def wanted(names):
    return [Wanted(name) for name in names]


@pytest.fixture
def folder(tmp_path):
    for name in "abcdefgh":
        (tmp_path / name).write_text(name)
    return tmp_path


def known(folder, way="whole"):
    return ProbedBefore(folder / "prepared/probed.txt", folder, way)


class Looked:
    """Finds COLUMNS everywhere and counts where it looked; interrupted at one of the names."""

    def __init__(self, interrupted="", **found):
        self.paths, self.interrupted, self.found = [], interrupted, Found(**({"columns": COLUMNS} | found))

    def __call__(self, video):
        if video.path == self.interrupted:
            raise KeyboardInterrupt
        self.paths.append(video.path)
        return self.found


def test_what_is_known_is_what_was_found(folder):
    found = Found(COLUMNS, ["rotated"])
    assert probe_each(wanted(["a", "b"]), known(folder), Looked(peculiar=["rotated"]), 1) == [found, found]
    again = Looked()
    assert probe_each(wanted(["b", "a"]), known(folder), again, 1) == [found, found] and not again.paths


def test_what_was_found_before_an_interruption_is_kept(folder):
    with pytest.raises(KeyboardInterrupt):
        probe_each(wanted("abcdefgh"), known(folder), Looked(interrupted="f"), 1)
    again = Looked()
    probe_each(wanted("abcdefgh"), known(folder), again, 1)
    assert again.paths == ["e", "f", "g", "h"]


def test_a_torn_line_harms_nothing(folder):
    probe_each(wanted("ab"), known(folder), Looked(), 1)
    file = folder / "prepared/probed.txt"
    file.write_bytes(file.read_bytes()[:-20])
    again = Looked()
    probe_each(wanted("abc"), known(folder), again, 1)
    assert again.paths == ["b", "c"]
    assert all(known(folder).get(Wanted(name)) for name in "abc")


def test_a_damaged_line_counts_for_nothing(folder):
    probe_each(wanted("ab"), known(folder), Looked(), 1)
    file = folder / "prepared/probed.txt"
    file.write_bytes(file.read_bytes().replace(b'"frames":3', b'"frames":4', 1))
    assert known(folder).get(Wanted("a")) is None and known(folder).get(Wanted("b")) == Found(COLUMNS)


def test_a_changed_file_and_another_way_are_looked_at_anew(folder):
    probe_each(wanted("ab"), known(folder), Looked(), 1)
    (folder / "a").write_text("z")
    os.utime(folder / "a", ns=(1, 1))
    (folder / "b").touch()
    assert known(folder).get(Wanted("a")) is None and known(folder, "packets").get(Wanted("b")) is None


def test_what_cannot_be_used_is_looked_at_again(folder):
    bad = {"columns": {}, "kind": "corrupt", "reason": "a: the disk doesn't answer"}
    assert probe_each(wanted("a"), known(folder), Looked(**bad), 1) == [Found(**bad)]
    assert known(folder).get(Wanted("a")) is None


def test_two_at_once_lose_nothing(folder):
    one, other = known(folder), known(folder)
    one.add([(Wanted("a"), one.changed(Wanted("a")), Found(COLUMNS))])
    other.add([(Wanted("b"), other.changed(Wanted("b")), Found(COLUMNS))])
    one.add([(Wanted("c"), one.changed(Wanted("c")), Found(COLUMNS))])
    assert all(known(folder).get(Wanted(name)) for name in "abc")


def _in_a_process(parent, video):
    if video.path == "h":
        os._exit(1)
    return Found({"elsewhere": os.getpid() != parent, "torch": "torch" in sys.modules})


def test_many_are_looked_at_by_processes_without_torch(folder, monkeypatch):
    monkeypatch.setattr(probed_before, "_WORTH_A_PROCESS", 1)
    look = functools.partial(_in_a_process, os.getpid())
    found = probe_each(wanted("abcdefg"), known(folder), look, 2)
    assert [one.columns for one in found] == [{"elsewhere": True, "torch": False}] * 7
    with pytest.raises(SaccadeError, match="a process died while it looked at videos.* run it again"):
        probe_each(wanted("abcdefgh"), known(folder, "packets"), look, 2)
