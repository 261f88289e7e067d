"""A picture of videos made of moments: two frames a second in rows, each above a bar that says what it is.

python -m saccade.scenes.contact_sheet data/recipe-digits/prepared/demo picture.png train-00000 train-00001
"""

import argparse
from pathlib import Path

import av
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from saccade.records import INDEX_FILE, TRUTH_FILE

A_ROW, ZOOM, BAR = 16, 2, 4  # frames beside each other; pixels of the picture for one of a frame; height of the bar
PER_S = 2  # frames of a second that are shown
# what a frame shows, the first that holds: informative, another badge with a digit, a marker, anything else on a badge
COLOURS = {"informative": (0, 158, 115), "key": (213, 94, 0), "marker": (0, 114, 178), "seen": (150, 150, 150)}


def sheet(path: Path, truth: pd.DataFrame, fps: float) -> NDArray[np.uint8]:
    """One video's rows, (rows * height, A_ROW * width, 3); `truth`: its rows of the ground truth."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    facts = truth.assign(seen=truth["visibility"] > 0)
    cells = []
    for index in range(0, len(frames), max(1, round(fps / PER_S))):
        kinds = [colour for name, colour in COLOURS.items() if facts[name].iloc[index]]
        cell = np.kron(frames[index], np.ones((ZOOM, ZOOM, 1), dtype=np.uint8))
        bar = np.full((BAR, cell.shape[1], 3), kinds[0] if kinds else (255, 255, 255), dtype=np.uint8)
        cells.append(np.concatenate([cell, bar]))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % A_ROW)
    rows = [np.concatenate(cells[first : first + A_ROW], axis=1) for first in range(0, len(cells), A_ROW)]
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("prepared", type=Path, help="data/<d>/prepared/<budget>[@edition]")
    parser.add_argument("picture", type=Path, help="the PNG file to write")
    parser.add_argument("videos", nargs="+", help="ids of videos")
    given = parser.parse_args()
    index = pd.read_parquet(given.prepared / INDEX_FILE).set_index("video_id")
    truth = pd.read_parquet(given.prepared / TRUTH_FILE)
    sheets = []
    for video in given.videos:
        own = truth[truth["video_id"] == video].sort_values("frame")
        sheets += [sheet(Path(str(index.loc[video, "path"])), own, float(str(index.loc[video, "fps"])))]
        sheets += [np.full((BAR, sheets[0].shape[1], 3), 255, dtype=np.uint8)]
    from PIL import Image  # here, for who has no need of it

    Image.fromarray(np.concatenate(sheets[:-1])).save(given.picture, optimize=True)


if __name__ == "__main__":
    main()
