"""How a process uses the machine."""

import platform
import subprocess
import sys

import pytest

FRESH_PAGES = """
import resource, torch
from saccade.engine.device import seed_everything
seed_everything(0, threads=1)
def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**24).add(1)  # two maps of 64 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(*(pages() for _ in range(20)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library isn't glibc")
def test_memory_that_was_freed_is_used_again():
    done = subprocess.run([sys.executable, "-c", FRESH_PAGES], capture_output=True, text=True, check=True)
    first, *later = map(int, done.stdout.split())
    assert sum(later) < 6 * first, done.stdout  # about 2; a process that gives its memory back fetches it 19 times
