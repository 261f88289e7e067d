"""Batches: what a clip holds, that nothing but (seed, epoch, video_id) decides it, and the errors of bad data."""

import shutil

import fake_results
import numpy as np
import pandas as pd
import pytest
import torch
from numbered import encode, number_of, tone
from seals import seal

from saccade.records import INDEX_COLUMNS, Head, SaccadeError
from saccade.settings import Input
from saccade.video import decode, sampling
from saccade.video.batches import batches
from saccade.video.container import VideoError
from saccade.video.index import read_index
from saccade.video.loader import VideoDataset
from saccade.video.probe import probe

NOUN, TAGS = Head("noun", "single", ("a", "b", "c")), Head("tags", "multi", ("x", "y", "z"))
HEADS = [NOUN, TAGS]
SOUNDS = {"v3": tone(2.0), "v1": tone(3.0), "v0": tone(1.0)}


def _settings(**changes) -> Input:
    plain = {"heads": ["noun"], "num_frames": 4, "resize": 0, "crop": 0, "mean": [0.0] * 3, "std": [1.0] * 3}
    return Input(**plain | changes)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A root with six numbered videos in raw/ and their index; rows are not in the order of ids."""
    root, rows = tmp_path_factory.mktemp("root"), []
    (root / "raw").mkdir()
    for number, video in enumerate(["v3", "v1", "v5", "v0", "v4", "v2"]):
        path = encode(root / "raw" / f"{video}.mp4", 20 + number, sound=SOUNDS.get(video), options={"g": "6"})
        measured = probe(path).columns()
        labels = {"noun": number % 3, "tags": [0, 2] if number % 2 else []}
        rows.append(
            {"video_id": video, "split": "train", "cluster": "c", "path": f"raw/{video}.mp4"} | measured | labels
        )
    return root, pd.DataFrame(rows)[[*INDEX_COLUMNS, "noun", "tags"]]


def _dataset(source, *, train=False, seed=0, truth=None, cache_mb=0, **changes) -> VideoDataset:
    more = {"train": train, "seed": seed, "truth": truth, "cache_mb": cache_mb}
    return VideoDataset(source[1], source[0], HEADS, _settings(**changes), "train", **more)


def _all(dataset, size=4, *, shuffle=False, epoch=0, workers=0, start=0, drop_last=False) -> list[dict]:
    return list(batches(dataset, size, shuffle=shuffle, epoch=epoch, workers=workers, start=start, drop_last=drop_last))


def _by_video(found: list[dict]) -> dict[str, tuple[torch.Tensor, list[int]]]:
    return {
        video: (batch["rgb"][place], batch["indices"][place].tolist())
        for batch in found
        for place, video in enumerate(batch["video_id"])
    }


def _same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(one[k][0], other[k][0]) and one[k][1] == other[k][1] for k in one
    )


AUGMENTED = {"train": True, "crop": 16, "train_crop": "random-resized", "flip": True}


def test_a_batch_holds_what_the_contract_says(source):
    batch = _all(_dataset(source))[0]
    assert batch.keys() == {"rgb", "labels", "video_id", "indices", "video_frames", "decoded_frames", "frame_size"}
    assert batch["rgb"].shape == (4, 4, 3, 48, 64) and batch["rgb"].dtype == torch.float32
    assert batch["indices"].shape == (4, 4)
    for key in ("indices", "video_frames", "decoded_frames"):
        assert batch[key].dtype == torch.int64
    assert batch["video_id"] == ["v0", "v1", "v2", "v3"] and batch["video_frames"].tolist() == [23, 21, 25, 20]
    assert (batch["decoded_frames"] >= 4).all() and (
        batch["decoded_frames"] <= batch["indices"].max(1).values + 1
    ).all()


def test_the_frames_are_those_of_the_indices(source):
    for batch in _all(_dataset(source)):
        for clip, indices in zip(batch["rgb"], batch["indices"].tolist(), strict=True):
            assert [number_of((frame * 255).permute(1, 2, 0).numpy()) for frame in clip] == indices


def test_labels_are_classes_or_multi_hot(source):
    labels = _all(_dataset(source))[0]["labels"]
    assert labels["noun"].tolist() == [0, 1, 2, 0] and labels["noun"].dtype == torch.int64
    assert (
        labels["tags"].tolist() == [[1, 0, 1], [1, 0, 1], [1, 0, 1], [0, 0, 0]]
        and labels["tags"].dtype == torch.float32
    )


def test_without_shuffling_batches_are_cut_from_the_sorted_ids(source):
    assert [batch["video_id"] for batch in _all(_dataset(source))] == [["v0", "v1", "v2", "v3"], ["v4", "v5"]]


def test_a_last_batch_that_is_not_full_can_be_left_out(source):
    dataset = _dataset(source)
    sizes = [[len(batch["video_id"]) for batch in _all(dataset, size, drop_last=True)] for size in (4, 3, 6, 7)]
    assert sizes == [[4], [3, 3], [6], []]
    assert _all(dataset, 4, drop_last=True, start=1) == []


@pytest.mark.parametrize(("size", "workers"), [(1, 0), (3, 0), (6, 0), (2, 2)])
def test_batch_size_and_workers_change_no_clip(source, size, workers):
    dataset = _dataset(source, **AUGMENTED)
    expected = _by_video(_all(dataset, 4, shuffle=True, epoch=3))
    assert _same(_by_video(_all(dataset, size, shuffle=True, epoch=3, workers=workers)), expected)


def test_the_order_of_the_index_changes_no_clip(source):
    other = (source[0], source[1].iloc[::-1])
    assert _same(_by_video(_all(_dataset(source, **AUGMENTED))), _by_video(_all(_dataset(other, **AUGMENTED))))


def test_a_resumed_epoch_goes_on_where_it_stopped(source):
    dataset = _dataset(source, **AUGMENTED)
    whole, rest = (_all(dataset, 2, shuffle=True, epoch=1, start=start) for start in (0, 1))
    assert [batch["video_id"] for batch in rest] == [batch["video_id"] for batch in whole[1:]]
    assert _same(_by_video(rest), _by_video(whole[1:]))
    assert _all(dataset, 2, shuffle=True, epoch=1, start=3) == []


@pytest.mark.parametrize("change", [{"epoch": 1}, {"seed": 1}])
def test_another_epoch_or_seed_draws_anew(source, change):
    seed, epoch = change.get("seed", 0), change.get("epoch", 0)
    first = _all(_dataset(source, **AUGMENTED), 6, shuffle=True)[0]
    other = _all(_dataset(source, seed=seed, **AUGMENTED), 6, shuffle=True, epoch=epoch)[0]
    assert first["video_id"] != other["video_id"]
    assert not any(torch.equal(a, _by_video([other])[video][0]) for video, (a, _) in _by_video([first]).items())


def test_two_videos_draw_independently(source):
    root, index = source
    twin = pd.concat([index.iloc[:1], index.iloc[:1].assign(video_id="twin")])
    clips = _by_video(_all(_dataset((root, twin), **AUGMENTED)))
    assert not torch.equal(clips["v3"][0], clips["twin"][0])


def test_the_global_generators_are_left_alone(source):
    torch.manual_seed(0)
    np.random.seed(0)
    before, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()
    _all(_dataset(source, **AUGMENTED), shuffle=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numbers)


def test_at_test_time_nothing_is_drawn(source):
    changes = {"crop": 16, "train_crop": "random", "flip": True}
    assert _same(
        _by_video(_all(_dataset(source, **changes))), _by_video(_all(_dataset(source, seed=5, **changes), epoch=2))
    )


def test_random_frames_at_test_time_depend_on_seed_and_video_only(source):
    first, again = (_by_video(_all(_dataset(source, sampler="random"), epoch=epoch)) for epoch in (0, 1))
    other = _by_video(_all(_dataset(source, sampler="random", seed=1)))
    assert _same(first, again) and any(first[video][1] != other[video][1] for video in first)


def test_views_are_clips_and_crops(source):
    dataset = _dataset(source, sampler="consecutive", num_frames=3, num_clips=2, num_crops=3, crop=16)
    assert dataset.num_views == 6
    views = [_all(dataset.at_view(view), 6)[0] for view in range(6)]
    assert [view["indices"][3].tolist() for view in views] == [[0, 1, 2]] * 3 + [[17, 18, 19]] * 3  # v3 has 20 frames
    middle = _all(_dataset(source, sampler="consecutive", num_frames=3, num_clips=2), 6)[0]["rgb"]
    for crop_number, left in enumerate((0, 24, 48)):
        assert torch.equal(views[crop_number]["rgb"], middle[..., 16:32, left : left + 16])


def test_a_view_that_is_not_there(source):
    with pytest.raises(IndexError, match="view 1 is not one of 1"):
        _dataset(source).at_view(1)


def _truth(index, informative) -> pd.DataFrame:
    rows = [
        (video, frame)
        for video, count in zip(index["video_id"], index["frames"], strict=True)
        for frame in range(count)
    ]
    table = pd.DataFrame(rows, columns=["video_id", "frame"])
    return table.assign(informative=table["frame"].isin(informative))


def test_the_oracle_sees_the_informative_frames(source):
    dataset = _dataset(
        source, sampler="oracle", truth=_truth(source[1], [3, 11, 12, 18]).sample(frac=1, random_state=0)
    )
    assert all(batch["indices"].tolist() == [[3, 11, 12, 18]] * len(batch["indices"]) for batch in _all(dataset))


def test_the_oracle_takes_any_frame_where_none_is_informative(source):
    found = _by_video(_all(_dataset(source, sampler="oracle", truth=_truth(source[1], []))))
    assert {video: indices for video, (_, indices) in found.items()} == {
        video: indices for video, (_, indices) in _by_video(_all(_dataset(source))).items()
    }


def test_the_oracle_needs_truth(source):
    with pytest.raises(SaccadeError, match="'oracle' needs per-frame truth .* this dataset has none"):
        _dataset(source, sampler="oracle")
    partial = _truth(source[1], [3]).query("video_id != 'v2'")
    with pytest.raises(SaccadeError, match="'oracle' needs per-frame truth, and it is missing for v2"):
        _dataset(source, sampler="oracle", truth=partial)


def _sounding(source) -> tuple:
    return source[0], source[1][source[1]["audio"]]


def test_a_glance_is_a_second_choice_of_frames_under_the_same_crop_and_flip(source):
    """So that a place chosen in one lies where it does in the other; the released AdaFocus crops them apart."""
    for train in (False, True):
        whole = _dataset(source, train=train, crop=32, train_crop="random", flip=True, num_frames=4, glance_frames=20)
        batch = _all(whole)[0]
        assert batch["glance.rgb"].shape[:2] == (4, 20) and batch["rgb"].shape[1] == 4
        for number in range(4):
            for at, index in enumerate(batch["indices"][number].tolist()):
                found = (batch["glance.indices"][number] == index).nonzero().flatten()
                assert all(torch.equal(batch["glance.rgb"][number, one], batch["rgb"][number, at]) for one in found)
        assert (batch["glance.indices"] == batch["indices"][:, :1]).any()
    assert "glance.rgb" not in _all(_dataset(source))[0]


def test_by_time_a_video_of_two_halves_and_a_rest_shows_the_rest_too(tmp_path):
    """Ten frames a second, nine seconds of the last of them, ten frames a second again."""
    path = encode(tmp_path / "v.mp4", shown_at=[*range(10), *range(100, 110)])
    row = {"video_id": "v", "split": "train", "path": "v.mp4", "noun": 0} | probe(path).columns()
    index, truth = pd.DataFrame([row]), pd.DataFrame({"video_id": "v", "frame": range(20)})

    def clip(by, epoch=0, train=False):
        settings = _settings(sample_by=by, num_frames=11, glance_frames=2, truth=["frame"])
        return VideoDataset(index, tmp_path, [NOUN], settings, "train", train=train, seed=0, truth=truth)[0, epoch]

    by_time, by_frame = clip("time"), clip("frame")
    assert by_time["indices"].tolist() == [5, *[9] * 9, 15] == by_time["truth.frame"].tolist()
    assert [number_of((frame * 255).permute(1, 2, 0).numpy()) for frame in by_time["rgb"]] == [5, *[9] * 9, 15]
    assert by_time["glance.indices"].tolist() == [9, 9] and by_frame["glance.indices"].tolist() == [5, 15]
    assert by_frame["indices"].tolist() == sampling.segments(20, 11).tolist() and by_time["video_frames"] == 20
    drawn = [clip("time", epoch, train=True)["indices"].tolist() for epoch in range(5)]
    assert all(one[1:10] == [9] * 9 and one[0] < 10 <= one[10] for one in drawn) and len({one[0] for one in drawn}) > 1


def test_a_clip_tells_the_size_of_its_whole_frames(source):
    sizes = _all(_dataset(source, crop=32))[0]["frame_size"]
    assert sizes.tolist() == [[row.height, row.width] for row in source[1].sort_values("video_id").head(4).itertuples()]


def test_sound_has_the_same_steps_for_all(source):
    batch = _all(_dataset(_sounding(source), modalities=["rgb", "audio"], num_mels=20))[0]
    seconds = source[1].loc[source[1]["audio"], "duration_s"].max()
    assert batch["audio"].shape == (3, 1, 20, 1 + round(seconds * 16000) // 160) and batch["rgb"].shape[0] == 3
    # seconds; v0 sounds for 1, v1 for 3 (its video ends first), v3 for 2
    loud = (batch["audio"][:, 0].max(1).values > 0).sum(1) / 100
    assert np.allclose(loud, [1.0, min(3.0, seconds), 2.0], atol=0.15)


def test_sound_alone_decodes_no_picture(source):
    batch = _all(_dataset(_sounding(source), modalities=["audio"], num_mels=20))[0]
    assert "rgb" not in batch and batch["decoded_frames"].tolist() == [0, 0, 0] and batch["indices"].shape == (3, 0)


def test_a_soundless_video_is_named_where_sound_is_needed(source):
    with pytest.raises(
        SaccadeError, match=r"'audio' needs sound, and 3 of 6 train videos have none: v2, v4, v5; take 'audio' out"
    ):
        _dataset(source, modalities=["rgb", "audio"])


def test_flow_is_refused_in_a_line(source):
    with pytest.raises(
        SaccadeError, match="'flow' needs optical flow .* no dataset's can be read yet; take 'flow' out"
    ):
        _dataset(source, modalities=["rgb", "flow"])


WINDOWS = {"sound": "windows", "window_s": 0.5, "n_fft": 62, "hop_length": 250}


def _pitch(track: np.ndarray) -> int:
    """The loudest frequency's number in the middle of a window (1, frequencies, steps)."""
    return int(track[0, :, track.shape[-1] // 2].argmax())


def test_windows_surround_the_frames_that_are_seen(tmp_path):
    """A second of each of three pitches, 10 frames a second: 129, 258 and 516 Hz a number."""
    pitches = [1032.0, 2064.0, 4128.0]
    sound = np.concatenate([tone(1.0, pitch_hz=pitch) for pitch in pitches])
    path = encode(tmp_path / "v.mp4", 30, sound=sound)
    index = pd.DataFrame([{"video_id": "v", "split": "train", "path": "v.mp4", "noun": 0} | probe(path).columns()])
    clips = {}
    for seen in (["rgb", "audio"], ["audio"]):
        settings = _settings(modalities=seen, num_frames=3, **WINDOWS)
        clips[len(seen)] = VideoDataset(index, tmp_path, [NOUN], settings, "train", train=False, seed=0)[0]
        assert clips[len(seen)]["indices"].tolist() == [5, 15, 25]
    assert clips[2]["audio"].shape == (3, 1, 32, 33) and "rgb" not in clips[1]
    assert [_pitch(window) for window in clips[2]["audio"]] == [4, 8, 16]
    assert torch.equal(clips[1]["audio"], clips[2]["audio"]) and clips[1]["decoded_frames"] == 0


def test_windows_follow_the_clock_of_a_video_whose_frames_stand(tmp_path):
    """Ten frames in the first second, the last of which stands for a second, then ten more under another pitch."""
    sound = np.concatenate([tone(2.0, pitch_hz=1032.0), tone(1.0, pitch_hz=4128.0)])
    path = encode(tmp_path / "v.mp4", shown_at=[*range(10), *range(20, 30)], sound=sound)
    index = pd.DataFrame([{"video_id": "v", "split": "train", "path": "v.mp4", "noun": 0} | probe(path).columns()])
    settings = _settings(modalities=["rgb", "audio"], num_frames=2, **WINDOWS)
    clip = VideoDataset(index, tmp_path, [NOUN], settings, "train", train=False, seed=0)[0]
    # frame 15 is the sixteenth, shown at 2.5 s; at a steady rate it would be at 1.5 s, under the first pitch
    assert clip["indices"].tolist() == [5, 15] and [_pitch(window) for window in clip["audio"]] == [4, 16]


def test_a_kept_sound_is_decoded_once_and_the_same(source, monkeypatch):
    decoded, read = [], decode.read_audio
    monkeypatch.setattr(decode, "read_audio", lambda path, rate: decoded.append(path.name) or read(path, rate))
    changes = {"modalities": ["rgb", "audio"], **WINDOWS}
    fresh = _all(_dataset(_sounding(source), **changes))[0]["audio"]
    assert len(decoded) == 3 and fresh.shape[1] == 4
    kept = _dataset(_sounding(source), cache_mb=10, **changes)
    both = [_all(kept, epoch=epoch)[0]["audio"] for epoch in (0, 1)]
    assert len(decoded) == 6 and all(torch.equal(one, fresh) for one in both)
    decoded.clear()
    tiny = _dataset(_sounding(source), cache_mb=1, modalities=["audio"], num_mels=20, sample_rate_hz=96000)
    for epoch in (0, 1):  # a second takes 0.4 MB: v0's fits, the 3 and 2 seconds of the others don't
        _all(tiny, epoch=epoch)
    assert sorted(decoded) == ["v0.mp4", "v1.mp4", "v1.mp4", "v3.mp4", "v3.mp4"]


def test_videos_shorter_than_their_window_are_named_with_what_would_be_right(source):
    says = (
        r"window_s is 2\.2, and 2 of 3 train videos are shorter: v3 \(2 s\), v1 \(2\.1 s\); set window_s to 2 or less"
    )
    changes = {"modalities": ["audio"], **WINDOWS, "window_s": 2.2}
    with pytest.raises(SaccadeError, match=says):
        _dataset(_sounding(source), **changes)
    assert len(_dataset(_sounding(source), **changes | {"window_s": 2.0})[0]["audio"]) == 4


def _copy(source, tmp_path) -> tuple:
    shutil.copytree(source[0] / "raw", tmp_path / "raw")
    return tmp_path, source[1].copy()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_fails_is_named_in_one_line_wherever_it_is_read(source, tmp_path, workers):
    root, index = _copy(source, tmp_path)
    (root / "raw" / "v4.mp4").write_bytes(b"")
    found = batches(_dataset((root, index)), 2, shuffle=False, epoch=0, workers=workers)
    assert [next(found)["video_id"], next(found)["video_id"]] == [["v0", "v1"], ["v2", "v3"]]
    with pytest.raises(VideoError) as error:
        next(found)
    assert str(error.value) == f"{root / 'raw' / 'v4.mp4'}: the file is empty (0 bytes)"


def test_videos_of_two_sizes_need_a_crop(source, tmp_path):
    root, index = _copy(source, tmp_path)
    encode(root / "raw" / "v1.mp4", 21, size=(80, 48))
    with pytest.raises(SaccadeError, match=r"videos v0 \(64x48\) and v1 \(80x48\) differ in size .* set `crop`"):
        _all(_dataset((root, index)))
    assert _all(_dataset((root, index), crop=32))[0]["rgb"].shape[-2:] == (32, 32)


def test_a_split_without_videos(source):
    with pytest.raises(SaccadeError, match="no video of the split 'val'; it has train"):
        VideoDataset(source[1], source[0], HEADS, _settings(), "val", train=False, seed=0)


def _prepare(source, tmp_path, index=None, truth=None) -> tuple:
    (tmp_path / "prepared").mkdir()
    (source[1] if index is None else index).to_parquet(tmp_path / "prepared" / "index.parquet")
    if truth is not None:
        truth.to_parquet(tmp_path / "prepared" / "truth.parquet")
    fake_results.write(tmp_path / "prepared" / "coverage.json", {"problems": [], "settings": {}})
    seal(tmp_path, tmp_path / "prepared")
    return tmp_path / "prepared", source[0], HEADS


def test_an_index_is_read_as_it_was_written(source, tmp_path):
    truth = _truth(source[1], [2])
    index, found = read_index(*_prepare(source, tmp_path, truth=truth))
    assert index["video_id"].tolist() == source[1]["video_id"].tolist() and found.equals(truth)
    assert _same(_by_video(_all(_dataset((source[0], index)))), _by_video(_all(_dataset(source))))


def test_an_index_without_truth(source, tmp_path):
    assert read_index(*_prepare(source, tmp_path))[1] is None


def test_no_index(tmp_path):
    with pytest.raises(SaccadeError, match=r"index.parquet is missing; make it anew"):
        read_index(tmp_path, tmp_path, HEADS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda index: index.drop(columns=["fps", "noun"]), "has no column fps, noun; .* run prepare again"),
        (lambda index: index.assign(split="training"), "unknown split training; there are train, val, test"),
        (lambda index: pd.concat([index, index.iloc[:2]]), "video ids given twice: v3, v1"),
        (lambda index: index.assign(noun=[0, 1, 3, 0, 1, 2]), "video v5: noun label 3 is outside the 3 classes"),
        (lambda index: index.assign(noun=[0, -1, 2, 0, 1, 2]), "video v1: noun label -1 is outside the 3 classes"),
        (
            lambda index: index.assign(tags=[[0], [], [1, 7], [], [], []]),
            "video v5: tags label 7 is outside the 3 classes",
        ),
    ],
)
def test_a_bad_index_says_what_is_wrong(source, tmp_path, change, message):
    with pytest.raises(SaccadeError, match=message):
        read_index(*_prepare(source, tmp_path, change(source[1])))


