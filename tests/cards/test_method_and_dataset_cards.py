import pytest
from conftest import edit

from saccade.cards.config import load_config
from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.cards.plain_yaml import parse_yaml, read_yaml
from saccade.cards.validation import check_value
from saccade.records import SaccadeError


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: Toy", "titel: Toy", "unknown key 'titel'; did you mean 'title'"),
        ("lr: 0.1", "learning_rate: 0.1", "unknown key 'learning_rate'"),
        ("lr: 0.1", "lr: fast", r"settings.lr: 'fast' is a str, but float is expected"),
        (
            "lr: 0.1",
            "lr: 0.1, sampler: best",
            "settings.sampler: 'best' is not one of segments, consecutive, first, random, oracle",
        ),
        ("epochs: 2, ", "", "epochs must be set"),
        ("{demo: {epochs: 1", "{demo: {epoch: 1", r"budgets.demo: unknown key 'epoch'; did you mean 'epochs'"),
        (
            "policy: {epochs: 3",
            "policy: {gate: {metric: 1, at_least: 0}, epochs: 3",
            "budgets.demo.phases.policy.gate.metric: 1 is a int, but str",
        ),
        ("policy: {epochs: 3", "policy: {gate: {metrik: a}, epochs: 3", "unknown key 'metrik'; did you mean 'metric'"),
        ("phases: {policy: {epochs", "phases: {polices: {epochs", "unknown phase 'polices'; did you mean 'policy'"),
        ("wide: {width: 8}", "wide: {widht: 8}", r"variants.wide: unknown key 'widht'; did you mean 'width'"),
        ("use: [policy]", "use: [polisy]", "unknown phase 'polisy'"),
        ("reads: [recipe,", "ignores: [recipe], reads: [recipe,", "phases.base: unknown key 'ignores'"),
        (
            "reads: [recipe,",
            "reads: [recipes,",
            r"phases.base.reads: unknown section 'recipes' of the settings; did you mean 'recipe'\? \(there are: "
            r"compute, input, network, recipe\)",
        ),
        ("reads: [recipe,", "reads: [machine,", "unknown section 'machine'"),
        ("reads: [recipe,", "reads: [width,", "unknown section 'width'"),
        ('"frames{num_frames}"', '"frames{n}"', "must hold one {key} for each key of its grid"),
        ("truthful: {", "frames1: {", "'frames1' is given twice"),
        ("title: Toy", "title: Toy\nsummary: [", "not valid YAML"),
        ('"frames{num_frames}": {', '"frames{num_frames}": {title: "{frames} x", ', "can't be filled in"),
        ("requires: [truth]", "requires: [luck]", "'luck' is not one of truth"),
        ("  base: {reads", "  metrics: {reads", "'metrics' can't name a phase"),
        ("wide: {width: 8}", "wide: {use: [import]}", "unknown phase 'import'"),
        (
            "wide: {width: 8}",
            "wide: {released: {file: x.pth, get: ask, num_classes: 2}}",
            "`use: .import.` and `released: {file, get}` go together",
        ),
        ("wide: {width: 8}", "wide: {released: {file: x.pth}}", "variants.wide.released: 'get' is missing"),
        (
            "wide: {width: 8}",
            "wide: {released: {file: ../x.pth, get: ask, num_classes: 2}}",
            "must be a path below toy/released/",
        ),
        (
            "wide: {width: 8}",
            "wide: {released: {file: x.pth, get: ask, num_classes: 2, class_names: ../names.txt}}",
            "released.class_names: '../names.txt' must be a path below toy/",
        ),
        (
            "wide: {width: 8}",
            "wide: {released: {file: x.pth, get: ask, num_classes: 1}}",
            "num_classes",
        ),
        (
            "wide: {width: 8}",
            "wide: {use: [import], released: {file: x.pth, get: ask}}",
            "variants.wide.released: 'num_classes' is missing: .* only a backbone, whose variant says `part: true`",
        ),
        (
            "wide: {width: 8}",
            "wide: {released: {file: x.pth, get: ask, num_classes: {verb: 3, noun: 1}}}",
            "variants.wide.released.num_classes.noun: 1 must be at least 2",
        ),
        (
            "wide: {width: 8}",
            "wide: {released: {file: x.pth, get: ask, num_classes: {verb: 3, noun: 4}, class_names: x.txt}}",
            "released.class_names: a file for each head of `num_classes` is needed, not one",
        ),
        (
            "wide: {width: 8}",
            "wide: {released: {file: x.pth, get: ask, num_classes: {verb: 3}, class_names: {vreb: x.txt}}}",
            "released.class_names: unknown head 'vreb'; did you mean 'verb'",
        ),
        (
            "wide: {width: 8}",
            "wide: {released: {file: x.pth, get: ask, num_classes: {verb: 3}, class_names: {verb: /x.txt}}}",
            "released.class_names: '/x.txt' must be a path below toy/",
        ),
        ("contract: [plain]", "contract: [plane]", "contract: unknown variant 'plane'; did you mean 'plain'"),
        ("contract: [plain]", "contract: []", "contract: name the variants that the contract tests build"),
        ("wide: {width: 8}", "wide: {same_as: plane}", "wide.same_as: unknown variant 'plane'; did you mean 'plain'"),
        ("contract: [plain]\n", "", "'contract' is missing"),
        ("wide: {width: 8}", "wide: {part: 1}", "variants.wide.part: 1 is a int, but bool is expected"),
    ],
)
def test_a_mistake_in_a_method_card_is_named(project, old, new, message):
    edit(project / "methods/toy/card.yml", old, new)
    with pytest.raises(SaccadeError, match=message) as error:
        load_method(project, "toy")
    assert "methods/toy/card.yml" in str(error.value)


