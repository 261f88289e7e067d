import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from saccade.report import strips
from saccade.report.chosen_boxes import ALONE, SLOTS, slot_names
from saccade.settings import Input
from saccade.video import transforms

FILM = [np.full((48, 64, 3), 10 * number, dtype=np.uint8) for number in range(9)]
CLASSES = {"verb": [("left", 0.7), ("a class with a name much longer than the room there is", 0.2)]}


def look(number, *boxes):
    return strips.Look(number, np.full((40, 60, 3), 128, dtype=np.uint8), list(boxes))


STEADY = strips.Times([number / 10 for number in range(100)], 10.0)
# ten frames a second, nine seconds of the tenth, ten frames a second
PAUSED = strips.Times([*(number / 10 for number in range(10)), *(10 + number / 10 for number in range(10))], 11.0)


def drawn(looks, offered=(), title="clip.mp4", times=STEADY):
    return strips.draw(title, ["one", "two"], CLASSES, FILM, looks, offered, times)


def axes_of(figure, what):
    """The axes whose caption holds `what`."""
    return next(axes for axes in figure.axes if what in axes.get_xlabel())


@pytest.mark.parametrize("channel_order", ["rgb", "bgr"])
def test_a_normalised_clip_is_shown_as_the_pictures_it_was_made_of(channel_order):
    frames = np.random.default_rng(0).integers(0, 256, (3, 16, 20, 3), dtype=np.uint8)
    settings = Input(num_frames=3, resize=0, crop=0, channel_order=channel_order)
    clip = transforms.test_clip(frames, settings)
    np.testing.assert_array_equal(strips.pictures(clip, settings.mean, settings.std, channel_order), frames)


def test_pictures_along_a_film_are_the_middles_of_equal_parts():
    assert strips.evenly(100, 4) == [12, 37, 62, 87] == STEADY.along(4)
    assert strips.evenly(2, 4) == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("macs", "text"),
    [(287_000_000, "0.287"), (4_120_000_000, "4.12"), (123_400_000_000, "123"), (1_500_000, "0.00150")],
)
def test_multiply_adds_have_three_digits_that_count(macs, text):
    assert strips.giga(macs) == text


def rectangles(figure, what):
    """The boxes on a picture, without the dark ones below them."""
    return [patch for patch in axes_of(figure, what).patches if isinstance(patch, Rectangle) and patch.zorder == 2]


def test_a_box_is_drawn_where_it_is_in_the_picture():
    (box,) = rectangles(drawn([look(5, [0.25, 0.5, 0.75, 1.0])]), "#5")
    # edges of pixels lie at halves
    assert (*box.get_xy(), box.get_width(), box.get_height()) == (14.5, 19.5, 30.0, 20.0)


def test_boxes_of_a_frame_have_the_colours_of_their_slots():
    left, right = [0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5]
    figure = drawn([look(5, [left, right, right, left]), look(7, [left]), look(8, left, right)])
    slots = rectangles(figure, "#5")
    assert [box.get_x() for box in slots] == [-0.5, 29.5, 29.5, -0.5]
    red, green, blue = (to_rgba(colour) for colour, _ in SLOTS.values())
    assert [box.get_edgecolor() for box in slots] == [red, green, blue, red]
    strongest = [np.argmax(colour[:3]) for colour in (red, green, blue)]
    assert strongest == [0, 1, 2] and list(SLOTS) == ["red", "green", "blue"]
    # where two coincide, each is seen between the other's dashes; a box alone isn't of any slot
    assert len({str(box.get_linestyle()) for box in slots}) == 3
    assert {box.get_edgecolor() for name in ("#7", "#8") for box in rectangles(figure, name)} == {to_rgba(ALONE)}


@pytest.mark.parametrize(
    ("boxes", "names"),
    [
        (2, "first red, second green"),
        (3, "first red, second green, third blue"),
        (4, "first red, second green, third blue, and so on"),
    ],
)
def test_which_slot_has_which_colour_is_told(boxes, names):
    assert slot_names(boxes) == names


def film_of(figure):
    """The film and {marker: its seconds}."""
    film = next(axes for axes in figure.axes if axes.xaxis.get_ticklabels() and axes.get_xlim()[1] > 9)
    return film, {
        line.get_marker(): list(line.get_xdata()) for line in film.lines if line.get_marker() not in ("None", None, "")
    }


def test_frames_looked_at_are_marked_on_the_film_and_others_that_were_offered_dotted():
    figure = drawn([look(20), look(60)], offered=[20, 40, 60, 80])
    film, marks = film_of(figure)
    assert marks["^"] == pytest.approx([2.05, 6.05]) and marks["."] == pytest.approx([4.05, 8.05])
    assert sum(isinstance(image, AxesImage) for image in film.get_images()) == len(FILM)


def test_a_caption_tells_the_second_and_the_number():
    assert axes_of(drawn([look(37)]), "#37").get_xlabel() == "3.70 s  ·  #37"


def test_seconds_are_those_of_the_frame_where_the_rate_varies():
    figure = drawn([look(1), look(9), look(18)], times=PAUSED)
    assert [axes.get_xlabel() for axes in figure.axes if "#" in axes.get_xlabel()] == [
        "0.10 s  ·  #1",
        "0.90 s  ·  #9",
        "10.80 s  ·  #18",
    ]
    film, marks = film_of(figure)
    assert film.get_xlim() == (0, 11) and marks["^"] == pytest.approx([0.15, 0.95, 10.85])
    assert PAUSED.along(11) == [5, *[9] * 9, 15] and PAUSED.mark(19) == pytest.approx(10.95)


def test_too_many_frames_are_thinned_out_evenly():
    captions = [axes.get_xlabel() for axes in drawn([look(number) for number in range(64)]).axes if axes.get_xlabel()]
    assert len(captions) == strips.MOST and captions[0].endswith("#1") and captions[-1].endswith("#63")


def test_names_are_written_as_they_are_and_long_ones_cut():
    figure = drawn([look(0)], title="$x$.mp4")
    assert figure.texts[0].get_text() == "$x$.mp4" and not figure.texts[0].get_parse_math()
    labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert labels[0] == "left" and len(labels[1]) == strips.NAME and labels[1].endswith("…")


def test_a_strip_without_frames_is_drawn_too(tmp_path):
    drawn([]).savefig(tmp_path / "strip.png")
    assert (tmp_path / "strip.png").stat().st_size > 1000


def test_equal_strips_are_equal_files(tmp_path):
    for name in "ab":
        drawn([look(3), look(50)]).savefig(tmp_path / f"{name}.png", dpi=strips.DPI)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
