"""A file is what is wanted, or it is said what is wrong."""

import hashlib
import subprocess

import pytest

from saccade.acquire.checksums import Fetched, Wanted, git_blob, verify
from saccade.records import SaccadeError

TEXT = b"hello\n"
SUMS = {
    "sha256": "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
    "md5": "b1946ac92492d2347c6235b4d2611184",
    "git_blob": "ce013625030ba8dba906f756967f9e9ca394464a",
}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT)
    return tmp_path / "a.txt"


def test_what_the_user_put_there_is_right(file):
    wanted = Wanted("a.txt", bytes=6, hashes={kind: text.upper() for kind, text in SUMS.items()})
    assert verify(wanted, file) == Fetched("a.txt", 6, SUMS["sha256"])


@pytest.mark.parametrize("kind", SUMS)
def test_a_wrong_checksum_is_told_with_the_right_one(file, kind):
    with pytest.raises(SaccadeError, match=f"a.txt isn't the file .* its {kind} is {SUMS[kind]}, and f0+ is right"):
        verify(Wanted("a.txt", hashes={kind: "F" + "0" * (len(SUMS[kind]) - 1)}), file)


def test_a_wrong_size_is_told_with_the_right_one_and_nothing_is_read(file):
    with pytest.raises(SaccadeError, match="it has 6 bytes, and 6,960,400,115 are right"):
        verify(Wanted("a.txt", bytes=6_960_400_115), file, tell=pytest.fail)


def test_of_a_link_it_is_said_where_it_leads(file, tmp_path):
    (tmp_path / "link").symlink_to(file)
    with pytest.raises(SaccadeError, match=f"link, a link to {file.resolve()}, isn't the file"):
        verify(Wanted("a.txt", bytes=7), tmp_path / "link")


def test_an_empty_file_is_none(file):
    file.write_bytes(b"")
    with pytest.raises(SaccadeError, match="it is empty"):
        verify(Wanted("a.txt"), file)


@pytest.mark.parametrize("damage", ["gone", "folder"])
def test_what_cannot_be_read_is_named(file, damage):
    file.unlink()
    if damage == "folder":
        file.mkdir()
    with pytest.raises(SaccadeError, match="a.txt can't be read: (No such file|Is a directory)"):
        verify(Wanted("a.txt"), file)


def test_reading_is_told(tmp_path):
    (tmp_path / "a").write_bytes(bytes(300_000))
    told = []
    found = verify(Wanted("a"), tmp_path / "a", told.append)
    assert sum(told) == 300_000 and len(told) > 1
    assert found.sha256 == hashlib.sha256(bytes(300_000)).hexdigest()


def test_git_names_files_so(file):
    said = subprocess.run(["git", "hash-object", "--no-filters", file], capture_output=True, text=True, check=True)
    assert git_blob(file) == said.stdout.strip()
