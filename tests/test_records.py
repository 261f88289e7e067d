import os
import stat

import pytest

from saccade.records import SaccadeError, canonical, read_json, write_atomic, write_json


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(SaccadeError, match="Permission denied; is the folder writable"):
        write_json(tmp_path / "x.json", {})


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "results").touch()
    with pytest.raises(SaccadeError, match=r"cannot write .*results/x.json"):
        write_json(tmp_path / "results/x.json", {})


def test_broken_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(SaccadeError, match=r"x.json is not valid JSON .*remove it"):
        read_json(tmp_path / "x.json")
