"""`try` on a network with random weights: what it says is what the network says, and what can't be tried is refused
with the way out."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, edit
from matplotlib.image import imread
from numbered import encode, number_of

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.cost.count import count
from saccade.engine import weights
from saccade.plan import staleness
from saccade.plan.layers import resolve
from saccade.plan.phases import phase_of, phase_settings
from saccade.plan.points import point_to_try
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.records import Head, SaccadeError
from saccade.report import strips
from saccade.report import tried as tried_videos
from saccade.steps import try_video
from saccade.timing import runtimes
from saccade.video import decode, sampling, transforms
from saccade.video.probe import probe

RUN = "own/folder/tsn/resnet18-mini/seed0"
HEADS = (Head("label", "single", ("jump", "run", "walk")),)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A project with a trained run (random weights) whose videos are gone, and videos to try."""
    root = tmp_path_factory.mktemp("project")
    ignore = shutil.ignore_patterns("__pycache__", "raw", "prepared")
    for name in ("saccade", "methods/tsn", "data/folder"):
        shutil.copytree(ROOT / name, root / name, ignore=ignore)
    (root / "Snakefile").touch()
    run = Run.parse(root, RUN)
    torch.manual_seed(0)
    model = load_module(root / "methods/tsn/model.py").build(resolve(root, run).typed, HEADS)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight)  # far from equal probabilities
    phase = phase_of(root, run, "train")
    facts = {
        "settings": phase_settings(root, run, phase),
        "code": staleness.train_code(root, "tsn", "train"),
        "trains": ["*"],
        "result": {},
    }
    weights.save(root / run.folder / "train.json", model, ["*"], facts | {"classes": {"label": list(HEADS[0].classes)}})
    (root / "other").mkdir()
    for name in ("clip.mp4", "other/clip.avi"):
        encode(root / name, frames=40, size=(160, 120), codec="mpeg4" if name.endswith("avi") else "libx264")
    return root


@pytest.fixture
def project(trained, monkeypatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def test_what_it_says_is_what_the_network_says(project, capsys):
    assert main(["try", RUN, "clip.mp4", "--point", "uniform4", "--out", "strips"]) == 0
    said = capsys.readouterr().out
    run = Run.parse(project, RUN)
    settings = resolve(project, run, point="uniform4").typed
    module = load_module(project / "methods/tsn/model.py")
    model = module.build(settings, HEADS).eval()
    weights.load(model, [project / run.folder / "train.json"], whole=True)
    frames = decode.read_frames(project / "clip.mp4", sampling.segments(40, 4)).rgb
    clip = {"rgb": transforms.test_clip(frames, settings)[None], "indices": torch.zeros(1, 4, dtype=torch.int64)}
    with torch.inference_mode():
        module.predict(model, clip, settings)  # a method may count a shape the first time that it sees it
        counted = count(module.predict, model, clip, settings)
    expected = counted.result.probabilities["label"][0]
    found = [(name, float(percent)) for percent, name in re.findall(r"([\d.]+) %  (\w+)$", said, re.M)]
    assert [name for name, _ in found] == [HEADS[0].classes[number] for number in expected.argsort(descending=True)]
    np.testing.assert_allclose(
        [percent for _, percent in found], 100 * expected.sort(descending=True).values, atol=0.051
    )
    assert f"cost    {strips.giga(counted.macs)} GMACs" in said
    assert "looked  at 4 of 40 frames" in said
    assert all(float(milliseconds) > 0 for milliseconds in re.findall(r"([\d.]+) ms", said))
    assert imread("strips/clip-uniform4.png").shape[1] == strips.DPI * strips.WIDTH


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_in_another_runtime_it_says_the_same_and_which_one_it_timed(project, runtime, capsys, monkeypatch):
    asked = ["try", RUN, "clip.mp4", "--point", "uniform4", "--out", "strips", "--runtime", runtime]
    if why := runtimes.why_absent(runtime, torch.device("cpu")):
        assert main(asked) == 1 and capsys.readouterr().err == f"saccade: {why}\n"
        pytest.skip(why)
    assert main(asked[:-2]) == 0 and main(asked) == 0
    eager, other = (re.sub(r"[\d.]+ ms", "", text) for text in capsys.readouterr().out.split("clip.mp4\n")[1:3])
    assert f", {runtime}, one video at a time" in other and other.replace(f", {runtime}", "") == eager
    monkeypatch.setitem(runtimes.PACKAGES, runtime, ("no_such_package",))
    assert main(asked) == 1 and "no_such_package" in capsys.readouterr().err


def test_a_playlist_is_refused_and_what_it_names_is_not_followed(project, capsys):
    Path("list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.mp4\n#EXT-X-ENDLIST\n")
    assert main(["try", RUN, "list.m3u8"]) == 1
    said = capsys.readouterr()
    assert "list.m3u8: is an HLS or M3U playlist; a video is one file" in said.err and not said.out


def test_videos_of_one_name_get_a_strip_each_in_the_runs_folder(project, capsys):
    assert main(["try", RUN, "clip.mp4", "other/clip.avi"]) == 0
    assert sorted(file.name for file in Path("results", RUN, "try").iterdir()) == [
        "clip.avi-uniform8.png",
        "clip.mp4-uniform8.png",
    ]


@pytest.mark.parametrize(
    ("videos", "names"),
    [
        (["a/v.mp4", "a/w.mp4"], ["v", "w"]),
        (["a/v.mp4", "b/v.mp4"], ["a-v.mp4", "b-v.mp4"]),
        (["a/v.avi", "a/v.mp4", "a/v.avi.mp4"], ["v.avi", "v.mp4", "v.avi.mp4"]),
        (["x/a/v.mp4", "y/a/v.mp4"], ["1-v.mp4", "2-v.mp4"]),
    ],
)
def test_no_strip_overwrites_another(videos, names):
    assert try_video._names([Path(video) for video in videos]) == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([RUN, "clip.mp4", "--point", "uniform3"], "unknown point 'uniform3'; did you mean 'uniform"),
        (
            [RUN, "clip.mp4", "--point", "oracle2"],
            "point 'oracle2' needs ground truth per frame, which can't be had for any video",
        ),
        ([RUN, "clip.mp4", "absent.mp4"], "absent.mp4: no such file"),
        ([RUN, "Snakefile"], "Snakefile: the file is empty"),
        (
            ["own/folder/tsn/resnet18-tiny/seed0", "clip.mp4"],
            "resnet18-tiny/seed0/train.json is missing. This trains it: snakemake --cores",
        ),
    ],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_computed(project, capsys, arguments, message):
    assert main(["try", *arguments]) == 1
    said = capsys.readouterr()
    assert message in said.err and said.out == ""


