"""The step that brings a published dataset: fetched, verified, unpacked; or that says what only the user can bring, and
verifies that."""

import datetime
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from saccade import products
from saccade.acquire.archives import unpack
from saccade.acquire.checksums import verify
from saccade.acquire.download import fetch_all
from saccade.acquire.download_bar import SECONDS, SECONDS_IN_A_FILE
from saccade.acquire.inventory import (
    downloaded,
    in_batches,
    inventory,
    is_out,
    linked,
    members_of,
    need_room,
    unpacked,
    wanted,
)
from saccade.acquire.ledger import Ledger, Unpacked
from saccade.acquire.links import link_files, link_videos
from saccade.acquire.locks import lock
from saccade.acquire.offer import lists_of, offered
from saccade.acquire.raw import DOWNLOADS
from saccade.acquire.sizes import sizes
from saccade.acquire.telling import announce, by_hand, counted, tell, tell_lost
from saccade.acquire.writing import DamagedError
from saccade.cards.dataset import Dataset
from saccade.cards.published import PublishedFile
from saccade.files import need_writable
from saccade.plan.availability import why_raw_lacking
from saccade.records import ACQUIRED_FILE, SaccadeError, first_few, size_words
from saccade.temporary import clear_leftovers

AT_ONCE = 8  # archives that lie beside what came out of others, where they are removed


@dataclass(frozen=True)
class Order:
    """What is to be brought, and how. only: patterns of names; all that isn't on request without any. archives: a
    folder that has the files already; videos: one that has the unpacked videos: both are linked and not copied.
    accept_changed: patterns of names: files that may differ from those first seen."""

    only: tuple[str, ...] = ()
    archives: Path | None = None
    videos: Path | None = None
    parallel: int = 4
    remove_archives: bool = False
    accept_changed: tuple[str, ...] = ()
    dry_run: bool = False


def acquire(dataset: Dataset, order: Order) -> None:
    """Brings data/<d>/raw to what the order asks for, from wherever an earlier run stopped, and writes what is there to
    data/<d>/acquired.json.

    Raises SaccadeError for a file that no source gives, that isn't the one that was published, or that only the user
    can bring; for an archive that can't be unpacked; and where the disk has too little room.
    """
    raw = dataset.folder / "raw"
    announce(dataset, raw)
    if order.dry_run:
        files = offered(dataset, order.only)
        found = inventory(raw, files)
        tell(dataset, found, sizes([wanted(file) for file in found.fetch]), order.only)
        return
    if raw.is_symlink() and not raw.exists():
        raise SaccadeError(
            f"{raw} is a link to {raw.readlink()}, which isn't there; make that folder, or the link anew"
        )
    need_writable(raw)
    clear_leftovers(raw)
    with lock(raw):
        ledger = Ledger(raw, order.accept_changed)
        if order.videos:
            link_videos(dataset, raw, order.videos)
        if order.archives:
            link_files(raw, order.archives, lists_of(dataset))
        _bring(dataset, ledger, lists_of(dataset), order, {})
        if order.archives and not link_files(raw, order.archives, every := offered(dataset, ["*"])):
            names = first_few([file.name for file in every])
            raise SaccadeError(f"--archives {order.archives}: it holds none of the files of {dataset.name}: {names}")
        files = offered(dataset, order.only)
        found = inventory(raw, files)
        known = sizes([wanted(file) for file in found.fetch])
        tell(dataset, found, known, order.only)
        need_room(found, known, not order.remove_archives, AT_ONCE)
        _bring(dataset, ledger, files, order, known)
        tell_lost(raw, ledger, files)
    _tell_end(dataset, raw)


def _bring(
    dataset: Dataset,
    ledger: Ledger,
    files: Sequence[PublishedFile],
    order: Order,
    known: Mapping[str, int | None],
) -> None:
    """Fetches and unpacks what isn't here; archives whose content is there go where that is asked for. What fails stops
    nothing else: a SaccadeError at the end tells of all."""
    raw, failed = dataset.folder / "raw", list[str]()
    _verify(dataset, ledger, files)
    for batch in in_batches(files, AT_ONCE) if order.remove_archives else [tuple(files)]:
        found = inventory(raw, batch)
        if found.fetch and dataset.obtained != "automatic":
            raise SaccadeError(by_hand(dataset, found))
        try:
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
        except SaccadeError as error:
            failed.append(str(error))
        for file in found.unpack:
            if all((raw / DOWNLOADS / name).is_file() for name in members_of(file)):
                try:
                    _unpack(dataset, ledger, file)
                except SaccadeError as error:
                    print(f"{file.name}: failed", flush=True)
                    failed.append(str(error))
        if order.remove_archives:
            _remove_unpacked(raw, batch)
    if failed:
        raise SaccadeError("\n".join(failed))


