"""A run that is killed or interrupted is continued by the next."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import pytest
from acquire.fetching import CONTENT, get, names
from acquire.loopback import Loopback
from conftest import ROOT

from saccade.acquire.checksums import Wanted


@pytest.fixture
def site():
    with Loopback({"a.zip": CONTENT}) as server:
        yield server


RUN = """
import signal, sys
from pathlib import Path
from saccade.acquire.checksums import Wanted
from saccade.acquire.download import fetch_all
from saccade.acquire.web_sources import Patience
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
fetch_all([Wanted("a.zip", (sys.argv[1],))], Path(sys.argv[2]), patience=Patience(silence_s=60))
"""


def run_until(site, folder, size: int) -> subprocess.Popen[bytes]:
    """A process that fetches, with so many bytes in its part."""
    arguments = [sys.executable, "-c", RUN, site.url("a.zip"), str(folder)]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    part, ends = folder / "a.zip.part", time.monotonic() + 20
    while not (part.exists() and part.stat().st_size >= size):
        assert process.poll() is None and time.monotonic() < ends
        time.sleep(0.005)
    return process


def test_a_killed_run_is_continued(site, tmp_path):
    site.pause_s = 0.002  # 307 pieces of a thousand bytes
    process = run_until(site, tmp_path, 100_000)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = (tmp_path / "a.zip.part").stat().st_size
    assert 0 < kept < len(CONTENT) and not (tmp_path / "a.zip").exists()
    site.pause_s = 0
    site.asked.clear()
    fetched = get(Wanted("a.zip", (site.url("a.zip"),)), tmp_path)
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert [asked.sent for asked in site.asked] == [len(CONTENT) - kept]


def test_an_interrupted_run_ends_at_once_though_the_server_is_silent(site, tmp_path):
    site.fault("a.zip", hang_after=200_000)
    process = run_until(site, tmp_path, 1 << 17)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT  # the server would be waited for a minute
    assert names(tmp_path) == ["a.zip.part", "a.zip.part.json"]
