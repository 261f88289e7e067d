"""Videos that pages show frame by frame."""

import numpy as np

from saccade.report import examples


def test_large_pictures_are_reduced_by_whole_blocks():
    picture = np.zeros((96, 193, 3), np.uint8)
    picture[:, :3] = 30
    assert examples.reduced(picture).shape == (32, 64, 3)
    assert examples.reduced(picture)[0, :2, 0].tolist() == [30, 0]
    assert examples.reduced(picture[:96, :96]).shape == (96, 96, 3)


def test_a_block_per_video_has_its_words_above_its_rows():
    figure, blocks = examples.lay_out([("a: recognised", True), ("b: taken for c", False)], 4, 2, [1.0, 0.5])
    assert [[len(row) for row in block] for block in blocks] == [[4, 4], [4, 4]]
    tall = [block[0][0].get_position().height for block in blocks]
    np.testing.assert_allclose(tall[0], 2 * tall[1])
    boxes = [axes.get_position() for block in blocks for row in block for axes in row[:1]]
    assert all(above.y0 > below.y1 for above, below in zip(boxes[:-1], boxes[1:], strict=True))
    words = [(text.get_text(), text.get_position()[1]) for text in figure.texts]
    assert words[1][0] == "b: taken for c" and boxes[1].y0 > words[1][1] > boxes[2].y1


def test_boxes_that_arent_there_arent_drawn():
    _, (((axes,),),) = examples.lay_out([("a", True)], 1, 1, [1.0])
    examples.draw_picture(axes, np.zeros((48, 64, 3), np.uint8))
    examples.draw_box(axes, np.full(4, np.nan), "red")
    assert not axes.patches
    examples.draw_target(axes, np.array([0.25, 0.5, 0.75, 1.0]))
    assert axes.patches[0].get_bbox().extents.tolist() == [0.25, 0.5, 0.75, 1.0]