def test_an_index_that_no_longer_matches_its_files(source, tmp_path):
    root, index = _copy(source, tmp_path)
    (root / "raw" / "v1.mp4").unlink()
    size = (root / "raw" / "v5.mp4").stat().st_size
    with (root / "raw" / "v5.mp4").open("ab") as file:
        file.write(b"x")
    message = (
        rf"no longer matches its files: raw/v1.mp4 is missing, raw/v5.mp4 has {size + 1} bytes, had {size} "
        r".*run "
        r"prepare again"
    )
    with pytest.raises(SaccadeError, match=message):
        read_index(*_prepare((root, index), tmp_path))


@pytest.mark.parametrize("cache_mb", [1, 100])
def test_keeping_decoded_videos_changes_no_clip(source, cache_mb, monkeypatch):
    """A video has some 0.2 MB: with 1 MB of room some are kept and some aren't."""
    files = []
    read_frames = decode.read_frames
    monkeypatch.setattr(decode, "read_frames", lambda path, *rest: files.append(path) or read_frames(path, *rest))
    plain, kept = _dataset(source, **AUGMENTED), _dataset(source, **AUGMENTED, cache_mb=cache_mb)
    for epoch in range(2):
        assert _same(_by_video(_all(plain, epoch=epoch)), _by_video(_all(kept, epoch=epoch)))
    decoded = len(files) - 2 * len(plain)
    assert decoded == len(plain) if cache_mb == 100 else len(plain) < decoded < 2 * len(plain)


