"""From uint8 frames to a normalised clip: geometry, ranges, and where randomness comes from."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from numbered import picture
from PIL import Image
from torchvision.transforms.v2 import functional

from saccade.records import SaccadeError
from saccade.settings import Input
from saccade.video import transforms

CROPS = ("centre", "random", "multiscale", "tsn", "random-resized")


def _settings(**changes) -> Input:
    return Input(
        **{"heads": ["noun"], "num_frames": 2, "resize": 0, "crop": 0, "mean": [0.0] * 3, "std": [1.0] * 3} | changes
    )


def _ramp(height: int, width: int, frames: int = 2) -> np.ndarray:
    """Red tells the row, green the column, blue the frame."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([np.stack([rows, columns, np.full_like(rows, t)], -1) for t in range(frames)]).astype(np.uint8)


def _train(frames, seed=0, **changes) -> torch.Tensor:
    return transforms.train_clip(frames, _settings(**changes), np.random.default_rng(seed))


def test_nothing_set_only_scales_and_moves_channels():
    frames = _ramp(10, 20)
    clip = transforms.test_clip(frames, _settings())
    assert clip.shape == (2, 3, 10, 20) and clip.dtype == torch.float32
    assert torch.allclose(clip, torch.from_numpy(frames).permute(0, 3, 1, 2) / 255, atol=1e-6)


def test_normalised_by_channel():
    frames = np.full((1, 4, 4, 3), 255, np.uint8)
    clip = transforms.test_clip(frames, _settings(mean=[0.5, 0.25, 0.0], std=[0.5, 0.25, 2.0]))
    assert clip[0, :, 0, 0].tolist() == [1.0, 3.0, 0.5]


def test_caffes_pixels_are_bgr_from_0_to_255_less_their_means():
    caffe = {"channel_order": "bgr", "mean": [104 / 255, 117 / 255, 128 / 255], "std": [1 / 255] * 3}
    frames = np.tile(np.array([200, 100, 50], np.uint8), (2, 20, 16, 1))  # red, green, blue
    clip = transforms.test_clip(frames, _settings(**caffe))
    torch.testing.assert_close(clip[0, :, 3, 5], torch.tensor([50 - 104.0, 100 - 117, 200 - 128]))
    drawn = _train(frames, **caffe, crop=8, train_crop="random", resize=10)
    torch.testing.assert_close(drawn[1, :, 3, 5], clip[0, :, 3, 5])


def test_it_is_scaled_and_normalised_as_by_torchvision():
    frames = np.arange(2 * 16 * 16 * 3, dtype=np.uint32).astype(np.uint8).reshape(2, 16, 16, 3)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    scaled = functional.to_dtype(torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous(), torch.float32, scale=True)
    clip = transforms.test_clip(frames, _settings(mean=mean, std=std))
    assert torch.equal(clip, functional.normalize(scaled, mean, std))


def test_mean_of_the_wrong_length():
    with pytest.raises(ValueError, match=r"mean is \[0.5\]: List should have at least 3 items"):
        _settings(mean=[0.5])


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(256, 340, (224, 297)), (340, 256, (297, 224)), (50, 50, (224, 224))]
)
def test_short_side_is_resized(height, width, expected):
    assert transforms.resized_size(height, width, 224) == expected
    assert transforms.test_clip(_ramp(height, width, 1), _settings(resize=224)).shape[-2:] == expected


def test_resizing_is_bilinear_with_antialiasing_as_in_pillow():
    frame = picture(37, 340, 256)
    ours = transforms.test_clip(frame[None], _settings(resize=64))[0] * 255
    pillow = np.asarray(Image.fromarray(frame).resize((85, 64), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    assert np.abs(ours.numpy() - pillow).max() <= 1.01


@pytest.mark.parametrize(("width", "height"), [(340, 256), (50, 100)])
def test_resizing_by_pillow_is_pillows(width, height):
    frame = picture(37, width, height)
    clip = transforms.test_clip(frame[None], _settings(resize=64, resampling="pillow"))[0] * 255
    size = transforms.resized_size(height, width, 64)[::-1]
    assert np.array_equal(
        clip.round().byte().numpy().transpose(1, 2, 0),
        np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR)),
    )


