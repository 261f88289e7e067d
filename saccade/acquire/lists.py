"""What the `prepare.py` of published datasets share: reading their lists, and holding videos out of them. No torch."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from saccade.records import SaccadeError, first_few
from saccade.subsets import drawn

Row = dict[str, object]  # video_id, split, cluster, path, and a label per head


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """(where it stands, the line without blanks at its ends) of each line that isn't empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SaccadeError(f"{path}: byte {error.start} is no UTF-8; it isn't the file that was published") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"{path}: line {number}", line.strip()


def table(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """(where it stands, {column: text}) of each row of a CSV file, whose first line must name these columns. Raises
    SaccadeError where one is missing or a row is shorter or longer."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if lacking := [column for column in columns if column not in (reader.fieldnames or ())]:
            found = ", ".join(reader.fieldnames or ()) or "nothing"
            raise SaccadeError(f"{path}: no column {', '.join(lacking)}; its first line names {found}")
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            if None in row or None in row.values():
                raise SaccadeError(f"{where}: more or fewer fields than columns")
            yield where, row


def hold_out(rows: Sequence[Row], share: float) -> list[Row]:
    """The rows; about `share` of those for training, in whole clusters, are for val, on which training is watched.
    Which clusters these are depends on their names alone. With a share above 0 at least one is held out, and at least
    one stays for training."""
    count = Counter(str(row["cluster"]) for row in rows if row["split"] == "train")
    wanted, held, taken = share * sum(count.values()), set[str](), 0
    for cluster in drawn("val", count)[:-1]:
        if taken >= wanted:
            break
        held.add(cluster)
        taken += count[cluster]
    return [row | {"split": "val"} if row["split"] == "train" and row["cluster"] in held else row for row in rows]


def refuse_repeats(rows: Sequence[Row], source: Path) -> None:
    """Raises SaccadeError where a published list names a video twice."""
    if repeated := [name for name, times in Counter(str(row["video_id"]) for row in rows).items() if times > 1]:
        raise SaccadeError(f"{source}: videos named twice: {first_few(repeated)}")
