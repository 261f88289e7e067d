"""Published weights on a user's own videos, through the command line: a small network of TSN's stands for them."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from conftest import ROOT, edit
from numbered import encode
from safetensors.torch import load_file

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.files import read_json
from saccade.plan import staleness
from saccade.plan.availability import why_blocked, why_not_imported
from saccade.plan.describe import stale
from saccade.plan.layers import heads_of, resolve
from saccade.plan.phases import phase_of
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head
from saccade.report import answer_table

RUN = "released/folder/tsn/mini-released/seed0"
NAMES = ["bench pressing", "jumping rope", "Naïve dancing", "walking"]
VARIANT = """
  mini-released:
    backbone: resnet10
    width: 0.0625
    weights: none
    num_frames: 3
    resize: 32
    crop: 32
    device: cpu
    use: [import]
    released: {file: mini.pth, get: "ask its authors", num_classes: 4, class_names: released/names.txt}
  kitchen-released:
    <<: &mini {backbone: resnet10, width: 0.0625, weights: none, num_frames: 3, resize: 32, crop: 32, device: cpu}
    use: [import]
    released: {file: kitchen.pth, get: "ask", num_classes: {verb: 3, noun: 6}, class_names: {verb: released/verbs.txt}}
  kitchen-backbone:
    <<: *mini
    part: true
    use: [import]
    phases: {import: {trains: [backbone.*]}}
    released: {file: kitchen.pth, get: "ask", drops: ["average.*"]}
"""
KITCHEN = "released/folder/tsn/kitchen-released/seed0"
IMPORT = """

def import_released(settings, heads, published):
    own = {"verb", "noun"} & {head.name for head in heads}
    backbone = "their" not in str(list(published)) and not own
    return {
        name.replace("their", heads[0].name): tensor
        for name, tensor in published.items()
        if not backbone or name.startswith("backbone.")
    }