def test_resizing_as_pyslowfast_is_on_normalised_floats_without_antialiasing():
    frame = picture(37, 340, 256)
    settings = _settings(resize=64, resampling="pyslowfast", mean=[0.45] * 3, std=[0.225] * 3)
    whole = (torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255 - 0.45) / 0.225
    expected = torch.nn.functional.interpolate(whole, (64, 85), mode="bilinear", align_corners=False)
    assert (transforms.test_clip(frame[None], settings) - expected).abs().max() < 1e-5
    ours = dataclasses.replace(settings, resize=256, resampling="torchvision")
    native = transforms.test_clip(frame[None], dataclasses.replace(settings, resize=256))
    assert torch.equal(native, transforms.test_clip(frame[None], ours))  # nothing to resize


def test_the_long_side_is_rounded_down_as_each_code_counts():
    """PySlowFast divides first, in floats, and so misses some whole numbers; torchvision multiplies first."""
    missed = 0
    for size in (182, 256, 356):
        for short in range(size - 60, size + 60):
            for long in range(short + 1, 640):
                exact = transforms.resized_size(short, long, size)[1]
                coded = transforms.resized_size(long, short, size, "pyslowfast")[0]
                if short != size:
                    assert exact == int(size * long / short) and coded == math.floor(float(long) / short * size)
                missed += exact != coded
    assert missed > 0


@pytest.mark.parametrize(("crop_number", "left"), [(0, 0), (1, 6), (2, 12)])
def test_test_crops_lie_along_the_longer_side(crop_number, left):
    frames = _ramp(10, 20)
    clip = transforms.test_clip(frames, _settings(crop=8, num_crops=3), crop_number) * 255
    assert (
        torch.equal(clip[0, 1, 0].round().int(), torch.arange(left, left + 8, dtype=torch.int32))
        and clip[0, 0, 0, 0].round() == 1
    )


@pytest.mark.parametrize("kind", CROPS)
def test_one_crop_and_flip_for_all_frames(kind):
    same = np.repeat(_ramp(24, 40, 1), 5, axis=0)
    for seed in range(5):
        clip = _train(same, seed, crop=16, train_crop=kind, flip=True)
        assert clip.shape == (5, 3, 16, 16) and all(torch.equal(clip[0], frame) for frame in clip)


@pytest.mark.parametrize("kind", CROPS)
def test_the_same_seed_gives_the_same_clip_and_nothing_else_is_drawn(kind):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    settings = {"crop": 16, "train_crop": kind, "flip": True, "resize": 20}
    assert torch.equal(_train(_ramp(24, 40), 3, **settings), _train(_ramp(24, 40), 3, **settings))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", CROPS[1:])
def test_other_seeds_give_other_crops(kind):
    clips = [_train(_ramp(64, 96), seed, crop=32, train_crop=kind) for seed in range(6)]
    assert len({clip.numpy().tobytes() for clip in clips}) >= 5


def test_random_crops_reach_every_corner():
    places = {
        tuple((_train(_ramp(6, 7, 1), seed, crop=5)[0, :2, 0, 0] * 255).round().int().tolist()) for seed in range(100)
    }
    assert places == {(row, column) for row in (0, 1) for column in (0, 1, 2)}


def test_the_centre_crop_draws_nothing():
    assert torch.equal(
        _train(_ramp(10, 20), crop=8, train_crop="centre"), transforms.test_clip(_ramp(10, 20), _settings(crop=8))
    )


def test_a_flip_mirrors_half_of_the_clips():
    frames, plain = _ramp(8, 8), transforms.test_clip(_ramp(8, 8), _settings())
    clips = [_train(frames, seed, flip=True) for seed in range(200)]
    mirrored = sum(torch.equal(clip, plain.flip(-1)) for clip in clips)
    assert all(torch.equal(clip, plain) or torch.equal(clip, plain.flip(-1)) for clip in clips) and 70 < mirrored < 130


def test_no_flip_unless_set():
    frames, plain = _ramp(8, 8), transforms.test_clip(_ramp(8, 8), _settings())
    assert all(torch.equal(_train(frames, seed), plain) for seed in range(20))


def test_multiscale_boxes_are_the_scales_and_places_of_tsn():
    boxes = {transforms.multiscale_box(256, 340, np.random.default_rng(seed)) for seed in range(6000)}
    sizes = {box[2:] for box in boxes}
    assert {side for size in sizes for side in size} == {256, 224, 192, 168}
    assert len(sizes) == 10 and (256, 192) not in sizes  # at most one scale apart
    places = {box[:2] for box in boxes if box[2:] == (168, 168)}
    rows, columns = [0, 22, 44, 66, 88], [0, 43, 86, 129, 172]
    steps = {(0, 0), (0, 2), (0, 4), (2, 0), (2, 2), (2, 4), (4, 0), (4, 2), (4, 4), (1, 1), (1, 3), (3, 1), (3, 3)}
    assert places == {(rows[down], columns[across]) for down, across in steps}


