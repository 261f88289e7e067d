import xml.etree.ElementTree as ElementTree

import fake_results
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from saccade.report import figures, tradeoff
from saccade.results import frontier
from saccade.results.frontier import seed_points, tradeoff_points
from saccade.results.runs import collect_metrics, read_history, read_modules


def draw(grid, root, head="noun"):
    metrics = collect_metrics(grid, root)
    points = tradeoff_points(grid, metrics, "tsn", "motion-digits", head)
    front = frontier.static_frontier(grid, metrics, "motion-digits", head)
    return tradeoff.draw_tradeoff(
        points, seed_points(grid, metrics, "tsn", "motion-digits", head), f"{head} top-1", front
    )


def test_every_point_is_named_and_so_is_chance(grid, root):
    words = {text.get_text() for text in draw(grid, root).axes[0].texts}
    assert words == {"uniform 4", "uniform 8", "oracle 8", "random 8", "chance 10.0 %", "baselines"}


def test_names_cover_neither_each_other_nor_a_point(grid, root):
    figure = draw(fake_results.make_grid(seeds=1), root)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_both_axes_say_their_units(grid, root):
    axes = draw(grid, root).axes[0]
    assert "multiply-adds" in axes.get_xlabel()
    assert axes.get_ylabel() == "noun top-1 (%)"


def test_every_interval_is_inside_the_axes(grid, root):
    metrics = collect_metrics(grid, root)
    points = tradeoff_points(grid, metrics, "tsn", "motion-digits", "action")
    low, high = draw(grid, root, "action").axes[0].get_ylim()
    assert low < 100 * points.low.min()
    assert 100 * points.high.max() < high


def test_a_single_point_without_interval_can_be_drawn(grid, root):
    metrics = collect_metrics(grid, root).query("point == 'uniform8'").assign(low=float("nan"), high=float("nan"))
    points = tradeoff_points(grid, metrics, "tsn", "motion-digits", "noun")
    none = pd.DataFrame(columns=frontier.FRONTIER_COLUMNS)
    figure = tradeoff.draw_tradeoff(
        points, seed_points(grid, metrics, "tsn", "motion-digits", "noun"), "noun top-1", none
    )
    assert [text.get_text() for text in figure.axes[0].texts][-1] == "uniform 8"


def test_words_tell_what_the_figure_shows(grid, root):
    metrics = collect_metrics(grid, root)
    points = tradeoff_points(grid, metrics, "tsn", "motion-digits", "noun")
    front = frontier.static_frontier(grid, metrics, "motion-digits", "noun")
    said = tradeoff.describe_tradeoff(points, "noun top-1", "motion-digits", front)
    assert "The baselines' frontier: 41.0 % at 0.200; 51.0 % at 0.400." in said
    assert "tiny, uniform 4: 41.0 [33.0, 49.0] % at 0.200" in said
    assert "Chance level: 10.0 %" in said


def test_saved_files_are_equal_for_equal_data(grid, root, tmp_path):
    for name in ("a", "b"):
        figures.save_figure(draw(grid, root), tmp_path / name, "figure", {"alt": ""})
    for kind in ("svg", "pdf", "png"):
        assert (tmp_path / f"a/figure.{kind}").read_bytes() == (tmp_path / f"b/figure.{kind}").read_bytes()


def test_the_svg_holds_text_not_outlines(grid, root, tmp_path):
    figures.save_figure(draw(grid, root), tmp_path, "figure", {"alt": ""})
    tree = ElementTree.parse(tmp_path / "figure.svg")
    assert "uniform 8" in {element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")}


def test_only_points_on_the_front_are_filled(grid, root):
    marks = [
        c for c in draw(grid, root).axes[0].collections if isinstance(c, PathCollection) and c.get_sizes()[0] == 38
    ]
    assert sorted(to_hex(c.get_facecolors()[0]) for c in marks) == [figures.ACCENT] * 2 + ["#ffffff"] * 2


def test_variants_have_their_own_colours_and_a_key(grid, root):
    both = fake_results.make_grid(seeds=1, variants=("tiny", "tiny-gru"))
    fake_results.write_run(root, both["runs"][1])
    figure = draw(both, root)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["tiny", "tiny-gru"]
    marks = [c for c in figure.axes[0].collections if isinstance(c, PathCollection) and c.get_sizes()[0] == 38]
    assert {to_hex(c.get_edgecolors()[0]) for c in marks} == set(figures.PALETTE[:2])


def test_curves_have_a_panel_for_the_loss_and_one_per_head(grid, root):
    titles = [axes.get_title("left") for axes in figures.draw_curves(read_history(grid, root, "tsn")).axes]
    assert titles == ["loss (dashed: train)", "noun top-1 on val (%)", "verb top-1 on val (%)"]


def test_module_bars_are_labelled_with_their_share(grid, root):
    axes = figures.draw_modules(read_modules(grid, root, "tsn")).axes[0]
    assert [text.get_text() for text in axes.texts] == ["60.0 %", "10.0 %", "20.0 %", "6.0 %", "4.0 %"]


def test_titles_of_the_module_panels_start_at_the_left_edge_and_fit(grid, root):
    modules = read_modules(grid, root, "tsn").assign(variant="resnet10-tiny-t8-and-longer")
    figure = figures.draw_modules(modules)
    figure.draw_without_rendering()
    (title,) = [axes._left_title for axes in figure.axes]
    box = title.get_window_extent()
    assert title.get_text().endswith("GMACs") and 0 <= box.x0 < 0.02 * figure.bbox.width and box.x1 <= figure.bbox.width
    assert box.y0 >= figure.axes[0].get_window_extent().y1 and box.y1 <= figure.bbox.height


def test_the_frontier_reaches_the_right_edge_behind_the_points(grid, root):
    axes = draw(grid, root).axes[0]
    (line,) = [line for line in axes.lines if line.get_gid() == "baselines"]
    assert line.get_xdata()[-1] == axes.get_xlim()[1]
    assert list(line.get_ydata()) == pytest.approx([41, 51, 51])
    assert line.get_zorder() < min(c.get_zorder() for c in axes.collections if isinstance(c, PathCollection))