"""


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project whose TSN has published weights; neither they nor any video is there yet."""
    ignore = shutil.ignore_patterns("__pycache__", "raw", "prepared", "released")
    for name in ("saccade", "methods/tsn", "data", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    (tmp_path / "Snakefile").touch()
    card = tmp_path / "methods/tsn/card.yml"
    edit(card, "\nbudgets:\n", "\n  import: {trains: [backbone.*, average.*]}\n\nbudgets:\n")
    edit(card, "\nvariants:\n", f"\nvariants:{VARIANT}")
    (tmp_path / "methods/tsn/phases.py").open("a").write(IMPORT)
    (tmp_path / "data/folder/raw").mkdir()
    monkeypatch.chdir(tmp_path)
    forget()
    yield tmp_path
    forget()


def forget():
    load_dataset.cache_clear()
    load_method.cache_clear()


def publish(root: Path, names: bool = True) -> None:
    """Brings the file, and the names of the classes."""
    heads = (Head("their", "single", tuple(NAMES)),)
    torch.manual_seed(0)
    model = load_module(root / "methods/tsn/model.py").build(resolve(root, Run.parse(root, RUN)).typed, heads)
    (root / "methods/tsn/released").mkdir(exist_ok=True)
    torch.save(model.state_dict(), root / "methods/tsn/released/mini.pth")
    if names:
        (root / "methods/tsn/released/names.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")


def lay(root: Path, *videos: str) -> None:
    for number, video in enumerate(videos):
        path = root / "data/folder/raw" / video
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(path, frames=8 + number)
    forget()


def rows(root: Path) -> dict[str, dict]:
    """{metric: its row} of the first point."""
    found = read_json(root / "results" / RUN / "metrics.json")["rows"]
    return {row["metric"]: row for row in found if row["point"] == found[0]["point"]}


def first_point(root: Path, table: str) -> pd.DataFrame:
    found = pd.read_parquet(root / "results" / RUN / f"{table}.parquet")
    return found[found["point"] == found["point"].iloc[0]].set_index("video_id")


def test_any_clip_can_be_tried_with_no_videos_of_ones_own(project, capsys):
    """`try` brings the weights in by itself; without their file it says where to get it, without the names of the
    classes it says where these go."""
    clip = encode(project / "clip.mp4", frames=8)
    assert main(["try", RUN, str(clip)]) == 1
    assert "methods/tsn/released/mini.pth is missing; ask its authors" in capsys.readouterr().err
    publish(project, names=False)
    assert main(["try", RUN, str(clip), "--out", "strips"]) == 0
    said = capsys.readouterr().out
    assert said.count("%  class ") == 4 and "GMACs" in said and (project / "strips").is_dir()
    assert "put them into methods/tsn/released/names.txt, one a line in the order of the classifier's outputs" in said
    publish(project)
    assert main(["try", RUN, str(clip)]) == 0
    said = capsys.readouterr().out
    assert all(f"%  {name}\n" in said for name in NAMES) and "one a line" not in said


def test_a_file_that_was_replaced_is_noticed_whatever_its_date(project):
    """Another set's has the same name, and may have been downloaded before the first was imported."""
    publish(project)
    lay(project, "jump/a.mp4")
    run, file = Run.parse(project, RUN), project / "methods/tsn/released/mini.pth"
    phase = phase_of(project, run, "import")
    assert main(["train", RUN, "import"]) == 0 and stale(project, run, phase) == []
    decided = staleness.train_params(project, run, phase)
    torch.save({name: tensor + 1 for name, tensor in torch.load(file).items()}, file)
    os.utime(file, (1e9, 1e9))
    assert staleness.train_params(project, run, phase) != decided
    assert stale(project, run, phase) == ["its published file is another"]  # as `plan` and `try` say


def test_folders_that_bear_names_of_the_weights_classes_are_judged_and_others_predicted(project, capsys):
    """A class may have one video, and splits don't matter."""
    publish(project)
    lay(project, "test/Jumping_Rope/a.mp4", "test/walkin/b.mp4", "test/nai\u0308ve-dancing/c.mp4")
    for verb in (["prepare", "folder", "--budget", "released", "--workers", "1"], ["train", RUN, "import"]):
        assert main(verb) == 0
    assert main(["predict", RUN]) == main(["score", RUN]) == 0
    said = capsys.readouterr().out
    words = "2 of 3 videos were judged: their label is a class of the published weights (Jumping_Rope, naïve-dancing)"
    assert words in said
    assert "label 'walkin' is none of their classes; nearest: walking" in said
    found = rows(project)
    assert found["gmacs.mean"]["n"] == 3 and found["label.top1"]["n"] == 2
    assert found["label.chance"]["value"] == 0.5 and found["label.chance_uniform"]["value"] == 0.25
    hits, answers = (first_point(project, name) for name in ("hits", "predictions"))
    assert list(hits.index) == ["test/Jumping_Rope/a.mp4", "test/naïve-dancing/c.mp4"]
    right = [int(answers["label.scores"][video].argmax() == k) for video, k in zip(hits.index, (1, 2), strict=True)]
    assert list(hits["label.top1"]) == right and found["label.top1"]["value"] == sum(right) / 2


@pytest.mark.slow
def test_where_no_name_is_a_class_costs_are_told_and_a_page_is_made(project, capsys):
    publish(project)
    lay(project, "clips/a.mp4")
    for verb in (["prepare", "folder", "--budget", "released", "--workers", "1"], ["train", RUN, "import"]):
        assert main(verb) == 0
    assert main(["predict", RUN]) == main(["score", RUN]) == 0
    said = capsys.readouterr().out
    assert "no video was judged, of 1: no label is a class of the published weights; costs are told" in said
    found = rows(project)
    assert found["gmacs.mean"]["n"] == 1 and not any(name.startswith("label.") for name in found)
    config = '{"budget": "released", "runs": ["folder/tsn/mini-released"], "seeds": [0]}'
    assert main(["plan", "--config", config, "--write", "results/released/plan.json"]) == 0
    assert main(["report", "released"]) == 0
    page = (project / "reports/released/tsn.html").read_text()
    assert "no video was judged" in page and "published weights on the user" in page
    assert "What it says of each video" in page and ">clips/a.mp4<" in page and "GMACs per video" in page


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ("own/folder/tsn/mini-released/seed3", "the run for that is released/folder/tsn/mini-released/seed3"),
        ("demo/dots/tsn/mini-released/seed0", "mini.pth tells 4 classes apart, but dots's head 'noun' has 2"),
        (
            "demo/four/tsn/mini-released/seed0",
            "mini.pth tells other classes apart, or in another order: only four's head 'noun' has falling; only "
            "methods/tsn/released/names.txt has Naïve dancing",
        ),
        (
            "demo/four@back/tsn/mini-released/seed0",
            "class 0 is 'walking' in four@back's head 'noun', 'bench pressing' in methods/tsn/released/names.txt",
        ),
        (
            "demo/four@few/tsn/mini-released/seed0",
            "mini.pth tells 4 classes apart, but four@few's head 'noun' has 2 (only methods/tsn/released/names.txt has "
            "jumping rope, Naïve dancing)",
        ),
    ],
)
def test_weights_that_do_not_fit_the_data_are_refused_where_it_is_planned(project, capsys, run, why):
    publish(project)
    lay(project, "jump/a.mp4", "run/b.mp4")
    others = "{back: [walking, naïve dancing, jumping rope, bench pressing], few: [bench pressing, walking]}"
    for name, classes in (
        ("dots", "[a, b]"),
        ("four", f"[Bench Pressing, jumping_rope, falling, walking], editions: {others}"),
    ):
        (project / f"data/{name}").mkdir()
        heads = f"heads: {{noun: {{kind: single, classes: {classes}}}}}\neditions: {{back: {{}}, few: {{}}}}"
        (project / f"data/{name}/card.yml").write_text(
            f"dataset: {name}\ntitle: x\nsource: x\nlicence: x\n{heads}\nexpects: []\n"
        )
    assert main(["plan", run]) == 0 and why in capsys.readouterr().out
    assert main(["train", run, "import"]) == 1 and why in capsys.readouterr().err
    if run.startswith("own"):
        assert why in (why_blocked(project, Run.parse(project, run)) or "")
        assert main(["try", run, str(encode(project / "clip.mp4", frames=8))]) == 1 and why in capsys.readouterr().err


