"""What `saccade doctor` tells, in small projects."""

import json
import os
import shutil
import socket
import sys
from types import SimpleNamespace

import pytest
import torch
from conftest import ROOT, edit
from seals import seal

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.doctor import machine
from saccade.doctor.datasets import describe_datasets
from saccade.doctor.one_dataset import describe_dataset
from saccade.doctor.papers import describe_papers
from saccade.project import names

CARD = """
dataset: dots
title: Dots
source: https://example.org/dots
licence: CC0
terms: Be kind.
heads:
  noun: {kind: single, classes: [a, b]}
obtained: automatic
expects: [videos, lists]
files:
  videos.zip:
    bytes: 3000000
    sources:
      - {url: "https://example.org/videos.zip", state: dead, seen: "2020", by: me}
      - {url: "https://example.net/videos.zip", state: alive, seen: "2026", by: me}
    unpack: videos
  lists.zip: {bytes: 4, md5: 0cc175b9c0f1b6a831c399e269772661, unpack: lists}
counts: {"": {train: 7, test: 3}, "2": {train: 6, test: 4}}
editions: {"2": {}}
means: {mean: ["2"]}
"""
PAPER = """
paper: toy2026
title: Toys
tables:
  "Table 1":
    title: All
    dataset: dots
    columns: [top1, GFLOPs, seconds]
    rows: [Plain, Wide, Elsewhere, Theirs]
    runs:
      Plain: {run: dots/toy/plain, point: frames1}
      Wide: {run: dots@mean/toy/wide, point: frames1}
      Elsewhere: {run: sparks/toy/plain, point: frames1}
    metrics: {top1: noun.top1, GFLOPs: gmacs.mean}
  "Table 2":
    {title: Context, dataset: dots, columns: [top1], rows: [Theirs]}
"""
REPORTED = """paper,table,row,column,dataset,value,unit,origin,note
toy2026,Table 1,Plain,top1,dots,50,%,own,
toy2026,Table 1,Plain,GFLOPs,dots,2,GMACs per video,own,
toy2026,Table 1,Plain,seconds,dots,2,seconds,own,
toy2026,Table 1,Wide,top1,dots,60,%,own,
toy2026,Table 1,Elsewhere,top1,sparks,70,%,own,
toy2026,Table 1,Theirs,top1,dots,80,%,cited,
toy2026,Table 1,Theirs,GFLOPs,dots,8,GMACs per video,cited,
toy2026,Table 2,Theirs,top1,dots,80,%,cited,
"""


