"""Pretrained vectors of words, as word2vec, GloVe and fastText write them, read as a stream.

    word2vec, text      a row N D, then N rows: a word and D numbers; fastText's .vec is the same
    word2vec, binary    a row N D, then N times a word, a space and D float32, the lower byte first
    GloVe               rows: a word and D numbers

Each may be packed by gzip; words are UTF-8. Only the words that are asked for are kept.

Sources: Mikolov et al. 2013, arXiv:1301.3781; Pennington et al. 2014, doi:10.3115/v1/D14-1162; Bojanowski et al. 2017,
arXiv:1607.04606.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from unicodedata import normalize

import numpy as np

from throughtime.errors import UserError
from throughtime.storage.folder import opened_file

MOST_VALUES = 1 << 14
"""Of a vector."""

_BLOCK, _LONGEST = 1 << 18, 1 << 20
"""Bytes that are read at once; that are looked at to tell the format, and that a row of text may have."""

_LOOKED = 1 << 16
"""Bytes behind a header that tell text from numbers in binary."""

_LONGEST_WORD = 1 << 14
"""Bytes of a word between vectors in binary."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1b]")
"""What stands in no text, but soon in numbers in binary."""

_OTHERS = {
    b"BZh": "a bzip2 archive; unpack it",
    b"\xfd7zXZ\x00": "an xz archive; unpack it",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive; unpack it",
    b"PK\x03\x04": "a zip archive; unpack it",
    b"\xba\x16\x4f\x2f": "a model of fastText; give its .vec file",
    b"\x93NUMPY": "an array of NumPy without words; write them as word2vec does",
    b"\x89HDF": "HDF5; write its vectors as word2vec does",
    b"\x80": "a pickle, which may run anything; write its vectors with gensim's save_word2vec_format",
    b"\xff\xfe": "UTF-16; convert it to UTF-8",
    b"\xfe\xff": "UTF-16; convert it to UTF-8",
}
"""What is taken for word vectors by mistake, by the first bytes."""


@dataclass(frozen=True)
class WordVectors:
    """values: word -> (D,) float32, of those that were asked for and are there; of a word that stands there twice the
    first. kind: the format. rows: words in the file. cut: how many of them end inside a character, which nobody can
    ask for. sha256: of the file."""

    values: Mapping[str, np.ndarray]
    kind: str
    width: int
    rows: int
    cut: int
    sha256: str


@dataclass(frozen=True)
class _Head:
    """What the beginning of a file tells. rows: None where it does not say how many there are."""

    kind: str
    width: int
    rows: int | None = None

    @property
    def binary(self) -> bool:
        return self.kind == BINARY


BINARY, TEXT, GLOVE = "word2vec, binary", "word2vec, text", "GloVe"


def vectors_width(path: str) -> int:
    """D, the values of each vector of a file, by its beginning; UserError as of read_vectors."""
    return _head(path).width


def read_vectors(path: str, wanted: Collection[str]) -> WordVectors:
    """The vectors of some words, from a file of any of the formats.

    wanted: words, composed (NFC). Memory is taken for these alone. Raises UserError, with the row, for what cannot be
    read, a header that the rows do not follow, a word that is no UTF-8, and of the words that are wanted for what is no
    number.
    """
    head = _head(path)
    asked, found, rows, cut = frozenset(wanted), dict[str, np.ndarray](), 0, 0
    with _unpacked(path) as (stream, hashed):
        each = _binary_rows(stream, head, path) if head.binary else _text_rows(stream, head, path)
        for row, word, values in each:
            rows += 1
            name = _decoded(word, path, row)
            if name is None:
                cut += 1
            elif name in asked and name not in found:
                found[name] = _vector(values, head, path, row)
        digest = hashed.digest()
    return WordVectors(found, head.kind, head.width, rows, cut, digest)


def _head(path: str) -> _Head:
    """The format of a file, and the size of its vectors."""
    with _unpacked(path) as (stream, _):
        sample = stream.read(_LONGEST)
    if not sample:
        raise UserError(f"{path}: expected word vectors, got an empty file")
    first, _, rest = sample.removeprefix(codecs.BOM_UTF8).partition(b"\n")
    fields = first.split()
    if len(fields) == 2 and all(one.isdigit() and len(one) < 16 for one in fields):
        rows, width = map(int, fields)
        if not rows or not 0 < width <= MOST_VALUES:
            raise UserError(
                f"{path}: row 1: expected the number of words and of the values of each, from 1 to {MOST_VALUES:,}, "
                f"got {rows:,} and {width:,}"
            )
        return _Head(TEXT if _is_text(rest[:_LOOKED]) else BINARY, width, rows)
    width = len(fields) - 1
    if not 0 < width <= MOST_VALUES or not all(map(_is_number, fields[1:])) or _CONTROL.search(first):
        raise UserError(
            f"{path}: row 1: expected a word and numbers, or how many words and values there are, as GloVe, word2vec "
            f"and fastText (.vec) write them, got {first[:40].decode('utf-8', 'replace')!r}"
        )
    return _Head(GLOVE, width)


def _is_text(rows: bytes) -> bool:
    """Whether the rows behind a header are text: a first one of numbers, or signs that text has alone."""
    numbers = [_is_number(one) for one in rows.partition(b"\n")[0].split()[1:]]
    if numbers and 2 * sum(numbers) >= len(numbers):
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(rows)
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(rows) is None