def _remove_unpacked(raw: Path, files: Sequence[PublishedFile]) -> None:
    """Removes the archives whose content is there; first all of it is on the disk and no longer in memory alone."""
    done = [raw / DOWNLOADS / name for file in files if file.unpack for name in members_of(file) if is_out(raw, file)]
    if any(path.is_symlink() or path.is_file() for path in done):
        os.sync()
        for path in done:
            path.unlink(missing_ok=True)


def _verify(dataset: Dataset, ledger: Ledger, files: Sequence[PublishedFile]) -> None:
    """Files that lie in downloads/ and aren't in the ledger were put there by the user, or by a run that was killed
    just before it wrote that down: they are compared with what the card says."""
    raw, entries = dataset.folder / "raw", ledger.entries()
    for file in files:
        path = downloaded(raw, file)
        if not path.exists():
            continue
        entry = entries.get(file.name)
        if entry is None or ledger.accepts(file.name) or path.stat().st_size != entry.bytes:
            print(f"{file.name}: verifying", flush=True)
            now = verify(wanted(file), path)
            ledger.record(now)
            if entry and entry.sha256 != now.sha256 and file.unpack and is_out(raw, file):
                _set_aside(raw, unpacked(raw, file))


def _set_aside(raw: Path, folder: Path) -> None:
    """The content of an archive that has changed makes room for that of the new one, and stays where prepare doesn't
    look."""
    aside = Path(tempfile.mkdtemp(prefix=f".before-{datetime.date.today().isoformat()}-", dir=raw)) / folder.name
    folder.rename(aside)
    print(f"{folder} came from the archive as it was; it is in {aside} now, for you to remove", flush=True)


def _unpack(dataset: Dataset, ledger: Ledger, file: PublishedFile) -> None:
    """Makes the archive's folder. A damaged archive is forgotten: another one of its name is no change then."""
    raw, into = dataset.folder / "raw", unpacked(dataset.folder / "raw", file)
    if os.path.lexists(into):
        raise SaccadeError(f"{into} is there and no folder (a link that leads nowhere?); remove it and run again")
    seconds = SECONDS if sys.stderr.isatty() else SECONDS_IN_A_FILE
    with tqdm(desc=file.name, unit="B", unit_scale=True, mininterval=seconds, maxinterval=max(seconds, 10.0)) as bar:

        def show(done: int, of: int) -> None:
            bar.total = of
            bar.update(done - bar.n)

        try:
            paths = [raw / DOWNLOADS / name for name in members_of(file)]
            out = unpack(paths, into, nested=file.nested, dataset=dataset.name, progress=show)
        except SaccadeError as error:
            if isinstance(error.__cause__, DamagedError):
                for name in members_of(file):
                    ledger.forget(name)
            raise
    print(f"{file.name}: {counted(out.files)}, {size_words(out.bytes)}, in {into.relative_to(raw)}/", flush=True)
    for name in members_of(file):
        ledger.record_unpacked(name, Unpacked(into=into.relative_to(raw).as_posix(), files=out.files, bytes=out.bytes))


def _tell_end(dataset: Dataset, raw: Path) -> None:
    """What comes next; and writes down that the dataset is here, once all that isn't on request is."""
    entries, files = Ledger(raw).entries(), offered(dataset)
    found = inventory(raw, files)
    left = list(dict.fromkeys(file.name for file in (*found.fetch, *found.unpack)))
    if not left:
        here = {file.name: entries[file.name].model_dump() for file in files if file.name in entries}
        products.write(dataset.folder / ACQUIRED_FILE, {"dataset": dataset.name, "published": here})
    if links := sorted({str(link) for file in files if file.unpack and (link := linked(raw, file))}):
        print(f"{', '.join(links)}: your own folder; what would be unpacked there isn't fetched")
    why, next_step = why_raw_lacking(dataset), f"saccade prepare {dataset.name} --budget paper"
    if why:
        print(f"what was asked for is here; {why}")
    elif left:
        print(
            f"what was asked for is here; not here: {first_few(left)}; next: {next_step}, which counts what is missing"
        )
    else:
        print(f"{dataset.name} is here; next: {next_step}")
