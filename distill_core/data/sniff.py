"""Finding out how a text file is written: encoding, delimiter, quoting, header; and which column is likely which."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from charset_normalizer import from_bytes

SAMPLE_RECORDS = 2000
DELIMITERS = (",", ";", "\t", "|")
#: letters of a file that are cut into lines at once
STRETCH = 1_000_000
WIDEST_FIELD = 2**31 - 1

TEXT_NAMES = ("text", "sentence", "content", "review", "utterance", "document", "message", "question", "body", "tweet")
LABEL_NAMES = ("label", "labels", "class", "category", "intent", "target", "sentiment", "topic", "tag", "y", "gold")
PAIR_NAMES = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("question", "sentence"),
    ("query", "passage"),
    ("text", "text_pair"),
)
OTHER_NAMES = ("id", "idx", "index", "title", "name", "description", "label_text", "label_name", "score", "split")
KNOWN_NAMES = frozenset((*TEXT_NAMES, *LABEL_NAMES, *OTHER_NAMES, *(name for pair in PAIR_NAMES for name in pair)))

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_MAGIC = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3": "an SQLite database",
}
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_IDENTIFIER = re.compile(r"[^\W\d][\w .\-/():#]{0,39}")
_WESTERN = re.compile(r"[\x00-\x7fÀ-ÖØ-öø-ÿŠšŽžŒœŸ€‚„…‰‹›‘’“”•–—™ ¡£§¨©ª«®°±²³´µ·º»¼½¾¿]*")
_MISPLACED = re.compile(r"(?<=[a-z])[¡£§¨©ª«®°±²³´µ·º»¼½¾¿€‚„…‰‹›•™](?=[a-z])")
_WESTERN_LANGUAGES = frozenset(
    ("English", "German", "French", "Spanish", "Italian", "Portuguese", "Dutch", "Swedish", "Norwegian", "Danish")
) | {"Finnish", "Indonesian", "Unknown"}


class Undecodable(ValueError):
    """The bytes are no text in any encoding that could be found; the message says what they seem to be."""


def decode(data: bytes) -> tuple[str, str, bool]:
    """(text, encoding, guessed): UTF-8 (or what a byte-order mark says) where it fits, else a guess.

    Raises Undecodable for binary data and for bytes that fit no encoding.
    """
    for magic, what in _MAGIC.items():
        if data.startswith(magic):
            raise Undecodable(f"it is {what}, not text")
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding), "utf-8" if encoding == "utf-8-sig" else encoding, False
            except UnicodeDecodeError as error:
                raise Undecodable(f"it starts like {encoding} but byte {error.start:,} does not fit") from None
    if len(_CONTROLS.findall(data[:65536])) > len(data[:65536]) // 200:
        raise Undecodable("it holds binary data, not text")
    try:
        return data.decode("utf-8"), "utf-8", False
    except UnicodeDecodeError:
        return _decode_by_guess(data)


def _decode_by_guess(data: bytes) -> tuple[str, str, bool]:
    # Only lines with other than ASCII say anything about the encoding.
    telling = b"\n".join(islice((line for line in data.splitlines() if not line.isascii()), 500))[:50_000]
    matches = from_bytes(telling)
    best = matches.best()
    candidates: list[str] = []
    western = telling.decode("cp1252", errors="ignore")
    foreign = sum(byte > 127 for byte in telling) / max(1, len(telling))
    # Short Western texts fit a dozen encodings equally well; cp1252 is the one that people have.
    no_worse = best is None or any(
        match.encoding == "cp1252" and match.chaos <= best.chaos and match.coherence >= best.coherence
        for match in matches
    )
    unsaid = best is None or not best.coherence or best.language in _WESTERN_LANGUAGES
    if foreign < 0.25 and (no_worse or unsaid) and _WESTERN.fullmatch(western) and not _MISPLACED.search(western):
        candidates.append("cp1252")
    if best is not None:
        candidates.append(best.encoding)
    for encoding in candidates:
        try:
            return data.decode(encoding), encoding, True
        except UnicodeDecodeError:
            continue
    raise Undecodable("its bytes fit no known text encoding")


# ---------------------------------------------------------------- delimiter and quoting


def records(text: str, delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """(last line number, cells) of every record; an empty line gives no cells."""
    csv.field_size_limit(WIDEST_FIELD)  # the default, 128 KiB, is no property of the format
    lines = _lines(text)
    if quoted:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    for cells in reader:
        yield reader.line_num, cells


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends, cut as a file's are. A stretch at a time: StringIO takes four bytes a letter."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + STRETCH) + 1 or len(text)
        yield from io.StringIO(text[start:end], newline="")
        start = end


@dataclass(frozen=True)
class QuoteCount:
    """What the fields that begin with a quote look like, read as quoted fields."""

    whole: int  # closed right before a delimiter, a line end, or the file's end
    broken: int  # closed elsewhere, or never
    glued: int  # whole, and more than one line


def count_quotes(text: str, delimiter: str) -> QuoteCount:
    """Counts fields that begin with a quote, over the whole text."""
    edge = re.escape(delimiter) + r"\r\n"
    pattern = re.compile(rf'(?:\A|(?<=[{edge}]))"([^"]*+(?:""[^"]*+)*+)("(?=[{edge}]|\Z)|"|\Z)')
    whole = broken = glued = 0
    for match in pattern.finditer(text):
        if match.group(2) and (match.end() == len(text) or text[match.end()] in f"{delimiter}\r\n"):
            whole += 1
            glued += "\n" in match.group(1)
        else:
            broken += 1
    return QuoteCount(whole, broken, glued)


def is_quoted(text: str, delimiter: str) -> bool:
    """True where quotes around fields belong to the format, False where they belong to the texts.

    Quotes are the format's when every field that begins with one also ends with one. Where some do not, or where
    reading them so would glue lines together, the reading that gives more rows of equal width decides.
    """
    if '"' not in text:
        return False
    count = count_quotes(text, delimiter)
    if not count.whole:
        return False
    if not count.broken and not count.glued:
        return True
    plain, quoted = _regularity(text, delimiter, False), _regularity(text, delimiter, True)
    if not count.broken:
        # Lines that are whole rows of the same width by themselves are rows: their quotes met by chance. With one
        # column every line is a whole row, so that says nothing.
        return quoted.width == 1 or quoted.width != plain.width or quoted.share > plain.share
    if plain.share == quoted.share:
        return count.whole > count.broken and plain.share < 1
    return quoted.share > plain.share


@dataclass(frozen=True)
class Regularity:
    width: int  # cells of most records
    share: float  # of the records that have that many


def _regularity(text: str, delimiter: str, quoted: bool, most: int | None = None) -> Regularity:
    widths = Counter(len(cells) for _, cells in islice(records(text, delimiter, quoted), most) if cells)
    if not widths:
        return Regularity(1, 0.0)
    width, number = widths.most_common(1)[0]
    return Regularity(width, number / sum(widths.values()))


def find_delimiter(text: str) -> str:
    """The delimiter of a file that ends in `.csv`: the comma, unless another one gives clearly more regular rows."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    best, best_share = ",", 0.0
    for delimiter in DELIMITERS:
        if delimiter not in first:
            continue
        found = _regularity(text, delimiter, True, SAMPLE_RECORDS)
        if found.width > 1 and found.share > best_share + 0.05:
            best, best_share = delimiter, found.share
    return best