def _text_rows(stream: Any, head: _Head, path: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Row, word and numbers, as they stand in a text."""
    row, count, blank = 0, 0, 0
    if head.rows is not None:
        stream.readline(_LONGEST)
        row = 1
    while line := stream.readline(_LONGEST):
        row += 1
        if len(line) == _LONGEST:
            raise UserError(f"{path}: row {row:,}: expected a word and {head.width:,} numbers, it has no end")
        if row == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        line = line.rstrip(b" \t\r\n")
        if not line:
            blank = blank or row
            continue
        if blank:
            raise UserError(f"{path}: row {blank:,}: expected a word and {head.width:,} numbers, got nothing")
        if count == head.rows:
            raise UserError(f"{path}: row {row:,}: row 1 says that there are {count:,} words, and here is one more")
        if b"\t" in line:
            line = line.replace(b"\t", b" ")
        count += 1
        word, _, values = line.partition(b" ")
        if values.count(b" ") != head.width - 1:
            word, values = _parted(line, head.width, path, row)
        yield row, word, values
    if head.rows is not None and count < head.rows:
        raise UserError(
            f"{path}: row {row + 1:,}: row 1 says that there are {head.rows:,} words, the file ends behind {count:,}; "
            "take the whole file, or put the number right"
        )


def _parted(line: bytes, width: int, path: str, row: int) -> tuple[bytes, bytes]:
    """Word and numbers of a row with more or fewer spaces than it should have: some words have spaces in them."""
    fields = [one for one in line.split(b" ") if one]
    within = fields[1:-width]
    if len(fields) <= width or (within and all(map(_is_number, within))):
        word = fields[0].decode("utf-8", "replace")
        raise UserError(f"{path}: row {row:,}: expected {width:,} numbers of {word[:40]!r}, got {len(fields) - 1:,}")
    return b" ".join(fields[:-width]), b" ".join(fields[-width:])


def _binary_rows(stream: Any, head: _Head, path: str) -> Iterator[tuple[int, bytes, bytes]]:
    """Number of the word, word and float32 values, as they stand in a binary file."""
    assert head.rows is not None
    stream.readline(_LONGEST)
    size, buffer, at = 4 * head.width, b"", 0
    for row in range(1, head.rows + 1):
        end = buffer.find(b" ", at)
        while end < 0 or len(buffer) <= end + size:
            if end < 0 and len(buffer) - at > _LONGEST_WORD:
                raise UserError(f"{path}: word {row:,} has no end; the file is damaged, or of another format")
            if not (more := stream.read(_BLOCK)):
                raise UserError(
                    f"{path}: word {row:,}: row 1 says that there are {head.rows:,} words of {head.width:,} values, "
                    "the file ends inside this one; it is cut off"
                )
            buffer, at = buffer[at:] + more, 0
            end = buffer.find(b" ")
        yield row, buffer[at:end].lstrip(b"\n"), buffer[end + 1 : end + 1 + size]
        at = end + 1 + size
    if (buffer[at:] + stream.read(_BLOCK)).strip(b"\n"):
        raise UserError(f"{path}: row 1 says that there are {head.rows:,} words, and behind them the file goes on")


def _decoded(word: bytes, path: str, row: int) -> str | None:
    """A word, composed (NFC); None where it was cut inside a character, as word2vec cuts long ones."""
    if word.isascii():
        return word.decode("ascii")
    try:
        return normalize("NFC", word.decode())
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return None
        raise UserError(
            f"{path}: row {row:,}: byte 0x{word[error.start]:02x} is no UTF-8 ({error.reason}); convert the file"
        ) from None


def _vector(values: bytes, head: _Head, path: str, row: int) -> np.ndarray:
    """A vector (D,) float32; UserError for what is no number."""
    if head.binary:
        found = np.frombuffer(values, "<f4").astype(np.float32)
    else:
        fields = values.split()
        if wrong := [one for one in fields if not _is_number(one)]:
            raise UserError(f"{path}: row {row:,}: expected a number, got {wrong[0].decode('utf-8', 'replace')[:40]!r}")
        with np.errstate(over="ignore"):
            found = np.array([*map(float, fields)]).astype(np.float32)
    if not np.isfinite(found).all():
        raise UserError(f"{path}: row {row:,}: expected numbers, got {found[~np.isfinite(found)][0]}")
    return found


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field


class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sha = file, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._sha.update(data)
        return len(data)

    def digest(self) -> str:
        """Of the whole file, whatever was read of it."""
        while self.read(_BLOCK):
            pass
        return self._sha.hexdigest()


@contextmanager
def _unpacked(path: str) -> Iterator[tuple[Any, _Hashed]]:
    """A file's bytes as a stream, unpacked where gzip packed them; and the file as it is. UserError where it cannot be
    read."""
    try:
        with opened_file(Path(path), whole=False) as file:
            hashed = _Hashed(file)
            raw = io.BufferedReader(hashed, _BLOCK)
            begin = raw.peek(16)
            for mark, what in _OTHERS.items():
                if begin.startswith(mark):
                    raise UserError(f"{path}: expected word vectors, got {what}")
            yield gzip.GzipFile(fileobj=raw) if begin.startswith(b"\x1f\x8b") else raw, hashed
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; check the path") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: cannot be unpacked ({error})") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