def test_an_unknown_method_or_dataset_lists_what_exists(project):
    with pytest.raises(SaccadeError, match=r"unknown method 'toi'; did you mean 'toy'\? \(there are: toy\)"):
        load_method(project, "toi")
    with pytest.raises(SaccadeError, match=r"unknown dataset 'dot'; did you mean 'dots'"):
        load_dataset(project, "dot")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"budget": "demo", "runs": [], "seed": [0]}, "unknown key 'seed'; did you mean 'seeds'"),
        ({"budget": "demo", "runs": []}, "'seeds' is missing"),
        ({"budget": "demo", "runs": ["toy"], "seeds": [0]}, "'toy' is not <dataset>"),
        ({"budget": "demo", "runs": [], "seeds": [1, 1]}, "must be one or more different numbers"),
        ({"budget": "De Mo", "runs": [], "seeds": [1]}, "budget 'De Mo'"),
    ],
)
def test_a_mistake_in_a_config_is_named(body, message):
    with pytest.raises(SaccadeError, match=message):
        load_config(body)


def test_a_grid_expands_by_its_name(project):
    points = load_method(project, "toy").points
    assert list(points) == ["frames1", "frames2", "truthful"]
    assert points["frames2"].layer == {"num_frames": 2}


def test_yaml_reads_off_as_a_word_and_1e3_as_a_number(tmp_path):
    (tmp_path / "x.yml").write_text("amp: off\nlr: 1e-3\nflip: true\nversion: 1.10\n")
    assert read_yaml(tmp_path / "x.yml") == {"amp": "off", "lr": 0.001, "flip": True, "version": 1.1}


