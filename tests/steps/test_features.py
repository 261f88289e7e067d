"""Features of a frozen network, computed once per video and trained on: the method `cached` of the toy project, by the
verbs, and through Snakemake."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import edit, new_toy, planned, snakemake
from safetensors.torch import load_file

from saccade import products
from saccade.__main__ import main
from saccade.engine import features as kept
from saccade.files import sha256
from saccade.plan import staleness
from saccade.plan.describe import describe_run
from saccade.plan.features import features_of, features_settings
from saccade.plan.phases import phase_of
from saccade.plan.runs import Run
from saccade.records import SaccadeError
from saccade.steps import features as step
from saccade.steps import train as train_step
from saccade.video import decode, transforms

SHARED, MEAN = "demo/dots@a/cached/shared/seed0", "demo/dots@a/cached/mean/seed0"
HEADS = [f"results/demo/dots@a/cached/{variant}/seed0/head.json" for variant in ("mean", "largest")]
FOLDER = Path("results", SHARED, "base.features")
PRODUCT = Path("results", SHARED, "base.features.json")
CARD, PHASES = "methods/cached/card.yml", "methods/cached/phases.py"
INDEX = "data/dots/prepared/demo@a/index.parquet"
COMPUTE = ["features", SHARED, "base"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The toy project, its network trained: what features are computed of."""
    project, here = new_toy(tmp_path_factory.mktemp("cached")), Path.cwd()
    os.chdir(project)
    assert main(["prepare", "dots@a", "--workers", "1"]) == 0
    assert main(["train", SHARED, "base"]) == 0
    os.chdir(here)
    return project


@pytest.fixture
def project(trained, tmp_path, monkeypatch) -> Path:
    copy = shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.chdir(copy)
    return copy


def ids(*splits: str) -> list[str]:
    index = pd.read_parquet(INDEX)
    return sorted(index.loc[index["split"].isin(splits), "video_id"])


def cached_ids() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*"))


def dates() -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in FOLDER.glob("*")}