def test_a_run_trained_otherwise_than_its_card_says_now_is_noted(project, capsys):
    card = project / "methods/tsn/card.yml"
    before = card.read_text()
    edit(card, "  own:                       #", "  own:\n    gamma: 0.3\n    #")
    load_method.cache_clear()
    try:
        assert main(["try", RUN, "clip.mp4"]) == 0
    finally:
        card.write_text(before)
        load_method.cache_clear()
    assert "note: phase train was made otherwise than it would be now: gamma 0.1 -> 0.3" in capsys.readouterr().err


def test_a_video_without_sound_is_refused_in_one_line_where_the_run_listens(project, capsys):
    card = project / "methods/tsn/card.yml"
    before = card.read_text()
    edit(card, "  own:                       #", "  own:\n    modalities: [rgb, audio]\n    #")
    load_method.cache_clear()
    try:
        assert main(["try", RUN, "clip.mp4"]) == 1
    finally:
        card.write_text(before)
        load_method.cache_clear()
    said = capsys.readouterr()
    assert f"clip.mp4: has no sound, which {RUN} listens to; try a video with sound" in said.err and said.out == ""


def test_without_a_wish_the_point_with_the_runs_own_settings_is_taken(project):
    run = Run.parse(project, RUN)
    assert resolve(project, run).values["num_frames"] == 8
    assert point_to_try(project, run) == "uniform8"


def tried(path: Path, decisions: dict) -> tried_videos.Tried:
    return tried_videos.Tried(
        path, probe(path), {"label": [("jump", 0.9), ("run", 0.1)]}, 10**9, 3, 9, 1, 0.2, 0.1, [decisions]
    )


def strip(project, decisions: dict, monkeypatch):
    """The looks and the offered frames that the strip would draw, for a clip of the frames 0, 10, 20, 30."""
    seen: dict = {}
    monkeypatch.setattr(strips, "draw", lambda *given: seen.update(looks=given[4], offered=given[5]))
    settings = resolve(project, Run.parse(project, RUN)).typed
    numbers = [0, 10, 20, 30]
    clip = {
        "indices": torch.tensor(numbers),
        "rgb": transforms.test_clip(decode.read_frames(project / "clip.mp4", numbers).rgb, settings),
    }
    try_video._strip("run", tried(project / "clip.mp4", decisions), clip, settings)
    return seen["looks"], seen["offered"]


def test_a_strip_shows_the_frames_decided_on_with_their_boxes(project, monkeypatch):
    looks, offered = strip(project, {"frames": [20, 0], "boxes": [[0.25, 0.25, 0.5, 0.5], None]}, monkeypatch)
    assert [look.number for look in looks] == [0, 20] and offered == [0, 10, 20, 30] and looks[0].boxes == []
    assert all(look.picture.shape == (112, 112, 3) for look in looks)  # as the network was given them


