"""The step that brings a published dataset: fetched, verified, unpacked; or that says what only the user can bring, and
verifies that."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from saccade import products
from saccade.acquire.archives import unpack
from saccade.acquire.checksums import verify
from saccade.acquire.download import fetch_all
from saccade.acquire.inventory import (
    Inventory,
    downloaded,
    in_batches,
    inventory,
    need_room,
    unpacked,
    wanted,
)
from saccade.acquire.ledger import Ledger, Unpacked
from saccade.acquire.locks import lock
from saccade.acquire.offer import lists_of, offered
from saccade.acquire.raw import DOWNLOADS
from saccade.acquire.sizes import sizes
from saccade.cards.dataset import Dataset
from saccade.cards.published import PublishedFile
from saccade.files import need_writable
from saccade.plan.availability import why_raw_lacking
from saccade.records import ACQUIRED_FILE, SaccadeError, first_few, size_words
from saccade.temporary import clear_leftovers

AT_ONCE = 8  # archives that lie beside what came out of others, where they are removed
SHOWN = 12  # files that are told one by one


@dataclass(frozen=True)
class Order:
    """What is to be brought, and how. only: patterns of names; all that isn't on request without any. archives: a
    folder that has the files already; videos: one that has the unpacked videos: both are linked and not copied."""

    only: tuple[str, ...] = ()
    archives: Path | None = None
    videos: Path | None = None
    parallel: int = 4
    remove_archives: bool = False
    accept_changed: bool = False
    dry_run: bool = False


def acquire(dataset: Dataset, order: Order) -> None:
    """Brings data/<d>/raw to what the order asks for, from wherever an earlier run stopped, and writes what is there to
    data/<d>/acquired.json.

    Raises SaccadeError for a file that no source gives, that isn't the one that was published, or that only the user
    can bring; for an archive that can't be unpacked; and where the disk has too little room.
    """
    raw = dataset.folder / "raw"
    _announce(dataset, raw)
    if order.dry_run:
        files = offered(dataset, order.only)
        found = inventory(raw, files)
        _tell(dataset, found, sizes([wanted(file) for file in found.fetch]))
        return
    need_writable(raw)
    clear_leftovers(raw)
    with lock(raw):
        ledger = Ledger(raw, order.accept_changed)
        if order.videos:
            _link_videos(dataset, raw, order.videos)
        if order.archives:
            _link_files(raw, order.archives, lists_of(dataset))
        _bring(dataset, ledger, lists_of(dataset), order, {})
        if order.archives and not _link_files(raw, order.archives, every := offered(dataset, ["*"])):
            names = first_few([file.name for file in every])
            raise SaccadeError(f"--archives {order.archives}: it holds none of the files of {dataset.name}: {names}")
        files = offered(dataset, order.only)
        found = inventory(raw, files)
        known = sizes([wanted(file) for file in found.fetch])
        _tell(dataset, found, known)
        need_room(found, known, not order.remove_archives, AT_ONCE)
        _bring(dataset, ledger, files, order, known)
    _tell_end(dataset, raw)


def _announce(dataset: Dataset, raw: Path) -> None:
    print(f"{dataset.title}: {dataset.source}")
    print(f"licence: {dataset.licence}")
    if dataset.terms:
        print(f"terms: {dataset.terms}")
    print(f"into: {raw}", flush=True)


def _tell(dataset: Dataset, found: Inventory, known: Mapping[str, int | None]) -> None:
    """What is still to be done, before it is."""
    for file in found.fetch[:SHOWN]:
        count = known.get(file.name)
        then = f", unpacked into {file.unpack}/" if file.unpack else ""
        print(f"to fetch: {file.name} ({size_words(count) if count is not None else 'of unknown size'}){then}")
    if len(found.fetch) > SHOWN:
        print(f"to fetch: {len(found.fetch) - SHOWN} more")
    if unknown := [listed for listed in dataset.listed if not (found.raw / DOWNLOADS / listed.file).is_file()]:
        print(*(f"to fetch: what {listed.file} names ({listed.about})" for listed in unknown), sep="\n")
    total, waiting = sum(filter(None, known.values())), len(found.unpack)
    print(f"in all: {len(found.fetch)} files, {size_words(total)}, to fetch; {waiting} archives to unpack", flush=True)


def _bring(
    dataset: Dataset,
    ledger: Ledger,
    files: Sequence[PublishedFile],
    order: Order,
    known: Mapping[str, int | None],
) -> None:
    """Fetches and unpacks what isn't here; archives go as soon as they are unpacked where that is asked for."""
    raw = dataset.folder / "raw"
    _verify(dataset, ledger, files)
    for batch in in_batches(files, AT_ONCE) if order.remove_archives else [tuple(files)]:
        found = inventory(raw, batch)
        if found.fetch and dataset.obtained != "automatic":
            raise SaccadeError(_by_hand(dataset, found))
        if found.fetch:
            fetch_all(
                [wanted(file) for file in found.fetch],
                raw / DOWNLOADS,
                order.parallel,
                label=dataset.name,
                sizes=known,
                check=ledger.check,
                done=ledger.record,
            )
        for file in found.unpack:
            _unpack(dataset, ledger, file)
            for name in (file.parts or (file.name,)) if order.remove_archives else ():
                (raw / DOWNLOADS / name).unlink()


