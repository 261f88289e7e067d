"""What a user already has is used where it lies: links below raw/, and no copy. No torch."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from saccade.acquire.inventory import downloaded
from saccade.acquire.raw import VIDEO_SUFFIXES, VIDEOS, RawFiles
from saccade.cards.dataset import Dataset
from saccade.cards.published import PublishedFile
from saccade.records import SaccadeError


def link_files(raw: Path, folder: Path, files: Sequence[PublishedFile]) -> int:
    """Makes downloads/<name> a link to the user's file of that name, where he has one; how many he has. The folder of
    the name may be left out where no other file's name ends alike: `part_0.tar.gz` may be of train or of val."""
    _need_folder(folder, "--archives")
    found, alike = 0, Counter(Path(file.name).name for file in files)
    for file in files:
        short = Path(file.name).name
        places = [folder / file.name, *([folder / short] if alike[short] == 1 else [])]
        own = next((place for place in places if place.is_file()), None)
        path = downloaded(raw, file)
        found += own is not None
        if own and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # a link that leads nowhere
            path.symlink_to(own.resolve())
    return found


def link_videos(dataset: Dataset, raw: Path, folder: Path) -> None:
    """Makes the folder of the unpacked videos, which the card expects first, a link to the user's; an older link that
    leads nowhere any more goes. Raises SaccadeError where something else is there, or no video in the folder."""
    _need_folder(folder, "--videos")
    if dataset.videos_of:
        whose = f"saccade acquire {dataset.videos_of} --videos {folder}"
        raise SaccadeError(f"{dataset.name} takes its videos from {dataset.videos_of}: `{whose}`")
    place = raw / dataset.expects[0]
    if place.is_symlink() and place.resolve() == folder.resolve():
        return
    if place.exists():
        raise SaccadeError(f"{place} is there already; remove it, or leave out --videos")
    found = len(RawFiles(folder).videos())
    if not found and dataset.expects[0] == VIDEOS:
        raise SaccadeError(f"--videos {folder}: it holds no video ({' '.join(VIDEO_SUFFIXES)})")
    place.unlink(missing_ok=True)
    place.symlink_to(folder.resolve())
    print(f"{place} leads to {folder}: nothing is copied")


def _need_folder(folder: Path, option: str) -> None:
    if not folder.is_dir():
        raise SaccadeError(f"{option} {folder}: there is no such folder")