def test_names_that_cannot_be_used_stop_the_runs_of_these_weights_alone(project, capsys):
    publish(project)
    (project / "methods/tsn/released/names.txt").write_text("a\nb\nb\n")
    why = "names.txt holds 3 lines with 2 different names; the weights in mini.pth have 4"
    assert main(["try", RUN, str(encode(project / "clip.mp4", frames=8))]) == 1 and why in capsys.readouterr().err
    assert main(["train", RUN, "import"]) == 1 and why in capsys.readouterr().err
    (project / "data/folder/raw/walking").mkdir()
    encode(project / "data/folder/raw/walking/a.mp4", frames=8)
    forget()
    wanted = "{budget: released, runs: [folder/tsn/mini-released], seeds: [0]}"
    assert main(["plan", "--config", wanted, "--write", "plan.json"]) == 0
    row = read_json(project / "plan.json")["runs"][0]
    assert row["status"] == "not run" and why in row["why"]


def test_the_classes_of_a_run_are_those_of_its_weights(project):
    publish(project)
    lay(project, "jump/a.mp4", "run/b.mp4")
    (head,) = heads_of(project, Run.parse(project, RUN))
    assert head == Head("label", "single", tuple(NAMES), of_weights=True)


def publish_kitchen(root: Path) -> dict[str, torch.Tensor]:
    """Brings a file with two classifiers, and the names of the first's classes."""
    heads = (Head("verb", "single", ("open", "cut", "wash")), Head("noun", "single", tuple("abcdef")))
    torch.manual_seed(0)
    run = Run.parse(root, KITCHEN)
    state = load_module(root / "methods/tsn/model.py").build(resolve(root, run).typed, heads).state_dict()
    (root / "methods/tsn/released").mkdir(exist_ok=True)
    torch.save(state, root / "methods/tsn/released/kitchen.pth")
    (root / "methods/tsn/released/verbs.txt").write_text("open\ncut\nwash\n")
    return state


