"""A user's own videos, from class folders through Snakemake to `try`."""

import re
import subprocess
import sys

import pandas as pd
import pytest
from conftest import copy_project, edit, planned, snakemake
from numbered import encode

pytestmark = pytest.mark.slow


def test_own_videos_from_folders_to_a_strip(tmp_path):
    """A table in another encoding stops its own runs alone. Videos put into class folders are dealt, learned and
    predicted; one more video is noticed; a new one is tried."""
    own = copy_project(tmp_path)
    both = "runs=[folder/tsm/resnet18-tiny-t8,motion-digits/tsn/resnet10-tiny]"
    (own / "data/folder/raw").mkdir()
    (own / "data/folder/raw/videos.csv").write_bytes("path,label\nvidéo.mp4,tall\n".encode("cp1252"))
    done = snakemake(own, "--dry-run", "--config", both)
    assert done.returncode == 0 and "prepare" in done.stdout and "Traceback" not in done.stderr, done.stderr
    assert re.search(r"left out: .*videos.csv: line 2, byte 4: 0xe9 is no UTF-8", done.stdout + done.stderr)
    (own / "data/folder/raw/videos.csv").unlink()
    for label, size in (("tall", (48, 64)), ("wide", (96, 64))):
        (own / "data/folder/raw" / label).mkdir(parents=True)
        for number in range(4):
            encode(own / "data/folder/raw" / label / f"{number}.mp4", frames=10 + number, size=size)
    edit(own / "methods/tsm/card.yml", "    epochs: 20\n    batch_size: 8\n", "    epochs: 2\n    batch_size: 8\n")
    run = "own/folder/tsm/resnet18-tiny-t8/seed0"
    arguments = ["--configfile", "config/own.yaml", "--", f"results/{run}/metrics.json"]
    done = snakemake(own, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = pd.read_parquet(own / f"results/{run}/predictions.parquet")
    assert set(rows["video_id"].str.split("/").str[0]) == {"tall", "wide"}
    assert planned(own, *arguments) == {}
    encode(own / "data/folder/raw/wide/4.mp4", frames=14, size=(96, 64))
    assert set(planned(own, *arguments)) == {"prepare", "train", "predict", "score"}
    command = [sys.executable, "-m", "saccade", "try", run, "data/folder/raw/wide/4.mp4", "--out", "strips"]
    tried = subprocess.run(command, cwd=own, capture_output=True, text=True)
    assert tried.returncode == 0 and re.search(r"%  (tall|wide)\n", tried.stdout), tried.stdout + tried.stderr
    assert (own / "strips/4-uniform.png").is_file()
