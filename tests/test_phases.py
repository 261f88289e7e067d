"""Phases at the scale of five methods, with a toy one (tests/toy): a need that several runs share, a grid of variants, a gate that
fails, a calibration, two editions, published weights; through Snakemake from end to end, then what each kind of edit makes it plan."""

import json
import shutil

import pandas as pd
import pytest
import torch
from conftest import ROOT, copy_project, edit, planned, snakemake

from saccade import describe, plan, report
from saccade.records import read_json

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("phases")]
TARGETS = ("results/demo/metrics.csv", "results/demo/planned.csv")
SHARED = "results/demo/dots@a/toy/shared/seed0"
K1, K2 = "results/demo/dots@a/toy/k1/seed0", "results/demo/dots@b/toy/k2/seed0"
RELEASED = "results/demo/dots@a/toy/released/seed0"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The toy project, run before its published weights were brought."""
    project = copy_project(tmp_path_factory.mktemp("toy"), ["Snakefile", "workflow", "profiles", "saccade", "environment.yml"])
    shutil.copytree(ROOT / "tests/toy", project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    done = snakemake(project, *TARGETS)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return project


def test_x(finished):
    print(finished)
    for p in sorted((finished/"results").rglob("*")): print(p)
    print((finished/"results/demo/planned.csv").read_text())
    print((finished/"results/demo/metrics.csv").read_text())
    print((finished/SHARED/"policy.json").read_text())
    print(describe.describe_run(finished, plan.Run.parse(finished, K1)))
    assert 0