def test_snippets_are_cropped_alike_and_can_be_kept(source):
    changes = AUGMENTED | {"num_frames": 2, "snippet_frames": 3}
    plain, kept = _dataset(source, **changes), _dataset(source, **changes, cache_mb=100)
    found = _by_video(_all(plain))
    assert _same(found, _by_video(_all(kept)))
    for rgb, indices in found.values():
        assert rgb.shape == (6, 3, 16, 16) and np.diff(np.reshape(indices, (2, 3))).tolist() == [[1, 1], [1, 1]]


def test_a_start_after_the_last_batch_gives_nothing_with_workers_too(source):
    dataset = _dataset(source)
    assert list(batches(dataset, 2, shuffle=False, epoch=0, workers=2, start=99)) == []


def test_a_clip_brings_the_truth_of_its_frames_where_it_is_asked_for(source):
    root, index = source
    rows = [
        (video, frame, 100.0 * int(video[1]) + frame)
        for video, n in zip(index["video_id"], index["frames"], strict=True)
        for frame in range(n)
    ]
    truth = pd.DataFrame(rows, columns=["video_id", "frame", "moment"])
    asked = _settings(truth=["moment"])
    dataset = VideoDataset(index, root, HEADS, asked, "train", train=False, seed=0, truth=truth)
    batch = _all(dataset)[0]
    for video, numbers, moments in zip(
        batch["video_id"], batch["indices"].tolist(), batch["truth.moment"].tolist(), strict=True
    ):
        assert moments == [100 * int(video[1]) + number for number in numbers]
    with pytest.raises(SaccadeError, match="asks for moment of every frame"):
        VideoDataset(index, root, HEADS, asked, "train", train=False, seed=0)
    with pytest.raises(SaccadeError, match="v0 isn't one row for each"):
        VideoDataset(index, root, HEADS, asked, "train", train=False, seed=0, truth=truth[truth["video_id"] != "v0"])
