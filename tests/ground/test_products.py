"""Products: what isn't what was written is refused, with the command that makes it anew."""

import contextlib
import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT

from saccade import products
from saccade.product_names import command_for, identity, record_of

RUN = "results/demo/dots@a/toy/k1/seed0"
METRICS = {"run": "demo/dots@a/toy/k1/seed0", "rows": [{"value": 0.5}], "evaluated": 3, "clusters": 2}


@pytest.fixture
def metrics(tmp_path):
    products.write(tmp_path / RUN / "metrics.json", METRICS)
    return tmp_path / RUN / "metrics.json"


@pytest.fixture
def predictions(tmp_path):
    path, table = tmp_path / RUN / "predictions.parquet", pd.DataFrame({"point": ["a", "b"], "macs": [1, 2]})
    products.write_file(path, lambda temporary: table.to_parquet(temporary), {"code": "c0de", "settings": {}})
    return path


def test_a_product_is_read_as_it_was_written(metrics, predictions):
    assert products.read(metrics) == METRICS
    assert products.read_parquet(predictions, columns=["macs"]).macs.tolist() == [1, 2]
    assert products.column_names(predictions) == ("point", "macs")
    assert products.read(record_of(predictions)) == {"code": "c0de", "settings": {}}


def test_the_same_content_gives_the_same_bytes(metrics):
    before = metrics.read_bytes()
    products.write(metrics, dict(reversed(METRICS.items())))
    assert metrics.read_bytes() == before


def test_no_flipped_bit_of_a_json_product_changes_what_is_read(metrics):
    whole = metrics.read_bytes()
    for place in range(len(whole)):
        metrics.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        products._record.cache_clear()  # a file may be written again within one tick of the clock
        with contextlib.suppress(products.DamageError):
            assert products.read(metrics) == METRICS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ('{"run": "demo', "no JSON: Unterminated string"),
        ("{}", "it carries no checksum"),
        ("[]", "it carries no checksum"),
        ("null", "it carries no checksum"),
        ("\udcff", "no JSON: 'utf-8' codec can't decode"),
        ("[" * 100_000, "no JSON"),
        (json.dumps(METRICS), "it carries no checksum"),
        (json.dumps({**METRICS, "sum": "0" * 64}), "its checksum differs"),
    ],
)
def test_what_is_no_product_is_refused_with_the_command_that_makes_it(metrics, text, why):
    metrics.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(products.DamageError) as error:
        products.read(metrics)
    said = str(error.value)
    assert said.startswith(f"{metrics} isn't what was written ({why}") and "\n" not in said
    assert said.endswith("; make it anew: python -m saccade score demo/dots@a/toy/k1/seed0")


def test_a_copy_of_another_runs_product_is_refused(metrics, tmp_path):
    other = tmp_path / RUN.replace("seed0", "seed1") / "metrics.json"
    products.write(other, METRICS)
    metrics.write_bytes(other.read_bytes())
    with pytest.raises(products.DamageError, match=r"it is a copy of results/demo/dots@a/toy/k1/seed1/metrics.json"):
        products.read(metrics)


def test_a_product_of_another_version_is_refused(metrics):
    products.write(metrics, {"run": "", "rows": []})
    with pytest.raises(products.DamageError, match="isn't of this version .it lacks evaluated, clusters"):
        products.read(metrics)


def test_another_checkout_reads_what_was_moved_there(metrics, tmp_path):
    there = (tmp_path / "results").rename(tmp_path / "elsewhere") and tmp_path / "elsewhere"
    moved = there.rename((tmp_path / "data-disk").mkdir() or tmp_path / "data-disk/results")
    assert products.read(moved / "demo/dots@a/toy/k1/seed0/metrics.json") == METRICS


@pytest.mark.parametrize("damage", ["a bit", "cut", "another's", "no record", "no longer in the record", "gone"])
def test_a_table_that_isnt_what_was_written_is_refused(predictions, damage):
    whole, record = predictions.read_bytes(), record_of(predictions)
    if damage == "a bit":
        predictions.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    elif damage == "cut":
        predictions.write_bytes(whole[:-1])
    elif damage == "another's":
        pd.DataFrame({"point": ["a"], "macs": [3]}).to_parquet(predictions)
    elif damage == "no longer in the record":
        products.write(record, products.read(record))
    else:
        (record if damage == "no record" else predictions).unlink()
    with pytest.raises(products.DamageError, match=r"make it anew: .* predict demo/dots@a/toy/k1/seed0$"):
        products.read_parquet(predictions)
    assert products.left(predictions)


def test_what_was_never_there_was_not_left(tmp_path):
    assert not products.left(tmp_path / RUN / "predictions.parquet")
    with pytest.raises(products.DamageError, match="is missing"):
        products.whole(tmp_path / RUN / "predictions.parquet")


