"""What the demo of this checkout left, exactly as shipped: `make demo`, then `make check-demo`.

`make test` leaves these tests out. How the workflow behaves is tested on the toy project (tests/test_workflow.py).
"""

import pandas as pd
import pytest
from conftest import ROOT, planned, snakemake

from saccade.__main__ import main
from saccade.records import METRICS_COLUMNS

pytestmark = pytest.mark.demo
RUN = "results/demo/motion-digits/tsn/resnet10-tiny/seed0"


@pytest.fixture(scope="module", autouse=True)
def finished():
    assert (ROOT / "reports/demo/index.html").is_file(), "there is no finished demo here; `make demo` runs it"


def test_the_demo_writes_its_report_and_tidy_metrics():
    assert (ROOT / "reports/demo/index.html").stat().st_size > 1000
    assert (ROOT / "reports/demo/tsn.html").stat().st_size > 10000
    metrics = pd.read_csv(ROOT / "results/demo/metrics.csv")
    assert list(metrics.columns) == METRICS_COLUMNS
    assert not metrics.duplicated(METRICS_COLUMNS[:6]).any()
    accuracy = metrics[metrics["metric"].str.endswith(".top1")]
    assert accuracy["value"].between(0, 1).all()
    assert (accuracy["low"].le(accuracy["value"]) & accuracy["value"].le(accuracy["high"])).all()


def test_the_demo_learns_nouns_and_verbs():
    """Far above chance (0.1 and 0.125) on unseen digits and backgrounds; verbs only where the order of frames is
    seen."""
    metrics = pd.read_csv(ROOT / "results/demo/metrics.csv")
    mean = metrics.groupby(["method", "variant", "point", "metric"])["value"].mean()
    assert mean["tsn", "resnet10-tiny", "uniform8", "noun.top1"] > 0.5
    assert mean["tsm", "resnet10-tiny-t8", "uniform", "verb.top1"] > 0.4
    assert mean["tsn", "resnet10-tiny", "uniform8", "verb.top1"] < 0.25


def test_every_video_has_one_row_per_point():
    index = pd.read_parquet(ROOT / "data/motion-digits/prepared/demo/index.parquet")
    predictions = pd.read_parquet(ROOT / RUN / "predictions.parquet")
    expected = sorted(index.loc[index["split"] == "test", "video_id"])
    assert predictions["point"].nunique() >= 5
    for _, rows in predictions.groupby("point"):
        assert list(rows["video_id"]) == expected
        assert (rows["macs"] > 0).all()


def test_every_product_is_what_was_written(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["verify", "demo"]) == 0


def test_a_second_run_has_nothing_to_do():
    assert planned(ROOT) == {}
    done = snakemake(ROOT)
    assert "Nothing to be done" in done.stdout + done.stderr


def test_snakemakes_own_report_works(tmp_path):
    done = snakemake(ROOT, "--report", str(tmp_path / "report.zip"), cores=None)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "report.zip").stat().st_size > 100_000
