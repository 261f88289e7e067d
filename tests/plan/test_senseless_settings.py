"""Whatever a card says of a setting, the plan takes it for what it is or refuses it in one line that names card, layer,
key and value. Tried: every setting of every method and dataset with values that nobody can mean."""

import dataclasses
import json
import math
import shutil
import typing
from pathlib import Path

import pytest
from conftest import DATASET, ROOT

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.cards.plain_yaml import parse_yaml
from saccade.cards.typed_settings import read_layer
from saccade.plan import checked
from saccade.plan.checked import check_settings
from saccade.plan.layers import data_settings, resolve
from saccade.plan.runs import Run
from saccade.project import load_module, names, settings_class
from saccade.records import SaccadeError
from saccade.settings import Shared

SENSELESS = [
    "0", "-1", "0.5", "-0.5", ".nan", "1e999", "-.inf", "10000000000000000000000", "''", "x", "[]", "[0]",
    "[0, 0, 0]", "[-1]", "[rgb, rgb]", "null", "true", "yes", "010", "1_000", "{}", "{x: -1}", "[[]]",
]  # fmt: skip
CARD = """
method: {method}
title: Senseless
settings: {settings}
phases: {{train: {{}}}}
contract: [plain]
variants: {{plain: {{{said}}}}}
points: {{all: {{}}}}
"""
RUN = "demo/dots/{method}/plain/seed0"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """One with the settings of every method, and a dataset that has all heads and the truth of every frame."""
    root = tmp_path_factory.mktemp("senseless")
    (root / "Snakefile").touch()
    for kind in ("methods", "data"):
        for name in names(ROOT, kind):
            (root / kind / name).mkdir(parents=True)
            shutil.copy(ROOT / kind / name / "settings.py", root / kind / name)
    (root / "data/dots").mkdir()
    heads = "heads:\n  verb: {kind: single, classes: [a, b]}"
    (root / "data/dots/card.yml").write_text(DATASET.replace("heads:", heads) + "truth: true\n")
    return root


def base_of(method: str) -> dict:
    """Settings that go together: those of the first variant that the card names for its contract."""
    card = load_method(ROOT, method)
    return dict(resolve(ROOT, Run("demo", "motion-digits", "", method, card.contract[0], 0)).values)


def write(project: Path, method: str, settings: dict, said: str) -> None:
    text = CARD.format(method=method, settings=json.dumps(settings), said=said)
    (project / "methods" / method / "card.yml").write_text(text)
    load_method.cache_clear()
    checked._check.cache_clear()


def holds(kind: object, value: object) -> bool:
    """Whether the value is of that type, numbers finite, no truth value among them."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return isinstance(value, list) and all(holds(inner[0], one) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(holds(inner[1], one) for one in value.values())
    if origin is typing.Literal:
        return value in inner and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)
    return type(value) is kind


def refusal(project: Path, method: str, settings: dict, key: str, text: str) -> str:
    """What is said of it; '' where it is taken. A value that its own type doesn't hold is known without the rest."""
    card = project / "methods" / method / "card.yml"
    try:
        read_layer(card, "variants.plain", parse_yaml(f"{key}: {text}", card), settings_class(card.parent)[0])
        write(project, method, settings, f"{key}: {text}")
        check_settings(project, Run("demo", "dots", "", method, "plain", 0))
    except SaccadeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("method", names(ROOT, "methods"))
def test_a_setting_is_taken_for_what_it_is_or_refused_in_one_line(project, method):
    """The shared settings with one method only."""
    settings = base_of(method)
    write(project, method, settings, "")
    kinds = typing.get_type_hints(load_module(project / "methods" / method / "settings.py").Settings)
    for key, kind in kinds.items():
        if key not in vars(Shared)["__dataclass_fields__"] or method == "tsn":
            for text in SENSELESS:
                said = refusal(project, method, settings, key, text)
                case = f"{key}: {text}: {said or 'taken'}"
                if said:
                    assert "\n" not in said and f"methods/{method}/card.yml: " in said and key in said, case
                else:
                    assert holds(kind, parse_yaml(text, "x")), case