def flip(file: Path) -> None:
    """Another bit in its last byte."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_features_are_those_of_the_network_on_the_frames_asked_for(project):
    assert main(COMPUTE) == 0
    row = pd.read_parquet(INDEX).set_index("video_id").loc["v05"]
    weights = load_file(f"results/{SHARED}/base.safetensors")
    settings = features_settings_of(project)
    rgb = transforms.test_clip(decode.read_frames(project / row["path"], np.array([0, 2, 4, 6]), 8).rgb, settings, 0)
    maps = torch.conv2d(rgb, weights["base.convolve.weight"], weights["base.convolve.bias"], stride=8)
    found = load_file(FOLDER / "v05.safetensors")
    assert set(found) == {"timesteps"} and found["timesteps"].shape == (4, 4)
    assert torch.allclose(found["timesteps"], maps.relu().amax((-1, -2)), atol=1e-5)


def features_settings_of(project: Path):
    run = Run.parse(project, SHARED)
    return features_settings(project, run, phase_of(project, run, "base"))


def test_videos_of_test_are_left_out(project):
    assert main(COMPUTE) == 0
    assert cached_ids() == ids("train", "val") and not set(cached_ids()) & set(ids("test"))
    facts = products.read(PRODUCT)
    assert facts["videos"] == 18 and facts["bytes"] == sum(file.stat().st_size for file in FOLDER.glob("*"))


def test_a_killed_job_goes_on_video_by_video_to_the_same_bytes(project, monkeypatch, capsys):
    assert main(COMPUTE) == 0
    whole = PRODUCT.read_bytes()
    shutil.rmtree(FOLDER)
    PRODUCT.unlink()
    write, written = kept.write, []

    def deadly(folder, video, *rest):
        if len(written) == 6:  # in the middle of the second batch
            raise KeyboardInterrupt
        write(folder, video, *rest)
        written.append(video)

    monkeypatch.setattr(kept, "write", deadly)
    assert main(COMPUTE) == 130
    assert len(cached_ids()) == 6 and not PRODUCT.exists()
    before = dates()
    monkeypatch.setattr(kept, "write", write)
    capsys.readouterr()
    assert main(COMPUTE) == 0
    assert "the features of 6 of 18 videos were there already" in capsys.readouterr().err
    assert {name: date for name, date in dates().items() if name in before} == before
    assert PRODUCT.read_bytes() == whole


def test_a_damaged_file_is_refused_named_and_alone_made_anew(project, capsys):
    assert main(COMPUTE) == 0
    whole, before = PRODUCT.read_bytes(), dates()
    damaged = FOLDER / f"{ids('train')[0]}.safetensors"
    flip(damaged)
    line = f"{damaged} isn't what was written (its checksum differs from the one in base.features.json); make it anew: "
    line += f"python -m saccade features {SHARED} base"
    for verb in (["train", MEAN, "head"], ["verify"]):
        assert main(verb) == 1
        said = capsys.readouterr()
        assert line in said.out + said.err
    assert main(COMPUTE) == 0
    assert [name for name, date in dates().items() if date != before[name]] == [damaged.name]
    assert PRODUCT.read_bytes() == whole and main(["verify"]) == 0 and main(["train", MEAN, "head"]) == 0


def test_a_lost_file_or_product_is_missed(project, capsys):
    assert main(["train", MEAN, "head"]) == 1
    assert f"base.features.json is missing; make it anew: python -m saccade features {SHARED} base" in (
        capsys.readouterr().err
    )
    assert main(COMPUTE) == 0
    (FOLDER / f"{ids('val')[0]}.safetensors").unlink()
    for verb in (["train", MEAN, "head"], ["verify"]):
        assert main(verb) == 1
        said = capsys.readouterr()
        assert f"{ids('val')[0]}.safetensors is missing; make it anew" in said.out + said.err


def test_features_of_other_weights_are_not_trained_on_and_are_computed_again(project, capsys):
    assert main(COMPUTE) == 0
    before = dates()
    edit(project / PHASES, ".mean(1)", ".amax(1)")
    again = shutil.copytree(project, project.parent / "again")  # cards are read once per folder
    os.chdir(again)
    assert main(["train", SHARED, "base"]) == 0
    capsys.readouterr()
    assert main(["train", MEAN, "head"]) == 1
    assert f"was made with other weights than results/{SHARED}/base.json has now" in capsys.readouterr().err
    assert main(COMPUTE) == 0
    assert not set(before.items()) & set(dates().items()) and main(["train", MEAN, "head"]) == 0


def test_features_made_otherwise_are_not_trained_on(project, capsys, monkeypatch):
    """With settings that only the features function reads, or by other code; by other code alone where it counts on
    request."""
    remedy = f"this makes it anew: python -m saccade features {SHARED} base"
    assert main(COMPUTE) == 0 and main(["train", MEAN, "head"]) == 0
    edit(project / CARD, "settings: {num_frames: 4", "settings: {timesteps: 3, num_frames: 4")
    again = shutil.copytree(project, project.parent / "again")  # cards are read once per folder
    os.chdir(again)
    assert main(["train", MEAN, "head"]) == 1
    said = f"base.features.json was made otherwise than it would be now: timesteps 4 -> 3; {remedy}"
    assert said in capsys.readouterr().err
    assert main(COMPUTE) == 0 and main(["train", MEAN, "head"]) == 0
    edit(again / PHASES, "model.features(frames.get(numbers))", "model.features(frames.get(numbers)) / 2")
    staleness.features_code.cache_clear()
    assert main(["train", MEAN, "head"]) == 1
    said = f"base.features.json was made otherwise than it would be now: its code changed; {remedy}"
    assert said in capsys.readouterr().err
    monkeypatch.setattr(staleness, "ALWAYS_CURRENT", ())
    assert main(["train", MEAN, "head"]) == 0


def test_other_splits_take_away_the_features_of_videos_that_left(project, capsys):
    assert main(COMPUTE) == 0
    was = cached_ids()
    edit(project / "data/dots/card.yml", "a: {fold: 0}", "a: {fold: 2}")
    os.chdir(shutil.copytree(project, project.parent / "again"))
    assert main(["prepare", "dots@a", "--workers", "1"]) == 0
    assert main(["train", MEAN, "head"]) == 1
    assert "was made of other data than" in capsys.readouterr().err
    assert main(COMPUTE) == 0
    assert cached_ids() == ids("train", "val") != was


def test_more_than_features_mb_is_refused_with_the_estimate(project, capsys):
    """18 videos of 4 x 8000 numbers of 4 bytes: 2.3 MB."""
    edit(project / PHASES, "model.features(frames.get(numbers))", "model.features(frames.get(numbers)).repeat(1, 2000)")
    edit(project / CARD, "settings: {", "settings: {features_mb: 2, ")
    assert main(COMPUTE) == 1
    said = capsys.readouterr().err
    assert "the features of 18 videos would take about 3 MB in" in said and "features_mb to 3 or more" in said
    assert not cached_ids() and not PRODUCT.exists()


def test_a_disk_without_room_is_told_before_it_is_full(project, monkeypatch, capsys):
    monkeypatch.setattr(step.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))
    assert main(COMPUTE) == 1
    assert "its disk has 0 MB free; make room" in capsys.readouterr().err and not cached_ids()


def test_what_is_not_finite_names_the_video(project, capsys):
    edit(project / PHASES, "model.features(frames.get(numbers))", "model.features(frames.get(numbers)) / 0")
    assert main(COMPUTE) == 1
    assert "the features 'timesteps' are not finite" in capsys.readouterr().err


def test_a_training_is_not_taken_up_on_other_features(project, monkeypatch):
    assert main(COMPUTE) == 0
    seen, make = [], train_step.Checkpoint
    monkeypatch.setattr(train_step, "Checkpoint", lambda file, identity, *rest: seen.append(identity) or make(file))
    assert main(["train", MEAN, "head"]) == 0
    assert seen[0]["features"] == [products.read(PRODUCT)["sha256"]]


def test_plan_tells_of_features(project):
    def told() -> list[str]:
        return [line.strip() for line in describe_run(project, Run.parse(project, MEAN)).splitlines()[3:8]]

    assert told()[2:4] == [
        "features: not computed yet; are when a phase that takes them is trained",
        "phase head: needs shared/base; takes the features of shared/base; trains head.*",
    ]
    assert main(COMPUTE) == main(["train", MEAN, "head"]) == 0
    assert told()[2] == "features: computed, up to date" and told()[4] == "trained, up to date"
    edit(project / PHASES, "place * frames.frames //", "0 * frames.frames //")
    staleness.features_code.cache_clear()  # in one process code is read once
    told_now = told()
    assert told_now[2] == "features: would be computed again: its code changed"
    assert told_now[4] == "trained; runs again if the features of base change"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "features: [shared/base]",
            "features: [shared/bass]",
            "takes the features of 'shared/bass', which doesn't exist",
        ),
        ("needs: [shared/base]", "needs: []", "'shared/base' isn't among what the phase needs"),
        (
            "needs: [shared/base], trains: [head.*], features: [shared/base]",
            "needs: [dots@b/cached/shared/base], trains: [head.*], features: [dots@b/cached/shared/base]",
            "gives features of its own data's videos, dots@b, and not of dots@a's",
        ),
    ],
)
def test_a_card_that_names_no_features_is_told_why(project, old, new, message):
    edit(project / CARD, old, new)
    run = Run.parse(project, MEAN)
    with pytest.raises(SaccadeError, match=r"card\.yml: .*") as told:
        features_of(project, run, phase_of(project, run, "head"))
    assert message in str(told.value)


def test_a_layer_of_the_card_may_take_other_features(project):
    edit(project / CARD, "pool: largest}", "pool: largest, phases: {head: {features: []}}}")
    edit(project / CARD, "[shared/base], reads", "['dots@{edition}/cached/shared/base'], reads")
    taken = {}
    for variant in ("mean", "largest"):
        run = Run.parse(project, f"demo/dots@a/cached/{variant}/seed0")
        taken[variant] = [str(one.product) for one in features_of(project, run, phase_of(project, run, "head"))]
    assert taken == {"mean": [str(PRODUCT)], "largest": []}


def test_ids_that_are_no_file_names_have_files(tmp_path):
    folder, odd = (
        tmp_path / "results/demo/d/m/v/seed0/base.features",
        ["plain-1.a", "a/b", "..", "é" * 90, "x" * 300, ""],
    )
    for number, video in enumerate(odd):
        kept.write(folder, video, {"x": torch.full((2,), number)}, "one")
    files = {kept.file_name(video): sha256(folder / kept.file_name(video)) for video in odd}
    assert len(files) == len(odd) == len(list(folder.glob("*"))) and "plain-1.a.safetensors" in files
    product = folder.with_name("base.features.json")
    products.write(product, dict.fromkeys(("sha256", "settings", "code", "weights", "data"), ""), files)
    found = kept.Features(product)
    assert [found[video]["x"].tolist() for video in odd] == [[number] * 2 for number in range(len(odd))]
    with pytest.raises(SaccadeError, match="has no features of video other"):
        found["other"]


def test_a_file_of_another_video_or_identity_is_not_current(tmp_path):
    kept.write(tmp_path, "v", {"x": torch.ones(2)}, "one")
    file = tmp_path / "v.safetensors"
    assert kept.is_current(file, "v", "one")
    assert not kept.is_current(file, "w", "one") and not kept.is_current(file, "v", "other")
    flip(file)
    assert not kept.is_current(file, "v", "one")


@pytest.fixture(scope="module")
def flow(tmp_path_factory) -> tuple[Path, str]:
    """Both heads, trained by Snakemake, and what it said."""
    project = new_toy(tmp_path_factory.mktemp("flow"))
    done = snakemake(project, "--configfile", "config/cached.yaml", "--", *HEADS)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return project, done.stdout + done.stderr


def jobs(project: Path) -> dict[str, int]:
    return planned(project, "--configfile", "config/cached.yaml", "--", *HEADS)


@pytest.mark.slow
def test_two_variants_share_features_and_a_second_run_does_nothing(flow):
    project, said = flow
    assert re.search(r"^features +1$", said, re.M) and re.search(r"^train +3$", said, re.M)
    assert jobs(project) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (CARD, "{trains: [base.*]", "{trains: [base.convolve.*, base.classify.*]", {"train": 3, "features": 1}),
        (CARD, "settings: {", "settings: {width: 5, ", {"train": 3, "features": 1}),
        (CARD, "settings: {", "settings: {timesteps: 2, ", {"train": 2, "features": 1}),
        (PHASES, "place * frames.frames //", "0 * frames.frames //", {"train": 2, "features": 1}),
        (PHASES, "from pictures, and", "from clips, and", {}),
        (CARD, "settings: {", "settings: {features_mb: 10, ", {}),
    ],
)
def test_what_makes_features_anew(flow, tmp_path, file, old, new, expected):
    project = shutil.copytree(flow[0], tmp_path / "copy")
    edit(project / file, old, new)
    assert jobs(project) == expected


@pytest.mark.slow
def test_features_may_go_once_all_is_trained(flow, tmp_path):
    project = shutil.copytree(flow[0], tmp_path / "copy")
    shutil.rmtree(project / FOLDER)
    (project / PRODUCT).unlink()
    assert jobs(project) == {}