def test_weights_with_several_classifiers_bring_their_heads_to_own_videos(project, capsys):
    """These have no such labels: all heads answer, costs are told, and nobody is judged."""
    publish_kitchen(project)
    lay(project, "open door/a.mp4")
    heads = heads_of(project, Run.parse(project, KITCHEN))
    assert [(head.name, head.num_classes, head.of_weights) for head in heads] == [("verb", 3, True), ("noun", 6, True)]
    assert main(["try", KITCHEN, "data/folder/raw/open door/a.mp4"]) == 0
    said = capsys.readouterr().out
    assert all(f"%  {name}\n" in said for name in ("open", "cut", "wash")) and said.count("%  class ") == 5
    assert "the names of the 6 classes of noun of kitchen.pth aren't known" in said
    assert main(["prepare", "folder", "--budget", "released", "--workers", "1"]) == 0
    assert main(["predict", KITCHEN]) == main(["score", KITCHEN]) == 0
    said = capsys.readouterr().out
    assert "no video was judged by its verb, of 1: the dataset has none; answers and costs are told" in said
    folder = project / "results" / KITCHEN
    found = read_json(folder / "metrics.json")
    names = {row["metric"] for row in found["rows"]}
    assert {"gmacs.mean", "frames.mean"} <= names and not any(name.startswith(("verb.", "noun.")) for name in names)
    answers = pd.read_parquet(folder / "predictions.parquet").iloc[0]
    assert (len(answers["verb.scores"]), len(answers["noun.scores"])) == (3, 6) and "verb.target" not in answers
    config = '{"budget": "released", "runs": ["folder/tsn/kitchen-released"], "seeds": [0]}'
    assert main(["plan", "--config", config, "--write", "results/released/plan.json"]) == 0
    rows = answer_table.answers(read_json(project / "results/released/plan.json"), project, "tsn", "folder").text()
    assert set(rows["Head"]) == {"verb", "noun"} and set(rows["Video"]) == {"open door/a.mp4"}
    assert rows.set_index("Head")["Likeliest"]["verb"] == ("open", "cut", "wash")[answers["verb.scores"].argmax()]


@pytest.mark.parametrize(
    ("heads", "why"),
    [
        (
            "{verb: {kind: single, classes: [open, cut, wash]}}",
            "the classifiers verb, noun, but the run has the heads verb",
        ),
        (
            "{verb: {kind: single, classes: [Open, cut, wash]}, noun: {kind: single, classes: [a, b]}}",
            "kitchen.pth tells 6 classes apart, but kitchen's head 'noun' has 2",
        ),
        (
            "{verb: {kind: single, classes: [open, wash, cut]}, noun: {kind: single, classes: [a, b, c, d, e, f]}}",
            "class 1 is 'wash' in kitchen's head 'verb', 'cut' in methods/tsn/released/verbs.txt",
        ),
        (
            "{noun: {kind: single, classes: [a, b, c, d, e, f]}, verb: {kind: single, classes: [Open, cut, wash]}}",
            "",
        ),
    ],
)
def test_each_classifier_is_held_against_the_classes_of_its_head(project, heads, why):
    publish_kitchen(project)
    (project / "data/kitchen").mkdir()
    (project / "data/kitchen/card.yml").write_text(
        f"dataset: kitchen\ntitle: x\nsource: x\nlicence: x\nheads: {heads}\nexpects: []\n"
    )
    forget()
    found = why_not_imported(project, Run.parse(project, "paper/kitchen/tsn/kitchen-released/seed0"))
    assert (why in found) if why else (found is None)


def test_a_backbone_alone_is_brought_in_for_any_classes(project):
    """Others need its phase; its classifiers are left out, and what `trains` doesn't cover isn't asked for."""
    state = publish_kitchen(project)
    lay(project, "jump/a.mp4", "jump/b.mp4", "run/c.mp4", "run/d.mp4")
    run = "own/folder/tsn/kitchen-backbone/seed0"
    assert main(["train", run, "import"]) == 0
    kept = load_file(project / "results" / run / "import.safetensors")
    assert kept and all(name.startswith("backbone.") and torch.equal(kept[name], state[name]) for name in kept)
    record = read_json(project / "results" / run / "import.json")
    assert set(record["released"]["dropped"]) == {name for name in state if name.startswith("average.")}
    assert record["trains"] == ["backbone.*"]
