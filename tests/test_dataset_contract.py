"""The contract of a dataset, tested on every card: what its `prepare` gives of the few videos of its sample.py.

A new dataset is tested here by having a card; what only it can get wrong belongs into its own folder.
"""

import hashlib
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT
from miniature import acquired_miniature

from saccade.cards.address import with_edition
from saccade.cards.dataset import Dataset, load_dataset
from saccade.editions import parse_edition
from saccade.files import read_json
from saccade.plan.availability import why_unavailable
from saccade.plan.layers import data_settings
from saccade.project import load_module, names
from saccade.records import INDEX_COLUMNS, SPLITS, TRUTH_COLUMNS, SaccadeError
from saccade.steps.prepare import prepare
from saccade.video.index import read_index
from saccade.video.probe import probe
from saccade.video.probe_packets import probe_packets
from saccade.video.subset import Whole

TOY = ROOT / "tests/toy"
CASES = [  # other editions of published datasets: tests/acquire/test_miniatures.py
    (root, name, edition)
    for root in (ROOT, TOY)
    for name in names(root, "data")
    for edition in ("", *(() if load_dataset(root, name).obtained else load_dataset(root, name).editions), "v1")
]


def prepared(home: Path, root: Path, name: str, edition: str, raw: Path | None = None) -> tuple[Dataset, Path]:
    """The dataset in a project of its own, prepared for the budget `demo` from its sample or these raw files, and
    its folder."""
    if load_dataset(root, name).obtained and raw is None:
        acquired_miniature(home, name)
    else:
        for each in filter(None, (name, load_dataset(root, name).videos_of)):
            ignore = shutil.ignore_patterns("raw", "prepared", "__pycache__")
            shutil.copytree(root / "data" / each, home / "data" / each, ignore=ignore)
            if raw is not None:
                shutil.copytree(raw.parents[1] / each / "raw", home / "data" / each / "raw", symlinks=True)
    sample = load_module(home / "data" / name / "sample.py")
    if raw is None and not load_dataset(root, name).obtained:
        sample.write(home / "data" / name / "raw")
    dataset = load_dataset(home, name)
    assert why_unavailable(home, dataset, "demo", edition) is None
    label, named = with_edition("demo", edition), parse_edition(edition)
    whole = Whole(dataset.heads_in(named.own), named.subset.videos) if named.subset else None
    prepare(
        home,
        dataset.folder,
        label,
        data_settings(home, dataset, "demo", edition) | sample.SETTINGS,
        dataset.heads_in(edition),
        dataset.allow_missing,
        workers=1,
        listing=dataset.listing,
        truth=dataset.truth,
        clusters_apart=dataset.clusters_apart,
        whole_classes=dataset.whole_classes,
        way=dataset.probe,
        whole=whole,
        raw_name=with_edition("demo", named.own),
    )
    return dataset, dataset.folder / "prepared" / label


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "@".join(filter(None, case[1:])))
def case(request, tmp_path_factory):
    return request.param, *prepared(tmp_path_factory.mktemp("data"), *request.param)


def test_every_dataset_has_a_sample():
    for root, name, _ in CASES:
        assert (root / "data" / name / "sample.py").is_file(), f"data/{name}/sample.py is missing"


def test_the_index_has_its_columns_and_every_split_a_video(case):
    (*_, edition), dataset, folder = case
    heads = dataset.heads_in(edition)
    index, _ = read_index(folder, dataset.folder.parents[1], list(heads.values()))
    assert list(index.columns) == [*INDEX_COLUMNS, *heads]
    assert set(index["split"]) == set(SPLITS)
    assert index["video_id"].is_monotonic_increasing and (index["frames"] > 0).all() and (index["fps"] > 0).all()


def test_the_ground_truth_has_every_frame_of_every_video_or_there_is_none(case):
    (*_, edition), dataset, folder = case
    index, truth = read_index(folder, dataset.folder.parents[1], list(dataset.heads_in(edition).values()))
    assert (truth is not None) == dataset.truth
    if truth is not None:
        assert set(TRUTH_COLUMNS) <= set(truth.columns)
        frames = truth.groupby("video_id")["frame"].apply(lambda column: sorted(column)).to_dict()
        assert frames == {row.video_id: list(range(row.frames)) for row in index.itertuples()}


def test_packets_tell_of_every_video_what_decoding_all_of_it_tells(case):
    _, dataset, folder = case
    paths = [dataset.folder.parents[1] / path for path in pd.read_parquet(folder / "index.parquet")["path"]]
    for path in filter(Path.is_file, paths):  # folders of pictures have no packets
        assert probe_packets(path) == probe(path)