# ---------------------------------------------------------------- header and columns


def has_header(rows: Sequence[Sequence[str]], wanted: Sequence[str]) -> bool:
    """Does the first of these records name the columns?

    Args:
        rows: the first records, cells as read.
        wanted: the column names the config asks for; they decide where they can.
    """
    if not rows:
        return False
    first = [cell.strip() for cell in rows[0]]
    if wanted and all(name.isdigit() for name in wanted):
        # Numbers stand for columns without a name; "1" in the first row is more likely a class than a name.
        return all(cell.isdigit() for cell in first) and set(wanted) <= set(first)
    if any(name in first for name in wanted):
        return True
    named = [cell for i, cell in enumerate(first) if cell or i]  # an index column's name may be empty
    if not named or len(set(first)) < len(first) or not all(_IDENTIFIER.fullmatch(cell) for cell in named):
        return False
    if any(cell.casefold() in KNOWN_NAMES for cell in named):
        return True
    below = rows[1:]
    if not below or any(len(cell.split()) > 4 for cell in named):
        return False
    columns = [[row[i].strip() for row in below if i < len(row)] for i in range(len(first))]
    if any(cell and cell in column for cell, column in zip(first, columns, strict=True)):
        return False  # a class (or text) that comes again is a value
    # A name is one short word over much longer texts, or a word over numbers or over a few classes.
    longest = max(columns, key=lambda column: sum(map(len, column)) / max(1, len(column)))
    mean = sum(map(len, longest)) / max(1, len(longest))
    name = first[columns.index(longest)]
    if len(first) == 1:
        return " " not in name and mean > 3 * len(name)
    return mean > 1.5 * len(name)


def unique_names(cells: Sequence[str]) -> list[str]:
    """Column names from a header: stripped, empty ones numbered from 1, repeated ones told apart by `.1`, `.2`."""
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = base = cell.strip() or str(number)
        copy = 0
        while name in names:
            copy += 1
            name = f"{base}.{copy}"
        names.append(name)
    return names


def likely_columns(names: Sequence[str], columns: Sequence[Sequence[str]]) -> tuple[str, str | None, str | None]:
    """(text, second text or None, label or None) by the columns' names and contents."""
    if not names:
        raise ValueError("no columns")
    folded = {name.casefold(): name for name in names}
    pair = next(((folded[a], folded[b]) for a, b in PAIR_NAMES if a in folded and b in folded), None)
    mean = {name: sum(map(len, column)) / max(1, len(column)) for name, column in zip(names, columns, strict=True)}
    text = pair[0] if pair else next((folded[n] for n in TEXT_NAMES if n in folded), None)
    if text is None:
        text = max(names, key=lambda name: mean[name])
    second = pair[1] if pair else None
    label: str | None = None
    fewest = float("inf")
    for name, column in zip(names, columns, strict=True):
        distinct = len(set(column) - {""})
        if name in (text, second) or distinct < 2 or distinct > max(2, len(column) // 2):
            continue
        if name.casefold() in LABEL_NAMES:
            return text, second, name
        if distinct < fewest:
            label, fewest = name, distinct
    if label is None:
        label = next((folded[n] for n in LABEL_NAMES if n in folded and folded[n] not in (text, second)), None)
    return text, second, label
