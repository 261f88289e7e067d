import os
import stat

import pytest
from safetensors import SafetensorError

from saccade.__main__ import main
from saccade.files import need_writable, read_json, write_atomic, write_json
from saccade.plan import staleness
from saccade.records import SaccadeError, canonical


def test_canonical_text_does_not_depend_on_the_order_of_keys():
    assert canonical({"b": 1, "a": [1, 2.5]}) == canonical({"a": [1, 2.5], "b": 1}) == '{"a":[1,2.5],"b":1}'


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    write_json(tmp_path / "x.json", {"a": 1})

    def fail(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(SaccadeError, match=r"cannot write .*x.json: No space left on device"):
        write_atomic(tmp_path / "x.json", fail)
    assert read_json(tmp_path / "x.json") == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


def test_a_full_disk_is_told_by_a_library_in_its_own_words(tmp_path):
    """safetensors passes on what the system says in an error of its own."""

    def fill(path):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with pytest.raises(SaccadeError, match=r"cannot write .*x.safetensors: No space left on device; is the folder"):
        write_atomic(tmp_path / "x.safetensors", fill)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(SaccadeError, match="Permission denied; is the folder writable"):
        write_json(tmp_path / "x.json", {})


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "results").touch()
    with pytest.raises(SaccadeError, match=r"cannot write .*results/x.json"):
        write_json(tmp_path / "results/x.json", {})


def test_a_training_that_could_not_be_kept_does_not_begin(project, monkeypatch, capsys):
    (project / "results/demo").mkdir(parents=True)
    (project / "results/demo/checkpoints").touch()  # a file, so that it holds for root too
    monkeypatch.chdir(project)
    monkeypatch.setattr("saccade.verbs.why_blocked", lambda *_: None)
    monkeypatch.setattr(staleness, "train_code", lambda *_: "abc")
    monkeypatch.setattr("saccade.steps.train.train", lambda _: pytest.fail("it began"))
    assert main(["train", "demo/dots/toy/plain/seed0", "base"]) == 1
    assert (
        "cannot write into" in (said := capsys.readouterr().err)
        and "results/demo/checkpoints/dots/toy/plain/seed0" in said
    )


def test_asking_whether_a_folder_is_writable_leaves_nothing_in_it(tmp_path):
    need_writable(tmp_path / "a/b")
    assert list((tmp_path / "a/b").iterdir()) == []


def test_broken_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(SaccadeError, match=r"x.json is not valid JSON .*remove it"):
        read_json(tmp_path / "x.json")
