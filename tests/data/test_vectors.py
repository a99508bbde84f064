"""Word vectors: every format, packed or not, gives the same; what is wrong is named with its row; little is kept."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from throughtime.data.vectors import read_vectors, vectors_width
from throughtime.errors import UserError

WORDS = {
    "the": np.array([0.25, -1.5, 2.0, 1e-3], np.float32),
    "Ruhe": np.array([1.0, 0.0, -0.5, 0.125], np.float32),
    "caf\u00e9": np.array([3.0, 0.5, 0.75, -2.0], np.float32),
    "\u597d": np.array([-0.0625, 4.0, 0.5, 1.0], np.float32),
    "1990": np.array([0.5, 0.5, 0.5, 0.5], np.float32),
}


def rows_of(words: Mapping[str, np.ndarray], end: str = "\n") -> str:
    return "".join(f"{word} {' '.join(map(str, values.tolist()))}{end}" for word, values in words.items())


def glove(words: Mapping[str, np.ndarray]) -> bytes:
    return rows_of(words).encode()


def text(words: Mapping[str, np.ndarray]) -> bytes:
    return f"{len(words)} {len(next(iter(words.values())))}\n".encode() + glove(words)


def fasttext(words: Mapping[str, np.ndarray]) -> bytes:
    """A .vec, which has a space behind each row."""
    return text({}) if not words else f"{len(words)} 4\n".encode() + rows_of(words, " \n").encode()


def binary(words: Mapping[str, np.ndarray], behind: bytes = b"\n") -> bytes:
    """As word2vec.c writes it; gensim has nothing behind a vector."""
    head = f"{len(words)} {len(next(iter(words.values())))}\n".encode()
    return head + b"".join(
        word.encode() + b" " + values.astype("<f4").tobytes() + behind for word, values in words.items()
    )


FORMATS: dict[str, tuple[Callable[[Mapping[str, np.ndarray]], bytes], str]] = {
    "glove": (glove, "GloVe"),
    "text": (text, "word2vec, text"),
    "fasttext": (fasttext, "word2vec, text"),
    "binary": (binary, "word2vec, binary"),
    "gensim": (lambda words: binary(words, b""), "word2vec, binary"),
    "tabs": (lambda words: glove(words).replace(b" ", b"\t"), "GloVe"),
    "returns": (lambda words: text(words).replace(b"\n", b"\r\n"), "word2vec, text"),
    "mark": (lambda words: b"\xef\xbb\xbf" + glove(words), "GloVe"),
    "marked head": (lambda words: b"\xef\xbb\xbf" + text(words), "word2vec, text"),
    "no end": (lambda words: text(words)[:-1], "word2vec, text"),
    "empty row at the end": (lambda words: text(words) + b"\n\n", "word2vec, text"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_words_that_are_asked_for(tmp_path: Path, kind: str, packed: bool) -> None:
    write, named = FORMATS[kind]
    raw = gzip.compress(write(WORDS)) if packed else write(WORDS)
    (tmp_path / "v").write_bytes(raw)
    found = read_vectors(str(tmp_path / "v"), {"the", "Ruhe", "ruhe", "caf\u00e9", "\u597d", "gone"})
    assert found.values.keys() == WORDS.keys() - {"1990"}
    for word, values in found.values.items():
        np.testing.assert_array_equal(values, WORDS[word])
        assert values.dtype == np.float32
    assert (found.kind, found.width, found.rows, found.cut) == (named, 4, len(WORDS), 0)
    assert found.sha256 == hashlib.sha256(raw).hexdigest()
    assert vectors_width(str(tmp_path / "v")) == 4


def test_words_are_composed_and_the_first_of_two_counts(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes("cafe\u0301 1 2\ncaf\u00e9 3 4\na 5 6\na 7 8\n".encode())
    found = read_vectors(str(tmp_path / "v"), {"caf\u00e9", "a"})
    assert {word: values.tolist() for word, values in found.values.items()} == {"caf\u00e9": [1, 2], "a": [5, 6]}


@pytest.mark.parametrize("head", [b"", b"4 2\n"])
def test_words_with_spaces_are_words(tmp_path: Path, head: bytes) -> None:
    """As in GloVe's largest file, whose rows begin with ". . ." and "at name@domain.com"."""
    (tmp_path / "v").write_bytes(head + b"a 1 2\n. . . 3 4\nat x@y.z 5 6\n\xc2\xa0 7 8\n")
    found = read_vectors(str(tmp_path / "v"), {"a", ". . .", "at x@y.z", "\u00a0", "."})
    assert {word: values.tolist() for word, values in found.values.items()} == {
        "a": [1, 2],
        ". . .": [3, 4],
        "at x@y.z": [5, 6],
        "\u00a0": [7, 8],
    }


def test_words_that_were_cut_inside_a_character_are_left_out(tmp_path: Path) -> None:
    words = {"a": np.ones(2, np.float32), "b": np.zeros(2, np.float32)}
    (tmp_path / "v").write_bytes(binary(words).replace(b"\na ", "\n\u597d ".encode()[:-2] + b" "))
    found = read_vectors(str(tmp_path / "v"), {"a", "b"})
    assert (found.rows, found.cut, [*found.values]) == (2, 1, ["b"])


WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "expected word vectors, got an empty file"),
    "no words": (b"0 4\n", "row 1: expected the number of words and of the values"),
    "no values": (b"3 0\na\nb\nc\n", "row 1: expected the number of words and of the values"),
    "too wide": (b"1 99999999\na 1\n", "row 1: expected the number of words and of the values"),
    "prose": (b"It was a dark night\nand cold\n", "row 1: expected a word and numbers, .* got 'It was a dark night'"),
    "table": (b"text,label\ngood,1\n", "row 1: expected a word and numbers"),
    "head alone": (b"3 2\n", "row 2: row 1 says that there are 3 words, the file ends behind 0"),
    "fewer rows": (b"3 2\na 1 2\nb 3 4\n", "row 4: row 1 says that there are 3 words, the file ends behind 2"),
    "more rows": (b"1 2\na 1 2\nb 3 4\n", "row 3: row 1 says that there are 1 words, and here is one more"),
    "short row": (b"a 1 2\nb 3\n", "row 2: expected 2 numbers of 'b', got 1"),
    "long row": (b"2 2\na 1 2\nb 3 4 5\n", "row 3: expected 2 numbers of 'b', got 3"),
    "other size": (b"2 3\na 1 2\nb 3 4\n", "row 2: expected 3 numbers of 'a', got 2"),
    "no number": (b"a 1 2\nb 3 x4\n", "row 2: expected a number, got 'x4'"),
    "underscore": (b"a 1 2\nb 3 1_0\n", "row 2: expected a number, got '1_0'"),
    "nan": (b"a 1 2\nb nan 4\n", "row 2: expected numbers, got nan"),
    "infinite": (b"a 1 2\nb 3 1e60\n", "row 2: expected numbers, got inf"),
    "empty row": (b"a 1 2\n\nb 3 4\n", "row 2: expected a word and 2 numbers, got nothing"),
    "latin-1": (b"a 1 2\ncaf\xe9s 3 4\n", "row 2: byte 0xe9 is no UTF-8"),
    "utf-16": ("a 1 2\n".encode("utf-16"), "got UTF-16; convert it"),
    "pickle": (b"\x80\x04\x95abc", "got a pickle"),
    "zip": (b"PK\x03\x04abc", "got a zip archive; unpack it"),
    "fasttext model": (b"\xba\x16\x4f\x2f\x0c\0\0\0", "a model of fastText; give its .vec"),
    "gzip cut off": (gzip.compress(glove(WORDS))[:-9], "cannot be unpacked"),
    "gzip of nothing": (gzip.compress(b""), "got an empty file"),
    "binary cut off": (
        binary(WORDS)[:-3],
        "word 5: row 1 says that there are 5 words of 4 values, the file ends inside",
    ),
    "binary without the last": (binary(WORDS)[: -len("1990 ") - 17], "word 5: .* cut off"),
    "binary with more": (
        binary(WORDS) + b"b \x00\x00\x00\x00",
        "says that there are 5 words, and behind them the file",
    ),
    "binary nan": (
        binary({"a": np.array([1, 2], np.float32), "b": np.array([np.nan, 1], np.float32)}),
        "row 2: .* nan",
    ),
    "binary latin-1": (binary(WORDS).replace("caf\u00e9".encode(), b"caf\xe9s"), "row 3: byte 0xe9 is no UTF-8"),
    "binary of doubles": (b"40 4\n" + b"".join(b"w \x80" + b"\xff\x01\x00" * 11 for _ in range(40)), "row 2: byte"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_in_a_line_with_its_row(tmp_path: Path, what: str) -> None:
    raw, said = WRONG[what]
    (tmp_path / "v").write_bytes(raw)
    with pytest.raises(UserError, match=said) as error:
        read_vectors(str(tmp_path / "v"), {"a", "b", "the"})
    assert str(error.value).startswith(f"{tmp_path / 'v'}: ")
    assert "\n" not in str(error.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    for name, said in (
        (tmp_path / "gone", "no such file"),
        (tmp_path, "cannot be read"),
        ("/dev/zero", "got a device"),
    ):
        with pytest.raises(UserError, match=said):
            vectors_width(str(name))


def test_a_row_without_an_end_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "v", "wb") as file:
        file.write(b"a 1 2\n" + bytes([98]) * (1 << 23))
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="row 2: expected a word and 2 numbers, it has no end"):
            read_vectors(str(tmp_path / "v"), {"a"})
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("write", [glove, binary])
def test_only_the_words_that_are_asked_for_take_memory(
    tmp_path: Path, write: Callable[[Mapping[str, np.ndarray]], bytes]
) -> None:
    values = np.random.default_rng(0).integers(0, 9, (50, 256)).astype(np.float32)
    (tmp_path / "v").write_bytes(write({f"w{i}": values[i % 50] for i in range(6000)}))
    assert (tmp_path / "v").stat().st_size > 6_000_000
    tracemalloc.start()
    try:
        found = read_vectors(str(tmp_path / "v"), {"w5", "w5999"})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found.values) == 2
    assert peak < 6_000_000  # what is looked at to tell the format, twice