def test_a_box_lies_on_the_picture_where_it_lies_in_the_frame(project, monkeypatch):
    """128 x 170 after resizing, of which the crop starts at row 8 and column 29; a frame outside the clip is shown
    whole."""
    settings = resolve(project, Run.parse(project, RUN)).typed
    assert (settings.resize, settings.crop) == (128, 112)
    box = [0.25, 0.25, 0.5, 0.5]
    inside, outside = strip(project, {"frames": [20, 7], "boxes": [box, box]}, monkeypatch)[0][::-1]
    np.testing.assert_allclose(inside.boxes, [[(42.5 - 29) / 112, (32 - 8) / 112, (85 - 29) / 112, (64 - 8) / 112]])
    assert outside.boxes == [box]


def test_several_boxes_of_a_frame_lie_on_its_picture_in_their_order(project, monkeypatch):
    """The numbers are those of the test above."""
    box, other = [0.25, 0.25, 0.5, 0.5], [0.5, 0.25, 0.75, 0.5]
    first, last = strip(project, {"frames": [20, 7], "boxes": [[other, box], [box, box]]}, monkeypatch)[0][::-1]
    ((right, left),) = first.boxes
    np.testing.assert_allclose(left, [(42.5 - 29) / 112, (32 - 8) / 112, (85 - 29) / 112, (64 - 8) / 112])
    np.testing.assert_allclose(right, [(85 - 29) / 112, (32 - 8) / 112, (127.5 - 29) / 112, (64 - 8) / 112])
    assert last.boxes == [[box, box]]


@pytest.mark.parametrize(
    ("boxes", "line"),
    [([[[0, 0, 1, 1]] * 2, None], "  boxes   2 in a frame, by colour: first red"), ([[0, 0, 1, 1]], "")],
)
def test_the_colours_of_several_boxes_are_told(project, boxes, line):
    said = tried_videos.described(tried(project / "clip.mp4", {"frames": [0] * len(boxes), "boxes": boxes}), "here")
    assert line in said and ("boxes" in said) == bool(line)


def test_a_strip_of_a_method_that_decides_nothing_shows_all_it_was_given(project, monkeypatch):
    assert [look.number for look in strip(project, {}, monkeypatch)[0]] == [0, 10, 20, 30]


def test_a_frame_that_the_clip_does_not_hold_is_read_from_the_file(project, monkeypatch):
    looks, _ = strip(project, {"frames": [7]}, monkeypatch)
    assert looks[0].picture.shape == (120, 160, 3)
    np.testing.assert_array_equal(looks[0].picture, decode.read_frames(project / "clip.mp4", [7]).rgb[0])


def test_a_strip_goes_by_when_frames_are_shown(project, monkeypatch):
    """Two seconds of ten frames a second, and nine seconds of the last of the first ten."""
    encode(project / "rest.mp4", shown_at=[*range(10), *range(100, 110)], size=(160, 120))
    seen = {}
    monkeypatch.setattr(strips, "draw", lambda *given: seen.update(film=given[3], times=given[6]))
    clip, settings = {"indices": torch.tensor([]), "rgb": None}, resolve(project, Run.parse(project, RUN)).typed
    try_video._strip("run", tried(project / "rest.mp4", {"frames": [18]}), clip, settings)
    assert seen["times"].starts_s[18] == pytest.approx(10.8) and seen["times"].duration_s == pytest.approx(11.0)
    numbers = [number_of(picture) for picture in seen["film"]]
    assert numbers.count(9) == len(numbers) - 2  # the rest fills nine of eleven seconds


def test_boxes_that_do_not_fit_the_frames_are_refused(project, monkeypatch):
    with pytest.raises(SaccadeError, match="2 frames and 1 boxes"):
        strip(project, {"frames": [0, 10], "boxes": [None]}, monkeypatch)


def test_the_dataset_has_no_classes_here(project):
    """What the other tests rest on: the names that are printed come from the trained run."""
    assert load_dataset(project, "folder").heads_in("")["label"].classes == ()


def test_ground_truth_that_a_run_was_trained_beside_is_not_asked_of_a_video(project, capsys):
    """Embedded runs bring it along for other points."""
    cards = {
        project / "methods/tsn/card.yml": ("  own:                       #", "  own:\n    truth: [informative]\n    #")
    }
    cards[project / "data/folder/card.yml"] = ("dataset: folder\n", "dataset: folder\ntruth: true\n")
    before = {card: card.read_text() for card in cards}
    for card, change in cards.items():
        edit(card, *change)
    for cache in (load_method, load_dataset):
        cache.cache_clear()
    try:
        assert main(["try", RUN, "clip.mp4"]) == 0, capsys.readouterr().err
    finally:
        for card, text in before.items():
            card.write_text(text)
        for cache in (load_method, load_dataset):
            cache.cache_clear()