def _verify(dataset: Dataset, ledger: Ledger, files: Sequence[PublishedFile]) -> None:
    """Files that lie in downloads/ and aren't in the ledger were put there by the user, or by a run that was killed
    just before it wrote that down: they are compared with what the card says."""
    raw, entries = dataset.folder / "raw", ledger.entries()
    for file in files:
        path = downloaded(raw, file)
        if not path.exists():
            continue
        entry = entries.get(file.name)
        if entry is None or ledger.accept_changed or path.stat().st_size != entry.bytes:
            print(f"{file.name}: verifying", flush=True)
            ledger.record(verify(wanted(file), path))


def _unpack(dataset: Dataset, ledger: Ledger, file: PublishedFile) -> None:
    raw = dataset.folder / "raw"
    paths = [raw / DOWNLOADS / name for name in file.parts or (file.name,)]
    into = unpacked(raw, file)
    with tqdm(desc=file.name, unit="B", unit_scale=True, mininterval=1.0) as bar:

        def tell(done: int, of: int) -> None:
            bar.total = of
            bar.update(done - bar.n)

        out = unpack(paths, into, nested=file.nested, dataset=dataset.name, progress=tell)
    print(f"{file.name}: {out.files} files, {size_words(out.bytes)}, in {into.relative_to(raw)}/", flush=True)
    for name in file.parts or (file.name,):
        ledger.record_unpacked(name, Unpacked(into=into.relative_to(raw).as_posix(), files=out.files, bytes=out.bytes))


def _by_hand(dataset: Dataset, found: Inventory) -> str:
    """What the user has to bring, and where it goes."""
    lines = []
    for file in found.fetch:
        about = [size_words(file.bytes)] if file.bytes else []
        about += [f"{kind} {value}" for kind, value in file.hashes.items()]
        lines.append(f"  {downloaded(found.raw, file)}" + (f" ({', '.join(about)})" if about else ""))
    why = "can't be fetched without an account" if dataset.obtained == "manual" else "is no longer offered"
    return (
        f"{dataset.title} {why} ({dataset.source}). {dataset.acquire}\nThese files are missing; put them there and run "
        f"`saccade acquire {dataset.name}` again, which verifies them:\n" + "\n".join(lines) + "\nWho has the files in "
        "a folder says --archives FOLDER, who has the videos already unpacked --videos FOLDER: nothing is copied"
    )


def _link_files(raw: Path, folder: Path, files: Sequence[PublishedFile]) -> int:
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


def _link_videos(dataset: Dataset, raw: Path, folder: Path) -> None:
    """Makes the folder of the unpacked videos, which the card expects first, a link to the user's."""
    _need_folder(folder, "--videos")
    if dataset.videos_of:
        whose = f"saccade acquire {dataset.videos_of} --videos {folder}"
        raise SaccadeError(f"{dataset.name} takes its videos from {dataset.videos_of}: `{whose}`")
    place = raw / dataset.expects[0]
    if place.is_symlink() and place.resolve() == folder.resolve():
        return
    if place.exists() or place.is_symlink():
        raise SaccadeError(f"{place} is there already; remove it, or leave out --videos")
    place.symlink_to(folder.resolve())
    print(f"{place} leads to {folder}: nothing is copied")


def _tell_end(dataset: Dataset, raw: Path) -> None:
    """What comes next; and writes down that the dataset is here, once all that isn't on request is."""
    entries, files = Ledger(raw).entries(), offered(dataset)
    found = inventory(raw, files)
    if not found.fetch and not found.unpack:
        here = {file.name: entries[file.name].model_dump() for file in files if file.name in entries}
        products.write(dataset.folder / ACQUIRED_FILE, {"dataset": dataset.name, "published": here})
    if why := why_raw_lacking(dataset):
        print(f"what was asked for is here; {why}")
    else:
        print(f"{dataset.name} is here; next: saccade prepare {dataset.name} --budget paper")


def _need_folder(folder: Path, option: str) -> None:
    if not folder.is_dir():
        raise SaccadeError(f"{option} {folder}: there is no such folder")