@pytest.mark.parametrize("text", ["010", "1_000", "12:30", "0x10", "00.5", "yes", "on", ".nan", "2026-01-01", "="])
def test_what_yaml_reads_as_another_number_than_it_looks_like_is_text(text):
    assert parse_yaml(f"a: {text}", "x") == {"a": text}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\t- b", "x.yml: not valid YAML: line 2, column 1: while scanning for the next token, found character "),
        ("a: 1\n---\nb: 2", "x.yml: not valid YAML: line 2, column 1: expected a single document"),
        ("a: !!int x", "x.yml: not valid YAML: invalid literal for int"),
        ("a: !!bool x", "x.yml: not valid YAML: 'x'"),
        ("a: !!python/object:os.x {}", "x.yml: not valid YAML: line 1, column 4: could not determine a constructor"),
        (f"a: {'9' * 5000}", "x.yml: not valid YAML: Exceeds the limit"),
        ("[" * 50000, "x.yml: not valid YAML: nested more than 500 levels deep"),
        ("- " * 50000, "x.yml: not valid YAML: nested more than 500 levels deep"),
        ("a: *b", "x.yml: not valid YAML: line 1, column 4: found undefined alias"),
        ("? [a]\n: b", "x.yml: not valid YAML: line 1, column 3: while constructing a mapping, found unhashable key"),
    ],
)  # fmt: skip
def test_text_that_is_no_yaml_is_told_in_one_line_with_its_place(text, message):
    with pytest.raises(SaccadeError) as error:
        parse_yaml(text, "x.yml")
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("budget: höhe".encode("cp1252"), r"x.yml: not UTF-8 \(byte 9\): save it as UTF-8"),
        (b"", "x.yml: the file must be a mapping of names to values"),
        (b"- a", "x.yml: the file must be a mapping of names to values"),
        (b"budget: 010\nruns: []\nseeds: [2147483648]", "seeds: .2147483648. must be .* from 0 to 2147483647"),
    ],
)
def test_a_config_file_that_is_none_is_told_in_one_line(tmp_path, content, message):
    (tmp_path / "x.yml").write_bytes(content)
    with pytest.raises(SaccadeError, match=message):
        load_config(tmp_path / "x.yml")


def test_yaml_refuses_a_key_given_twice(tmp_path):
    (tmp_path / "x.yml").write_text("lr: 1\nlr: 2\n")
    with pytest.raises(SaccadeError, match="key 'lr' is given twice"):
        read_yaml(tmp_path / "x.yml")


def test_true_is_no_number_and_a_whole_number_is_a_float():
    with pytest.raises(SaccadeError):
        check_value(int, True, "x")
    assert check_value(float, 3, "x") == 3.0
    assert check_value(int | None, None, "x") is None