@pytest.mark.parametrize("dataset", names(ROOT, "data"))
def test_so_is_a_setting_of_a_dataset(project, dataset):
    card, base = ROOT / "data" / dataset / "card.yml", load_dataset(ROOT, dataset)
    kinds = typing.get_type_hints(load_module(card.parent / "settings.py").Settings)
    for key, kind in kinds.items():
        for text in SENSELESS:
            try:
                read = read_layer(card, "settings", parse_yaml(f"{key}: {text}", card), base.keys)
                data_settings(ROOT, dataclasses.replace(base, layers=base.layers | {"editions.x": read}), "demo", "x")
            except SaccadeError as error:
                said = str(error)
                assert "\n" not in said and f"data/{dataset}/card.yml: " in said and key in said, (
                    f"{key}: {text}: {said}"
                )
            else:
                assert holds(kind, parse_yaml(text, "x")), f"{key}: {text}"


MISTAKES = {
    "epochs: 010": "card.yml: variants.plain.epochs: '010' is a str, but int is expected; write a number plainly",
    "std: [0, 0, 0]": "card.yml: variants.plain.std[0]: 0 must be more than 0",
    "mean: [123.7, 116.3, 103.5]": "card.yml: variants.plain.mean[0]: 123.7 must be at most 1",
    "dropout: 2": "card.yml: variants.plain.dropout: 2 must be less than 1",
    "modalities: []": "card.yml: variants.plain.modalities: [] must have 1 or more",
    "modalities: [audio]": "this method looks at pictures: add rgb",
    "lr: .nan": "card.yml: variants.plain.lr: '.nan' is a str, but float is expected",
    "lr: 1e999": "card.yml: variants.plain.lr: inf is not a finite number",
    "heads: [nuon]": "card.yml: variants.plain.heads: demo/dots/tsn/plain/seed0: head 'nuon' is unknown to",
    "heads: [noun, noun]": "heads names one twice: ['noun', 'noun']",
    "head_weights: {lable: 1}": "the run learns no head 'lable' (there are: noun, verb)",
    "head_weights: {noun: 0, verb: 0}": "nothing is learned where all heads weigh 0",
    "phases: {train: {heads: [noun]}}": "a run learns the same heads throughout",
    "num_clips: 3": "point all: num_clips is 3, but the sampler 'segments' has one temporal view",
    "{resize: 32, crop: 64}": "point all: crop is 64, but resize only 32",
    "weights: imagnet": "'imagnet' must be none, imagenet (torchvision's), or the path of a .safetensors or",
    "{amp: fp16, device: cpu}": "amp is fp16, but device cpu: fp16 needs a GPU",
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_is_one_line_and_exit_1(project, monkeypatch, capsys, said):
    monkeypatch.chdir(project)
    write(project, "tsn", base_of("tsn") | {"heads": []}, said.strip("{}") if said.startswith("{") else said)
    assert main(["plan", RUN.format(method="tsn")]) == 1
    error = capsys.readouterr().err
    assert MISTAKES[said] in error and error.count("\n") == 1
    assert (
        main(["plan", "--config", '{"budget": "demo", "runs": ["dots/tsn/*"], "seeds": [0]}', "--write", "p.json"]) == 1
    )
    assert MISTAKES[said] in capsys.readouterr().err


def test_truth_that_the_dataset_does_not_have_is_refused(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    card = project / "data/dots/card.yml"
    card.write_text(card.read_text().replace("truth: true", "truth: false"))
    load_dataset.cache_clear()
    for said in ("truth: [x0]", "sampler: oracle"):
        write(project, "tsn", base_of("tsn") | {"heads": []}, said)
        assert main(["plan", RUN.format(method="tsn")]) == 1
        assert "data/dots/card.yml says that its ground truth per frame isn't known" in capsys.readouterr().err
