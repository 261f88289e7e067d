"""What the user can mend is one line and exit code 1; anything else is a traceback and one line that says so."""

import os
import signal

import pytest
from conftest import edit

from saccade.__main__ import main
from saccade.records import SaccadeError
from saccade.unforeseen import EXIT_CODE


def ask(project, monkeypatch, capsys, error) -> tuple[int, str]:
    def fail(*_):
        raise error

    monkeypatch.chdir(project)
    monkeypatch.setattr("saccade.verbs.describe_project", fail)
    code = main(["list"])
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (SaccadeError("x.yml: lr is wrong"), "x.yml: lr is wrong"),
        (FileNotFoundError(2, "No such file or directory", "a.txt"), "a.txt: No such file or directory"),
        (
            OSError(28, "No space left on device"),
            "No space left on device; is there room on the disk, and in the folder of temporary files?",
        ),
        (MemoryError(), "too little memory: MemoryError; smaller batches"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 400 bytes."),
            "too little memory: DefaultCPUAllocator: can't allocate memory",
        ),
    ],
)
def test_what_the_user_can_mend_is_one_line(project, monkeypatch, capsys, error, says):
    code, said = ask(project, monkeypatch, capsys, error)
    assert code == 1 and said.startswith(f"saccade: {says}") and said.count("\n") == 1


def test_lines_of_a_message_stay_lines_and_nothing_else_garbles_them(project, monkeypatch, capsys):
    error = SaccadeError("no source gives it:\nhttps://a.org: 404\nhttps://b.org: \x1b[2J")
    code, said = ask(project, monkeypatch, capsys, error)
    assert code == 1
    assert said == "saccade: no source gives it:\nhttps://a.org: 404\nhttps://b.org: \\x1b[2J\n"


def test_a_bug_says_that_it_is_one_and_what_to_report(project, monkeypatch, capsys):
    code, said = ask(project, monkeypatch, capsys, ValueError("cannot reshape array"))
    assert code == EXIT_CODE and "Traceback" in said and "ValueError: cannot reshape array" in said
    assert said.splitlines()[-1].startswith("saccade: this is a bug of Saccade's: please report the lines above")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_a_library_makes_of_being_stopped_is_no_bug(project, monkeypatch, capsys, number):
    def library(*_):
        try:
            os.kill(os.getpid(), number)
        except BaseException as stop:
            raise RuntimeError(f"error in a callback: {stop!r}") from None

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.chdir(project)
    monkeypatch.setattr("saccade.verbs.describe_project", library)
    try:
        assert main(["list"]) == 128 + number
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "saccade: interrupted\n"


@pytest.mark.parametrize("workers", ["0", "-3", "x", "1.5"])
def test_a_number_of_workers_is_one(project, monkeypatch, capsys, workers):
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit, match="2"):
        main(["prepare", "dots", "--workers", workers])
    assert f"argument --workers: '{workers}' must be a whole number from 1 up" in capsys.readouterr().err


def test_a_folder_is_no_video_and_a_file_no_folder_for_strips(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    (project / "a.txt").touch()
    assert main(["try", "demo/dots/toy/plain/seed0", "config"]) == 1
    assert capsys.readouterr().err == "saccade: config is a folder; name the videos in it, as config/*\n"
    assert main(["try", "demo/dots/toy/plain/seed0", "x.mp4", "--out", "a.txt"]) == 1
    assert "cannot write into a.txt: File exists; is it a writable folder" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["def (", "import nothing_of_the_kind", "1 / 0"])
def test_a_bug_in_a_methods_own_code_names_its_file(project, monkeypatch, capsys, wrong):
    edit(project / "methods/toy/settings.py", "@dataclass", f"{wrong}\n@dataclass")
    monkeypatch.chdir(project)
    assert main(["list"]) == EXIT_CODE
    last = capsys.readouterr().err.splitlines()[-1]
    assert "a bug of Saccade's, or of methods/toy/settings.py where that code is yours" in last