def test_a_grids_variants_each_need_their_own(project):
    edit(
        project / "methods/toy/card.yml",
        "shared: {",
        '"w{width}": {grid: {width: [2, 3]}, phases: {policy: {needs: ["b{width}/base"]}}}\n  shared: {',
    )
    variants = load_method(project, "toy").variants
    assert [variants[name].layer["phases"]["policy"]["needs"] for name in ("w2", "w3")] == [["b2/base"], ["b3/base"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [("min_frames: 0", "min_frames: 0 must be 1 or more"), ("probe: fast", "probe: 'fast'.*whole.*packets")],
)
def test_what_a_card_says_of_probing_is_checked(project, line, message):
    edit(project / "data/dots/card.yml", "editions:", f"{line}\neditions:")
    with pytest.raises(SaccadeError, match=message):
        load_dataset(project, "dots")


@pytest.mark.parametrize(
    ("means", "message"),
    [
        ('{mean: ["2", "3"]}', "means.mean: unknown edition '3'"),
        ('{"2": ["2"]}', "'2' must be a name .* that no edition has"),
    ],
)
def test_a_mean_of_editions_names_editions(project, means, message):
    edit(project / "data/dots/card.yml", "editions:", f"means: {means}\neditions:")
    with pytest.raises(SaccadeError, match=message):
        load_dataset(project, "dots")


XIE_AND_AR = """heads:
  noun: {kind: single, classes: xie.txt, editions: {"2": ar.txt}}
  verb: {kind: single, classes: [go, stop]}
expects"""


def two_lists(project) -> None:
    """The card of dots, whose edition 2 has other classes; both lists stand in files."""
    card = project / "data/dots/card.yml"
    edit(card, "heads:\n  noun: {kind: single, classes: [a, b]}\nexpects", XIE_AND_AR)
    (card.parent / "xie.txt").write_text("walk\nrun (in game)\n\u00e9t\u00e9\n", encoding="utf-8")
    (card.parent / "ar.txt").write_bytes(b"\xef\xbb\xbfrun (in game)\r\nwalk\r\n")


def test_classes_may_stand_in_a_file_and_be_others_in_an_edition(project):
    two_lists(project)
    dataset = load_dataset(project, "dots")
    assert dataset.heads_in("")["noun"].classes == ("walk", "run (in game)", "\u00e9t\u00e9")
    assert dataset.heads_in("2")["noun"].classes == ("run (in game)", "walk")
    assert dataset.heads_in("2")["verb"] == dataset.heads_in("")["verb"]
    with pytest.raises(SaccadeError, match="data/dots/card.yml: unknown edition '3'"):
        dataset.heads_in("3")


def test_the_order_of_classes_is_part_of_their_digest(project):
    two_lists(project)
    noun = load_dataset(project, "dots").heads_in("2")["noun"]
    (project / "data/dots/ar.txt").write_text("walk\nrun (in game)\n")
    load_dataset.cache_clear()
    assert noun.classes_sha256 != load_dataset(project, "dots").heads_in("2")["noun"].classes_sha256


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("xie.txt", "xia.txt", "heads.noun.classes: there is no file 'xia.txt' beside the card; write the classes as"),
        ("xie.txt", "../dots/xie.txt", "heads.noun.classes: there is no file '../dots/xie.txt' beside the card"),
        ("xie.txt", "[a, b, a]", "heads.noun.classes: two or more different names are needed; there are 3, of which 2"),
        ("xie.txt", "blank.txt", "classes: blank.txt: two or more different names are needed; there are 3, of which 2"),
        ("xie.txt", "latin.txt", "data/dots/latin.txt: byte 0 is no UTF-8"),
        ('{"2": ar.txt}', '{"3": ar.txt}', "heads.noun.editions: unknown edition '3'"),
        ('{"2": ar.txt}', '{"2": from-raw}', "heads.noun.editions.2: there is no file 'from-raw'"),
        ("xie.txt", "from-raw", "heads.noun: .*listing.py tells its classes, the same for every edition"),
        ('{"2": {}}', '{"2": {}, b: {}}\nmeans: {mean: ["2", b]}', "means.mean: 2 and b have other classes"),
    ],
)
def test_a_mistake_in_lists_of_classes_is_named(project, old, new, message):
    two_lists(project)
    (project / "data/dots/blank.txt").write_text("a\n\nb\n")
    (project / "data/dots/latin.txt").write_bytes("\u00e9t\u00e9\na\n".encode("latin-1"))
    (project / "data/dots/listing.py").write_text("def look(raw):\n    return {}, '', ''\n")
    edit(project / "data/dots/card.yml", old, new)
    with pytest.raises(SaccadeError, match=message):
        load_dataset(project, "dots")


@pytest.mark.parametrize(
    ("old", "new"),
    [('{"2": {}}', "{c10: {}}"), ('{"2": {}}', "{long-v5: {}}"), ('{"2": {}}', '{"2": {}}\nmeans: {c2v3: ["2"]}')],
)
def test_no_edition_is_named_like_a_subset(project, old, new):
    edit(project / "data/dots/card.yml", old, new)
    with pytest.raises(SaccadeError, match="can't name an edition; a subset is written c<N>, v<M> or c<N>v<M>"):
        load_dataset(project, "dots")


def test_an_editions_subset_has_classes_of_the_edition(project):
    edit(project / "data/dots/card.yml", "classes: [a, b]", 'classes: [a, b], editions: {"2": [c, d, e]}')
    dataset = load_dataset(project, "dots")
    (two,) = [head.classes for head in dataset.heads_in("2-c2v5").values()]
    assert len(two) == 2 and set(two) < {"c", "d", "e"}
    assert dataset.heads_in("2-v5") == dataset.heads_in("2")
    for edition, message in (("c3", "dots: c3 asks for more classes than head 'noun' has: 2"), ("3-c2", "edition '3'")):
        with pytest.raises(SaccadeError, match=message):
            dataset.heads_in(edition)