def test_boxes_of_tsns_code_stand_on_whole_quarter_steps_and_snap_to_the_crop():
    boxes = {transforms.tsn_box(258, 340, 224, np.random.default_rng(seed)) for seed in range(6000)}
    assert {side for box in boxes for side in box[2:]} == {258, 224, 193, 170}  # 225 is 224
    lefts = {box[1] for box in boxes if box[2:] == (224, 224)}
    tops = {box[0] for box in boxes if box[2:] == (224, 224)}
    assert lefts == {0, 29, 58, 87, 116} and tops == {0, 8, 16, 24, 32}  # of 116 and 34


@pytest.mark.parametrize(("height", "width"), [(60, 100), (100, 60), (10, 300)])
def test_random_resized_boxes_lie_inside_with_the_stated_shape(height, width):
    for seed in range(200):
        top, left, tall, wide = transforms.random_resized_box(height, width, np.random.default_rng(seed))
        assert top >= 0 and left >= 0 and top + tall <= height and left + wide <= width
        assert (3 / 4) * 0.85 < wide / tall < (4 / 3) * 1.15  # whole pixels
        assert tall * wide > 0.07 * height * width or (height, width) == (10, 300)


def test_a_random_resized_box_that_never_fits_is_the_largest_centred_one():
    top, left, tall, wide = transforms.random_resized_box(10, 300, np.random.default_rng(0))
    assert (top, left, tall, wide) == (0, 143, 10, 13)


def test_a_crop_larger_than_the_frame_is_refused():
    for clip in (
        lambda s: transforms.test_clip(_ramp(10, 20), s),
        lambda s: transforms.train_clip(_ramp(10, 20), s, np.random.default_rng(0)),
    ):
        with pytest.raises(SaccadeError, match="crop of 16 pixels doesn't fit"):
            clip(_settings(crop=16))


@pytest.mark.parametrize(
    "frames", [np.zeros((2, 3, 8, 8), np.uint8), np.zeros((2, 8, 8, 3), np.float32), np.zeros((8, 8, 3), np.uint8)]
)
def test_other_arrays_are_refused(frames):
    with pytest.raises(ValueError, match="should be uint8"):
        transforms.test_clip(frames, _settings())


@pytest.mark.parametrize("crop_number", [0, 1, 2])
@pytest.mark.parametrize(("height", "width"), [(128, 170), (170, 128)])
def test_a_box_of_the_frame_holds_the_same_pixels_in_each_crop(height, width, crop_number):
    frames, settings = _ramp(height, width), _settings(crop=112, num_crops=3)
    clip = (255 * transforms.test_clip(frames, settings, crop_number)[0]).round()
    box = [60 / width, 62 / height, 68 / width, 66 / height]
    left, top, right, bottom = (
        round(112 * side) for side in transforms.in_test_clip(box, height, width, settings, crop_number)
    )
    patch = clip[:, top:bottom, left:right]
    assert torch.equal(patch, torch.from_numpy(frames)[0, 62:66, 60:68].permute(2, 0, 1).float())


def test_a_box_of_the_frame_is_the_same_without_a_crop():
    assert transforms.in_test_clip([0.25, 0.5, 0.5, 1.0], 128, 256, _settings(resize=64)) == [0.25, 0.5, 0.5, 1.0]


@pytest.mark.parametrize(("height", "width"), [(128, 256), (300, 200)])
@pytest.mark.parametrize(
    "settings",
    [{"crop": 111, "num_crops": 3, "crop_rounding": "ceiling"}, {"resize": 64}, {"resize": 64, "crop": 48}, {}],
)
def test_a_box_of_the_crop_goes_back_to_the_frame(height, width, settings):
    chosen, box = _settings(**settings), [0.1, 0.3, 0.7, 0.8]
    for crop_number in range(chosen.num_crops):
        there = transforms.from_test_clip(box, height, width, chosen, crop_number)
        assert transforms.in_test_clip(there, height, width, chosen, crop_number) == pytest.approx(box)


def test_the_short_side_is_drawn_anew_for_each_clip_and_never_at_test_time():
    frames = _ramp(40, 80)
    heights = {_train(frames, seed=seed, resize=20, resize_to=24).shape[2] for seed in range(60)}
    assert heights == {20, 21, 22, 23, 24}
    assert transforms.test_clip(frames, _settings(resize=20, resize_to=24)).shape[2] == 20
    with pytest.raises(ValueError, match="smallest short side"):
        _settings(resize=0, resize_to=24)
