"""Reads videos.csv as editors and spreadsheets leave it: UTF-8 or UTF-16, with commas, semicolons or tabs. Every
mistake is a SaccadeError with file and line. No torch, no pandas."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from saccade.records import SaccadeError, suggest

COLUMNS = ("path", "label", "split", "cluster")  # the first two are needed
_MARKS = {  # the longer ones first: UTF-32's begins as UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SAVE = "save the table as UTF-8 (in Excel: 'CSV UTF-8')"


def read_rows(table: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """('<file>: line <n>', {column: value, stripped}) per line that isn't blank."""
    text = _text(table)
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first.strip()) <= 5:
        text = "\n" + rest  # how Excel is told the separator
    lines = _lines(table, text, _separator(text))
    number, named = next(lines, (1, []))
    columns = [name.lower() for name in named]
    _check_columns(f"{table}: line {number}", columns)
    for number, fields in lines:
        where = f"{table}: line {number}"
        if any(fields[len(columns) :]):
            raise SaccadeError(
                f"{where} has more fields than the first line; a separator inside a field needs quotes around it"
            )
        fields += [""] * (len(columns) - len(fields))
        if stray := next((field for field, column in zip(fields, columns, strict=False) if field and not column), ""):
            raise SaccadeError(f"{where}: '{stray}' stands in a column without a name; name it or empty it")
        yield where, {column: field for column, field in zip(columns, fields, strict=False) if column}


def _text(table: Path) -> str:
    """What the file says, in the encoding that its first bytes name, else UTF-8."""
    data = table.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise SaccadeError(
            f"{table}: line {line}, byte {column}: 0x{data[error.start]:02x} is no {encoding.upper()}; {_SAVE}"
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise SaccadeError(f"{table}: line {line} holds a NUL byte, which no text does; {_SAVE}")
    return text


def _separator(text: str) -> str:
    """The one under which the first line names columns; a comma where none does."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    for separator in ",;\t":
        names = {name.strip(' "').lower() for name in header.split(separator)}
        if set(COLUMNS[:2]) <= names:
            return separator
    return ","


def _lines(table: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, its fields, stripped) per record that isn't blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        begin = reader.line_num + 1
        try:
            fields = [field.strip() for field in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise SaccadeError(
                f"{table}: line {begin}: {error}; a quote that is opened must be closed, and one inside a field is "
                'doubled ("")'
            ) from None
        if any(fields):
            yield begin, fields


def _check_columns(where: str, columns: Sequence[str]) -> None:
    if not set(COLUMNS[:2]) & set(columns):
        raise SaccadeError(
            f"{where}: the first line must name the columns, with commas, semicolons or tabs between; path and label "
            f"are missing, it says '{','.join(columns)[:60]}'"
        )
    for column in filter(None, columns):
        if column not in COLUMNS:
            raise SaccadeError(f"{where}: unknown column '{column}'" + suggest(column, COLUMNS))
        if columns.count(column) > 1:
            raise SaccadeError(f"{where}: the column '{column}' is there twice")
    for column in COLUMNS[:2]:
        if column not in columns:
            raise SaccadeError(f"{where}: the first line must name the columns; {column} is missing")
