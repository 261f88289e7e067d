"""What was seen first is kept and compared ever after."""

import datetime
import json
import subprocess
import sys

import pytest
from conftest import ROOT

from saccade.acquire.checksums import Fetched
from saccade.acquire.ledger import Entry, Ledger, Unpacked
from saccade.records import SaccadeError

SHA256, OTHER = "a" * 64, "b" * 64
FETCHED = Fetched("a.zip", 7, SHA256, "https://files.invalid/a.zip")
CHANGED = Fetched("a.zip", 8, OTHER, "https://mirror.invalid/a.zip")


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path)
    made.record(FETCHED)
    return made


def test_a_file_is_recorded_with_its_origin_and_the_day(tmp_path, ledger):
    assert json.loads((tmp_path / "acquired.json").read_text()) == {
        "a.zip": {
            "bytes": 7,
            "sha256": SHA256,
            "url": "https://files.invalid/a.zip",
            "date": datetime.date.today().isoformat(),
            "unpacked": None,
        }
    }


def test_nothing_was_seen_where_no_ledger_is(tmp_path):
    assert Ledger(tmp_path / "raw").entries() == {}
    Ledger(tmp_path / "raw").check("a.zip", 7, SHA256)
    assert not (tmp_path / "raw").exists()


def test_the_same_file_is_right(ledger):
    ledger.check("a.zip", 7, SHA256)


@pytest.mark.parametrize("bytes, sha256", [(8, SHA256), (7, OTHER)])
def test_another_file_is_refused(ledger, bytes, sha256):
    today = datetime.date.today().isoformat()
    with pytest.raises(SaccadeError) as error:
        ledger.check("a.zip", bytes, sha256)
    for said in (sha256, SHA256, "from https://files.invalid/a.zip", today, "--accept-changed"):
        assert said in str(error.value)
    with pytest.raises(SaccadeError, match="accept-changed"):
        ledger.record(Fetched("a.zip", bytes, sha256))


def test_a_change_can_be_accepted_and_is_what_is_compared_from_then_on(tmp_path, ledger):
    ledger.record_unpacked("a.zip", Unpacked(into="videos/a", files=3, bytes=9))
    Ledger(tmp_path, accept_changed=["*"]).record(CHANGED)
    entry = ledger.entries()["a.zip"]
    assert (entry.sha256, entry.url, entry.unpacked) == (OTHER, CHANGED.url, None)
    with pytest.raises(SaccadeError, match="from https://mirror.invalid"):
        ledger.check("a.zip", 7, SHA256)


def test_what_the_user_put_there_is_said_to_be(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.record(Fetched("a.zip", 7, SHA256))
    with pytest.raises(SaccadeError, match="but what was put there by hand on 2"):
        ledger.check("a.zip", 8, OTHER)


def test_what_was_seen_first_stays(ledger):
    ledger.record_unpacked("a.zip", Unpacked(into="videos/a", files=3, bytes=9))
    before = ledger.entries()
    ledger.record(Fetched("a.zip", 7, SHA256, "https://mirror.invalid/a.zip"))
    assert ledger.entries() == before


def test_what_was_unpacked_is_kept_and_forgotten(ledger):
    unpacked = Unpacked(into="videos/a", files=3, bytes=9)
    ledger.record_unpacked("a.zip", unpacked)
    assert ledger.entries()["a.zip"].unpacked == unpacked
    ledger.record_unpacked("a.zip", None)
    assert ledger.entries()["a.zip"].unpacked is None
    with pytest.raises(SaccadeError, match="has no 'b.zip'"):
        ledger.record_unpacked("b.zip", unpacked)


@pytest.mark.parametrize(
    "text, says",
    [
        ("{", "acquired.json is not valid JSON"),
        ("[]", "acquired.json holds no mapping"),
        ('{"a.zip": {"bytes": 7}}', "acquired.json: a.zip: 'sha256' is missing"),
        ('{"a.zip": []}', "acquired.json: a.zip must be a mapping"),
        ('{"a.zip": {"bytes": "7", "sha256": "x", "url": null, "date": ""}}', "acquired.json: a.zip.*int is expected"),
    ],
)
def test_a_damaged_ledger_is_named_and_left_alone(tmp_path, text, says):
    (tmp_path / "acquired.json").write_text(text)
    for answer in (Ledger(tmp_path).entries, lambda: Ledger(tmp_path).record(FETCHED)):
        with pytest.raises(SaccadeError, match=says):
            answer()
    assert (tmp_path / "acquired.json").read_text() == text


RECORD = """
import sys
from pathlib import Path
from saccade.acquire.checksums import Fetched
from saccade.acquire.ledger import Ledger
for number in range(15):
    Ledger(Path(sys.argv[1])).record(Fetched(f"{sys.argv[2]}.{number}", 1, "a" * 64))
"""


def test_two_processes_lose_none_of_each_others_files(tmp_path):
    both = [subprocess.Popen([sys.executable, "-c", RECORD, str(tmp_path), name], cwd=ROOT) for name in "ab"]
    assert [process.wait(30) for process in both] == [0, 0]
    assert len(Ledger(tmp_path).entries()) == 30


def test_an_entry_needs_a_checksum():
    with pytest.raises(ValueError, match="sha256"):
        Entry(bytes=1, sha256="short", url=None, date="2026-01-01")