def test_a_sealed_folder_misses_what_is_gone_and_refuses_what_came(tmp_path):
    folder = tmp_path / "results/demo/tables/toy"
    assert products.members(folder) == []
    folder.mkdir(parents=True)
    for name in ("a.csv", "b.csv", ".snakemake_timestamp"):
        (folder / name).write_text(name)
    products.seal_folder(folder)
    assert [path.name for path in products.members(folder)] == ["a.csv", "b.csv"]
    (folder / "c.csv").write_text("c")
    with pytest.raises(products.DamageError, match=r"c.csv isn't .* report demo --part notebook --method toy$"):
        products.members(folder)
    (folder / "c.csv").unlink()
    (folder / "a.csv").unlink()
    with pytest.raises(products.DamageError, match=r"a.csv is missing"):
        products.members(folder)


@pytest.mark.parametrize(
    ("path", "command"),
    {
        "data/dots/prepared/demo@a/truth.parquet": "prepare dots@a --budget demo",
        "data/dots/prepared/demo/provenance.json": "prepare dots --budget demo",
        "data/dots/raw/study/train/v1.mp4": "prepare dots --budget study",
        f"{RUN}/base.json": "train demo/dots@a/toy/k1/seed0 base",
        f"{RUN}/base.safetensors": "train demo/dots@a/toy/k1/seed0 base",
        f"{RUN}/base.log.jsonl": "train demo/dots@a/toy/k1/seed0 base",
        f"{RUN}/provenance.base.json": "train demo/dots@a/toy/k1/seed0 base",
        f"{RUN}/provenance.predict.json": "predict demo/dots@a/toy/k1/seed0",
        f"{RUN}/cost.json": "predict demo/dots@a/toy/k1/seed0",
        f"{RUN}/hits.parquet": "score demo/dots@a/toy/k1/seed0",
        f"{RUN}/latency.json": "measure demo/dots@a/toy/k1/seed0",
        "results/demo/plan.json": "plan --config config/demo.yaml --write results/demo/plan.json",
        "results/demo/claims/toy.csv": "report demo --part claims --method toy",
        "results/demo/claims/provenance.toy.json": "report demo --part claims --method toy",
        "results/demo/planned.csv": "report demo --part collect",
        "results/demo/tables/toy/x--y.json": "report demo --part notebook --method toy",
        "results/demo/figures/provenance.toy.json": "report demo --part notebook --method toy",
        "results/cost/provenance.toy.json": "cost --method toy",
        "results/provenance.cost.json": "cost --join",
    }.items(),
)
def test_the_command_that_makes_it_anew(tmp_path, path, command):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/demo.yaml").touch()
    assert command_for(tmp_path / path) == f"python -m saccade {command}"


def test_a_plan_whose_config_is_unknown_is_made_anew_by_the_workflow(tmp_path):
    assert command_for(tmp_path / "results/mine/plan.json").startswith("remove it, and run snakemake again")


@pytest.mark.parametrize("root", ["", "data", "results", "results/data"])
@pytest.mark.parametrize("names", ["data/results/results/data", "demo/data/data/results", "results/dots/toy/data"])
def test_a_folder_may_be_called_as_the_projects_own_are(root, names):
    path = Path("/", root, "saccade/results", names, "seed0/metrics.json")
    assert identity(path) == f"results/{names}/seed0/metrics.json"
    assert command_for(path) == f"python -m saccade score {names}/seed0"
    index = Path("/", root, "saccade/data/results/prepared/data/index.parquet")
    assert command_for(index) == "python -m saccade prepare results --budget data"


def test_no_other_module_opens_a_product():
    """One reader: what isn't read through it would be used unchecked."""
    known = {  # what people write, what isn't kept, what a check before it covers, and the reader itself
        "files.py": "read_json",
        "products.py": "the reader",
        "acquire/ledger.py": "the ledger of raw/, which is no product",
        "acquire/part_file.py": "what a part is of, compared with what the server says",
        "cost/printed.py": "reported.csv",
        "doctor/dataset_state.py": "what a prepare that failed left",
        "judging/reported.py": "reported.csv",
        "scenes/checks.py": "checks.json",
        "scenes/contact_sheet.py": "scripts beside videos",
        "report/sections.py": "reported.csv",
        "report/tidy.py": "the sealed folder's",
        "report/pages.py": "the sealed folder's",
        "steps/measure.py": "what one process tells the other",
        "video/reencode_each.py": "what vouches for a video, compared as a whole",
    }
    for file in sorted((ROOT / "saccade").rglob("*.py")):
        text = file.read_text().replace("products.read_", "")
        if any(word in text for word in ("read_json(", "json.load(", "read_parquet(", "read_csv(")):
            name = file.relative_to(ROOT / "saccade").as_posix()
            assert name in known, name
