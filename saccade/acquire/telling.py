"""What acquire tells before it fetches, of what only the user can bring, and of what got lost. No torch."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from saccade.acquire.inventory import Inventory, downloaded, is_out, members_of, unpacked
from saccade.acquire.ledger import Ledger
from saccade.acquire.raw import DOWNLOADS
from saccade.cards.dataset import Dataset
from saccade.cards.published import PublishedFile
from saccade.records import size_words

SHOWN = 12  # files that are told one by one


def announce(dataset: Dataset, raw: Path) -> None:
    print(f"{dataset.title}: {dataset.source}")
    print(f"licence: {dataset.licence}")
    if dataset.terms:
        print(f"terms: {dataset.terms}")
    print(f"into: {raw}", flush=True)


def tell(dataset: Dataset, found: Inventory, known: Mapping[str, int | None], only: Sequence[str]) -> None:
    """What is still to be done, before it is."""
    for file in found.fetch[:SHOWN]:
        count = known.get(file.name)
        then = f", unpacked into {file.unpack}/" if file.unpack else ""
        print(f"to fetch: {file.name} ({size_words(count) if count is not None else 'of unknown size'}){then}")
    if len(found.fetch) > SHOWN:
        print(f"to fetch: {len(found.fetch) - SHOWN} more")
    waiting = [one for one in dataset.listed if not (found.raw / DOWNLOADS / one.file).is_file()]
    for listed in waiting if only else [one for one in waiting if not one.on_request]:
        print(f"to fetch: what {listed.file} names ({listed.about}){', where --only fits' if only else ''}")
    total, unknown = sum(filter(None, known.values())), sum(count is None for count in known.values()) + len(waiting)
    size = f"{'at least ' if unknown else ''}{size_words(total)}"
    print(
        f"in all: {counted(len(found.fetch))} ({size}) to fetch, {counted(len(found.unpack))} to unpack",
        flush=True,
    )


def counted(count: int) -> str:
    return f"{count} file{'s' * (count != 1)}"


def by_hand(dataset: Dataset, found: Inventory) -> str:
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


def tell_lost(raw: Path, ledger: Ledger, files: Sequence[PublishedFile]) -> None:
    """Names folders that hold fewer files than came out of their archives."""
    entries = ledger.entries()
    for file in files:
        entry = entries.get(members_of(file)[0])
        if file.unpack and entry and entry.unpacked and is_out(raw, file):
            folder = unpacked(raw, file)
            here = sum(len(names) for _, _, names in os.walk(folder))
            if here < entry.unpacked.files:
                was = counted(entry.unpacked.files)
                print(
                    f"note: {folder} holds {here} of the {was} that came out of {file.name}; remove the folder and run "
                    "again to have them all",
                    flush=True,
                )
