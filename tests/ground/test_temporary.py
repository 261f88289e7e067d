"""What killed processes leave is removed, and nothing of a living one."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import ROOT

from saccade import temporary
from saccade.files import write_atomic, write_json
from saccade.temporary import LOCK, PREFIX, WEEK_S, adopt, clear_leftovers, own_tempdir, work_folder

WRITER = """
import signal, sys, time
from pathlib import Path
from saccade.files import write_atomic
from saccade.temporary import own_tempdir

def write(path):
    path.write_text("half")
    path.with_name(".tmpAbCdEf").write_text("a library's own")
    print("writing", flush=True)
    time.sleep(600)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
with own_tempdir():
    write_atomic(Path(sys.argv[1]), write)
"""


@pytest.fixture
def short():
    """A temporary directory with a path that sockets can bear."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def writer(tmp_path, short):
    """A process in the middle of writing `out/a.json`, whose temporary directory is `short`."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "out/a.json")]
    environment = {"PYTHONPATH": str(ROOT), "TMPDIR": str(short)}
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def age(path: Path, seconds: float) -> None:
    for each in [*path.rglob("*"), path]:
        os.utime(each, (time.time() - seconds,) * 2)


def test_a_living_writer_keeps_what_it_writes_and_a_killed_ones_goes_with_the_next_writing(tmp_path, writer):
    (halves,) = (tmp_path / "out").iterdir()
    age(halves, 2 * WEEK_S)
    temporary.look_again()
    write_json(tmp_path / "out/b.json", {})
    assert names(tmp_path / "out") == [halves.name, "b.json"]
    writer.kill()
    writer.wait()
    temporary.look_again()
    write_json(tmp_path / "out/b.json", {})
    assert names(tmp_path / "out") == ["b.json"]


def test_the_temporary_directory_of_a_killed_process_goes_with_the_next_process(short, writer, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(short))
    monkeypatch.setattr("tempfile.tempdir", None)
    (own,) = names(short)
    for running in (True, False):
        temporary.look_again()
        with own_tempdir():
            assert (own in names(short)) == running
        writer.kill()
        writer.wait()
    assert names(short) == []


def test_a_stopped_process_cleans_up_itself(tmp_path, short, writer):
    writer.send_signal(signal.SIGINT)
    writer.wait()
    assert names(tmp_path / "out") == names(short) == []


def test_children_share_their_parents_temporary_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with own_tempdir():
        inside = os.environ["TMPDIR"]
        with own_tempdir():
            assert os.environ["TMPDIR"] == inside
        assert os.environ["TMPDIR"] == inside
    assert os.environ["TMPDIR"] == str(tmp_path)


def test_a_temporary_directory_too_long_for_sockets_is_not_used_for_them(short, monkeypatch):
    for length, used in ((temporary.LONGEST, True), (temporary.LONGEST + 1, False)):
        folder = short / ("d" * (length - len(f"{short}/")))
        folder.mkdir()
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr("tempfile.tempdir", None)
        with own_tempdir():
            assert (Path(os.environ["TMPDIR"]).parent == folder) == used
            listener = f"{os.environ['TMPDIR']}/pymp-12345678/listener-12345678"
            assert len(listener) <= 107


def test_what_another_machine_may_be_at_goes_only_when_nobody_touched_it_for_a_week(tmp_path):
    folder = tmp_path / f"{PREFIX}abcdefgh"
    (folder / "within").mkdir(parents=True)
    (folder / LOCK).write_text("another machine")
    age(folder, 2 * WEEK_S)
    (folder / "within/fresh").touch()
    clear_leftovers(tmp_path)
    assert (folder / "within/fresh").exists()
    age(folder, 2 * WEEK_S)
    clear_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_whose_maker_was_killed_before_it_held_its_lock_goes_after_a_minute(tmp_path):
    for name in ("without1", "nameless"):
        (tmp_path / f"{PREFIX}{name}").mkdir()
    (tmp_path / f"{PREFIX}nameless" / LOCK).touch()
    clear_leftovers(tmp_path)
    assert len(names(tmp_path)) == 2
    for folder in tmp_path.iterdir():
        age(folder, 70)
    clear_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_where_there_are_no_locks_a_nameless_one_goes_after_a_week(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", no_locks)
    folder = tmp_path / f"{PREFIX}nameless"
    folder.mkdir()
    (folder / LOCK).touch()
    for seconds, left in ((70, [folder.name]), (2 * WEEK_S, [])):
        age(folder, seconds)
        clear_leftovers(tmp_path)
        assert names(tmp_path) == left


def test_a_folder_without_a_lock_goes_only_if_it_is_empty(tmp_path):
    for name in ("settings", "empty123"):
        (tmp_path / f"{PREFIX}{name}").mkdir()
    (tmp_path / f"{PREFIX}settings/mine").touch()
    for folder in tmp_path.iterdir():
        age(folder, 2 * WEEK_S)
    clear_leftovers(tmp_path)
    assert names(tmp_path) == [f"{PREFIX}settings"]


def test_files_that_earlier_versions_and_libraries_left_go_after_an_hour_and_nothing_else(tmp_path):
    folder = tmp_path / "results/demo"
    folder.mkdir(parents=True)
    (tmp_path / "Snakefile").touch()
    old = [".tsn.ipynb.a1b2c3d_.ipynb", ".train.safetensors.a1b2c3d4", ".tmpAbCd12", ".000.mp4.a1b2c3d4.mp4"]
    others = ["a.json", ".hidden", ".tmp", ".gitignore", ".snakemake", ".env.template", ".bashrc.20240101"]
    for name in old + others:
        (folder / name).touch()
    clear_leftovers(folder)
    assert names(folder) == sorted(old + others)
    age(folder, 3700)
    clear_leftovers(folder)
    assert names(folder) == sorted(others)


@pytest.mark.parametrize("place", ["", "results", "checkout", "checkout/results-of-mine", "checkout/results/../mine"])
def test_hidden_files_outside_of_a_checkouts_own_folders_are_nobodys_leftovers(tmp_path, place):
    (tmp_path / "checkout/results").mkdir(parents=True)
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (tmp_path / "checkout/Snakefile").touch()
    mine = [".settings.json.original", ".env.template", ".tmpAbCd12", ".000.mp4.a1b2c3d4.mp4"]
    for name in mine:
        (tmp_path / place / name).touch()
    (tmp_path / place / f"{PREFIX}of-mine").mkdir()
    age(tmp_path, 2 * WEEK_S)
    temporary.look_again()
    write_json(tmp_path / place / "a.json", {})
    assert {*mine, f"{PREFIX}of-mine"} <= set(names(tmp_path / place))


def test_a_librarys_folder_is_marked_and_those_of_killed_processes_beside_it_go(tmp_path):
    ours, dead, living, unmarked, full = (tmp_path / f"snakemake{name * 8}" for name in "abcde")
    for folder in (ours, dead, living, unmarked, full):
        folder.mkdir()
    adopt(living)
    with work_folder(tmp_path) as held:
        shutil.copy(held / LOCK, dead)  # where nobody holds it
    (full / "of another workflow").touch()
    adopt(ours)
    assert names(tmp_path) == [folder.name for folder in (ours, living, unmarked, full)]
    for folder in (unmarked, full):
        age(folder, 2 * WEEK_S)
    adopt(ours)
    assert names(tmp_path) == [folder.name for folder in (ours, living, full)]


def test_names_as_long_as_the_system_takes_can_be_written(tmp_path):
    write_json(tmp_path / ("n" * 250 + ".json"), {})


def test_a_work_folder_goes_with_an_error_too(tmp_path):
    with pytest.raises(ZeroDivisionError), work_folder(tmp_path) as folder:
        (folder / "half").touch()
        raise ZeroDivisionError
    assert names(tmp_path) == []


def no_locks(*_):
    raise OSError(37, "No locks available")


def test_a_file_system_without_locks_is_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", no_locks)
    write_atomic(tmp_path / "a", lambda path: path.write_text("whole"))
    assert names(tmp_path) == ["a"]