def test_clusters_are_apart_where_the_card_says_so(case):
    (*_, edition), dataset, folder = case
    index, _ = read_index(folder, dataset.folder.parents[1], list(dataset.heads_in(edition).values()))
    assert not dataset.clusters_apart or index.groupby("cluster")["split"].nunique().max() == 1


def test_coverage_counts_every_video_and_keeps_what_decided_it(case):
    (_, name, edition), dataset, folder = case
    coverage = read_json(folder / "coverage.json")
    index = pd.read_parquet(folder / "index.parquet")
    assert coverage["expected"] == coverage["usable"] == len(index) and coverage["problems"] == []
    assert coverage["by_split"] == coverage["expected_by_split"] == index["split"].value_counts().to_dict()
    sample = load_module(dataset.folder / "sample.py")
    assert coverage["settings"] == data_settings(dataset.folder.parents[1], dataset, "demo", edition) | sample.SETTINGS
    assert coverage["listing"] == dataset.listing


def test_the_same_seed_gives_the_same_videos_and_the_same_index(case, tmp_path):
    """Videos that `prepare` makes are made again; published ones, here the sample's, are the same files."""
    own, dataset, folder = case
    other, again = prepared(tmp_path, *own, raw=None if dataset.source == "embedded" else dataset.folder / "raw")
    assert digests(dataset.folder / "raw") == digests(other.folder / "raw") != {}
    for file in ("index.parquet", "truth.parquet"):
        assert (folder / file).is_file() == (again / file).is_file()
        if (folder / file).is_file():
            pd.testing.assert_frame_equal(*(relative(pd.read_parquet(at / file), at) for at in (folder, again)))
    assert read_json(folder / "coverage.json") == read_json(again / "coverage.json")


def relative(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The table with its videos' paths as seen from the project that they lie in."""
    home = str(folder.parents[3])
    return table.assign(path=table["path"].str.removeprefix(home)) if "path" in table else table


def digests(raw: Path) -> dict[str, str]:
    files = sorted(path for path in raw.rglob("*") if path.suffix in (".mp4", ".avi", ".jpg", ".csv", ".txt"))
    return {str(file.relative_to(raw)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


VIDEOS = """
import pandas as pd
from pathlib import Path
def videos(raw, **more):
    rows = [dict(video_id=n, split=s, cluster="x" if n < "c" else n, path=str(Path(raw).parent / "a.mp4"), noun=0)
            for n, s in zip("abc", ["train", "val", "test"])]
    return pd.DataFrame(rows)
def frames(**columns):
    return pd.DataFrame({"video_id": ["a", "b", "c"], "frame": 0, "informative": True})
def prepare(settings, raw, seed, workers):
    return """
WRONG = {
    "videos(raw)": r"`prepare` gives back a DataFrame; it must give back \(videos, None\): `videos`, a DataFrame of "
    "video_id, split, cluster, path, noun",
    "videos(raw), None, None": r"`prepare` gives back 3 values; it must give back \(videos, None\)",
    "None": "`prepare` gives back a NoneType; it must give back",
    "videos(raw).to_dict(), None": r"`prepare` gives back \(dict, NoneType\); it must give back",
    "videos(raw), [1]": r"`prepare` gives back \(DataFrame, list\); it must",
    "videos(raw), frames()": "the card says `truth: false`, but `prepare` gives some",
    "videos(raw).drop(columns=['cluster', 'noun']), None": "has no column cluster, noun; it has video_id, split, path",
    "videos(raw).assign(noun=2), None": "video a: noun label 2 is outside the 2 classes",
}
WITH_TRUTH = {
    "videos(raw), None": "the card says `truth: true`, but `prepare` gives none; it must give back .*`truth`, one of "
    "video_id, frame, informative",
    "videos(raw), frames().drop(columns='frame')": "the ground truth has no column frame; it has video_id, informative",
    "videos(raw), frames()[1:]": "the ground truth lacks the frames of a",
    "videos(raw), frames()": r"clusters in several splits: x \(train, val\); the card says `clusters_apart: true`",
}


@pytest.mark.parametrize(
    ("answer", "message", "truth"),
    [(*one, False) for one in WRONG.items()] + [(*one, True) for one in WITH_TRUTH.items()],
)
def test_what_a_prepare_gives_back_wrongly_is_named_with_what_would_be_right(project, answer, message, truth):
    (project / "data/dots/prepare.py").write_text(VIDEOS + answer + "\n")
    dataset = load_dataset(project, "dots")
    with pytest.raises(SaccadeError, match=message) as error:
        prepare(project, dataset.folder, "demo", {}, dataset.heads_in(""), 0.0, 1, truth=truth, clusters_apart=truth)
    assert "data/dots/prepare.py" in str(error.value)
    assert not (dataset.folder / "prepared").exists()