@pytest.fixture
def dots(project, monkeypatch):
    """The project, its dataset published, and a paper; it is where we stand."""
    (project / "data/dots/card.yml").write_text(CARD)
    paper = project / "methods/toy/paper"
    paper.mkdir()
    (paper / "paper.yml").write_text(PAPER)
    (paper / "reported.csv").write_text(REPORTED)
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def doctor(capsys, monkeypatch):
    """`saccade doctor ...`: what it prints, each run of blanks as one; it asks nobody over the network."""

    def refuse(*_):
        raise AssertionError("the network was asked")

    def run(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        monkeypatch.setattr(socket.socket, "connect", refuse)
        assert main(["doctor", *arguments]) == code
        return " ".join(capsys.readouterr().out.split())

    return run


def fetched(project, *names: str) -> None:
    for name in names:
        file = project / "data/dots/raw/downloads" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1234")


def unpacked(project) -> None:
    for folder in ("videos/videos", "lists/lists"):
        (project / "data/dots/raw" / folder).mkdir(parents=True)


def prepared(project, label: str, **more) -> None:
    folder = project / "data/dots/prepared" / label
    folder.mkdir(parents=True)
    (folder / "index.parquet").write_text("")
    lost = [{"video_id": f"v{k}", "path": f"raw/v{k}.avi", "reason": f"raw/v{k}.avi: it is empty"} for k in range(7)]
    coverage = {"problems": lost, "settings": {}, "expected": 10, "usable": 3}
    coverage |= {"expected_by_split": {"train": 6, "val": 1, "test": 3}}
    (folder / "coverage.json").write_text(json.dumps(coverage | more))
    seal(project)


def test_a_dataset_of_which_nothing_is_here(dots, doctor):
    assert "dots automatic: nothing here (2 files, 3 MB) $ saccade acquire dots" in doctor()


@pytest.mark.parametrize("obtained", ["manual", "unavailable"])
def test_a_dataset_that_only_the_user_can_bring(dots, doctor, obtained):
    edit(dots / "data/dots/card.yml", "obtained: automatic", f"obtained: {obtained}")
    assert f"dots {obtained}: nothing here (2 files, 3 MB) $ saccade acquire dots" in doctor()


def test_a_dataset_that_is_fetched_in_part(dots, doctor):
    fetched(dots, "lists.zip")
    assert "dots automatic: fetched 1 of 2 files, 4 bytes of 3 MB; 1 still to unpack $ saccade acquire dots" in doctor()


def test_prepare_comes_before_archives_that_it_can_do_without(dots, doctor):
    edit(dots / "data/dots/card.yml", "files:\n", "files:\n  more.zip: {unpack: videos}\n")
    fetched(dots, "lists.zip", "videos.zip")
    unpacked(dots)
    told = doctor()
    assert "fetched 2 of 3 files, 8 bytes; not here: more.zip; not prepared $ saccade prepare dots" in told
    edit(dots / "data/dots/card.yml", "more.zip: {unpack: videos}", "labels.txt: {}")  # a list is needed
    load_dataset.cache_clear()
    assert "fetched 2 of 3 files, 8 bytes $ saccade acquire dots" in doctor()


def test_a_damaged_ledger_says_what_mends_it(dots, doctor):
    fetched(dots, "lists.zip")
    (dots / "data/dots/raw/acquired.json").write_text("{")
    assert "damaged: remove it and run `saccade acquire dots`, which verifies what is here" in doctor()


def test_a_dataset_that_is_unpacked(dots, doctor):
    fetched(dots, "lists.zip", "videos.zip")
    unpacked(dots)
    told = doctor()
    assert "dots automatic: all here: 2 files, 8 bytes; not prepared $ saccade prepare dots --budget paper" in told


def test_a_users_own_copy_needs_no_files(dots, doctor):
    for folder in ("videos", "lists"):
        (dots / "data/dots/raw" / folder).mkdir(parents=True)
    assert "dots automatic: your own copy is here; not prepared $ saccade prepare dots" in doctor()


def test_what_is_prepared_and_the_config_that_runs_it(dots, doctor):
    unpacked(dots)
    prepared(dots, "demo")
    prepared(dots, "demo@2")
    told = doctor()
    assert f"prepared for demo, demo@2 (6 of 20 videos usable) $ snakemake --cores {os.cpu_count()} " in told
    (dots / "config/demo.yaml").rename(dots / "config/own.yaml")
    assert f"$ snakemake --cores {os.cpu_count()} --configfile config/own.yaml" in doctor(code=1)


def test_without_a_config_a_run_that_a_paper_names_is_proposed(dots, doctor):
    unpacked(dots)
    prepared(dots, "paper")
    edit(dots / "config/demo.yaml", "[dots/toy/*]", "[]")
    edit(
        dots / "methods/toy/paper/paper.yml", "dots@mean/toy/wide", "dots@mean/toy/broad"
    )  # before the other, and unknown
    run = "--configfile config/paper.yaml --config runs='[dots/toy/plain]'"
    assert f"$ snakemake --cores {os.cpu_count()} {run}" in doctor()


def test_what_would_be_prepared_again_is_stale(dots, doctor):
    unpacked(dots)
    prepared(dots, "paper@2", settings={"fold": 2})
    told = doctor()
    assert "prepared for paper@2 (3 of 10 videos usable), stale: fold 2 -> (not read)" in told
    assert "$ saccade prepare dots@2 --budget paper" in told


def test_videos_that_came_after_preparing_ask_to_prepare_again(dots, doctor):
    unpacked(dots)
    lost = [{"video_id": k, "path": f"data/dots/raw/{k}.avi", "kind": "missing", "reason": "no file"} for k in "ab"]
    prepared(dots, "paper", problems=lost)
    assert "stale" not in doctor()
    (dots / "data/dots/raw/a.avi").touch()
    told = doctor()
    assert "stale: 1 of the videos that were missing are here now $ saccade prepare dots --budget paper" in told


def test_what_failed_to_be_prepared_says_so(dots, doctor):
    unpacked(dots)
    prepared(dots, "paper")
    folder = dots / "data/dots/prepared/paper"
    (folder / "index.parquet").unlink()
    (folder / "coverage.json").rename(folder / "coverage.failed.json")
    assert "preparing paper: failed, 7 of 10 videos couldn't be used $ saccade prepare dots" in doctor()


def test_what_was_prepared_and_is_damaged_says_so(dots, doctor):
    unpacked(dots)
    prepared(dots, "paper")
    (dots / "data/dots/prepared/paper/coverage.json").write_text("{")
    assert "coverage.json isn't what was written" in doctor()


def test_videos_that_another_dataset_holds(dots, doctor):
    (dots / "data/few").mkdir()
    card = CARD.replace("dataset: dots", "dataset: few\nvideos_of: dots").replace("expects: [videos, lists]\n", "")
    (dots / "data/few/card.yml").write_text(card[: card.index("files:")] + "files: {few.txt: {}}")
    told = doctor()
    assert "few automatic: nothing here (1 file); videos of dots: nothing here (2 files, 3 MB)" in told
    assert told.count("$ saccade acquire few") == told.count("$ saccade acquire dots") == 1
    (dots / "data/few/raw/downloads").mkdir(parents=True)
    (dots / "data/few/raw/downloads/few.txt").touch()
    assert doctor().count("$ saccade acquire dots") == 2


def test_a_users_own_videos(project, doctor, monkeypatch):
    monkeypatch.chdir(project)
    assert "dots yours: nothing here Ask the authors for videos.zip." in doctor()


def test_an_unreadable_card_is_told_and_the_others_too(dots, doctor):
    (dots / "data/broken").mkdir()
    (dots / "data/broken/card.yml").write_text("dataset: [")
    told = doctor()
    assert "broken wrong:" in told and "dots automatic: nothing here" in told


def test_a_papers_cells_by_what_they_wait_for(dots, doctor):
    told = doctor()
    assert "toy Toys Table 1 1 counted; 2 lacking dots (not here); 1 lacking sparks (no card)" in told
    assert "Table 2" not in told  # nothing of ours


def test_cells_whose_data_are_here_are_ready_and_then_done(dots, doctor):
    unpacked(dots)
    assert "Table 1 1 counted; 2 ready to run; 1 lacking sparks" in doctor()
    run = dots / "results/paper/dots/toy/plain/seed3"
    run.mkdir(parents=True)
    (run / "metrics.json").touch()
    assert "Table 1 1 counted; 1 done; 1 ready to run" in doctor()


def test_cells_of_a_run_that_hears_do_not_wait_for_data_without_sound(dots, doctor):
    edit(dots / "methods/toy/card.yml", "num_frames: 4", "num_frames: 4, modalities: [rgb, audio]")
    edit(dots / "data/dots/card.yml", "heads:\n", "modalities: [rgb]\nheads:\n")
    told = doctor()
    assert "2 not to be run: dots has no audio, which plain needs" in told and "lacking dots" not in told


def test_a_run_that_cannot_be_planned_names_the_command_that_says_why(dots, doctor):
    edit(dots / "methods/toy/paper/paper.yml", "dots/toy/plain", "dots/toy/plane")
    assert "1 not to be planned (saccade plan paper/dots/toy/plane/seed0 says why)" in doctor()


def test_missing_tools_say_what_fails_and_what_mends_it(dots, doctor, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, *_: "/usr/bin/apt-get" if name == "apt-get" else None)
    edit(dots / "data/dots/card.yml", "  lists.zip:", "  lists.rar:")
    told = doctor()
    for name, lacks, package in (
        ("LaTeX", "reports have no PDF", "texlive-latex-recommended lmodern"),
        ("C++ compiler", "compile needs a C++ compiler", "g++"),
        ("RAR", "some RAR archives can't be unpacked (dots)", "unar"),
        ("git", "results don't say of which commit they are", "git"),
    ):
        part = told[told.index(name) :]
        assert lacks in part and f"apt-get install {package}" in part, name


def test_without_torch_the_rest_is_told_and_the_code_is_1(dots, doctor, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    told = doctor(code=1)
    assert "torch can't be loaded:" in told and "nothing can be trained" in told
    assert "pip install -c constraints.txt --force-reinstall torch" in told and "dots automatic: nothing here" in told


def test_a_missing_package_breaks_the_demo(dots, monkeypatch, capsys):
    (dots / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=1", "no-such-package>=2"]\n')
    assert main(["doctor"]) == 1
    error = capsys.readouterr().err
    assert "the demo can't run here: packages: missing: no-such-package" in error and len(error.splitlines()) == 1


def test_a_card_that_the_demo_needs_breaks_it(dots, capsys):
    edit(dots / "methods/toy/card.yml", "title: Toy", "titel: Toy")
    assert main(["doctor"]) == 1
    assert "the demo can't run here" in capsys.readouterr().err


def test_a_disk_that_a_link_leads_to_is_named(dots, doctor, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("large")
    (dots / "results").symlink_to(elsewhere)
    assert f"free (leads to {elsewhere.resolve()})" in doctor()
    elsewhere.rmdir()
    assert "results/ leads to" in (told := doctor(code=1)) and f"$ mkdir -p {elsewhere.resolve()}" in told


def test_gpus_are_named(dots, doctor, monkeypatch):
    gpu = SimpleNamespace(name="Large GPU", total_memory=80 * 2**30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: gpu)
    assert "GPUs Large GPU (80 GiB), Large GPU (80 GiB)" in doctor()


def test_a_driver_without_a_gpu_that_torch_sees_is_a_fault(dots, doctor, monkeypatch):
    monkeypatch.setattr(machine, "DRIVER", dots)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    assert "NVIDIA's driver is here, but torch sees none: everything runs on the processor $ nvidia-smi" in doctor()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "hidden by CUDA_VISIBLE_DEVICES=''" in doctor()


def test_one_dataset_in_full(dots, doctor):
    told = doctor("dots")
    for part in (
        "licence CC0 terms Be kind.",
        "source https://example.org/dots",
        "editions 2, mean (mean of 2)",
        "videos.zip 3 MB, not here, to be unpacked into videos/, no checksum published",
        "dead https://example.org/videos.zip (2020, me) alive https://example.net/videos.zip (2026, me)",
        "lists.zip 4 bytes, not here, to be unpacked into lists/, its md5 published md5 0cc175b9c0f1b6a831c399e2697726",
        "published train 7, test 3 published@2 train 6, test 4",
        "next $ saccade acquire dots",
    ):
        assert part in told, part


def test_one_dataset_in_full_tells_the_checksum_that_was_seen_first(dots, doctor):
    fetched(dots, "videos.zip")
    entry = {"bytes": 4, "sha256": "ab" * 32, "url": None, "date": "2026-11-30"}
    (dots / "data/dots/raw/acquired.json").write_text(json.dumps({"videos.zip": entry}))
    told = doctor("dots")
    assert f"here, to be unpacked into videos/, its sha256 first seen 2026-11-30 sha256 {'ab' * 32}" in told


def test_one_dataset_in_full_holds_what_was_found_against_what_was_published(dots, doctor):
    unpacked(dots)
    prepared(dots, "paper")
    prepared(dots, "paper@2")
    told = doctor("dots")
    assert "paper listed: train 6, val 1, test 3; as many as published; prepared for paper (3 of 10" in told
    assert "paper@2 listed: train 6, val 1, test 3; but published are train 6, test 4" in told
    assert "v4: raw/v4.avi: it is empty and 2 more, in data/dots/prepared/paper/coverage.json" in told


def test_a_dataset_that_nobody_knows(dots, capsys):
    assert main(["doctor", "dotts"]) == 1
    assert "unknown dataset 'dotts'; did you mean 'dots'" in capsys.readouterr().err


@pytest.mark.parametrize("width", [60, 80, 200])
def test_only_what_is_to_be_copied_is_wider_than_the_terminal(dots, monkeypatch, capsys, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["doctor"]) == main(["doctor", "dots"]) == 0
    for line in capsys.readouterr().out.splitlines():
        copied = line.lstrip().startswith("$ ") or len(line.split()) <= 2  # a checksum, an address, a long name
        assert len(line) <= width or copied, line


def test_what_lists_name_is_told_before_and_after_they_are_here(dots, doctor):
    edit(dots / "data/dots/card.yml", "files:\n", "files:\n  parts.txt: {}\n")
    with (dots / "data/dots/card.yml").open("a") as card:
        card.write("listed: [{file: parts.txt, about: 'two parts, 9 GB', unpack: videos}]\n")
    assert "nothing here (3 files, which name more: two parts, 9 GB)" in doctor()
    assert "what parts.txt names (two parts, 9 GB) the list isn't here yet" in doctor("dots")
    fetched(dots, "parts.txt", "b.zip")
    (dots / "data/dots/raw/downloads/parts.txt").write_text("https://example.org/a.zip\nhttps://example.org/b.zip\n")
    assert "dots automatic: fetched 2 of 5 files" in doctor()
    assert "what parts.txt names (two parts, 9 GB) 1 of 2 are here" in doctor("dots")


def test_the_shipped_cards_and_papers_can_be_told():
    told = [*describe_datasets(ROOT, 80), *describe_papers(ROOT, 80)]
    assert not [line for line in told if "wrong:" in line]
    assert not [line for line in told if len(line) > 80 and not line.lstrip().startswith("$ ")]
    for name in names(ROOT, "data"):
        assert list(describe_dataset(ROOT, load_dataset(ROOT, name), 80))[0].startswith(name)
