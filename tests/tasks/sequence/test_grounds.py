"""Answers that keep to the names and numbers of their sources."""

from __future__ import annotations

import pytest

from throughtime.data.pairs import Pairs
from throughtime.data.shared_bpe import SharedBPE
from throughtime.runtime.beam import Asked
from throughtime.tasks.sequence.grounds import Grounds, keeps

SOURCE = "the libfoo22-dev of MySQL 8.4, see https://a.org/x_1?y=2 and (C++) files (2.3)."
LINES = [SOURCE, "MySQLite and PostgreSQL 9, libfoo33, libfoo2x, the tool 25 for 1.5 files, 8.45 of wxWidgets. Tools"]
PIECES = SharedBPE.fit([LINES * 3], 330)


def says(text: str, source: str = SOURCE, **more: object) -> bool:
    """Whether an answer may be said."""
    asked = Asked(PIECES.encode(source), 99, **more)  # type: ignore[arg-type]
    grounds, ids = Grounds([asked], PIECES), PIECES.encode(text).tolist()
    return not any(grounds.refused(0, ids[:i], token) for i, token in enumerate([*ids, PIECES.edge]))


@pytest.mark.parametrize(
    "text",
    [
        "Tools of the files",
        "MySQL 8.4 (libfoo22)",
        "libfoo22-dev: C++ files, 2.",
        "see https://a.org/x_1?y=2",
        "files (2.3).",
        "libfoo and MySQL",
        "MYSQL Postgres",
    ],
)
def test_names_that_stand_there_may_be_said(text: str) -> None:
    assert says(text)


@pytest.mark.parametrize(
    "text",
    ["libfoo2", "libfoo33", "MySQLite", "PostgreSQL", "9 files", "8.45", "8.", "2.3.1", "wxWidgets", "see b@a.org"],
)
def test_others_may_not(text: str) -> None:
    assert not says(text)


def test_what_leads_to_none_is_refused_at_once() -> None:
    grounds, ids = Grounds([Asked(PIECES.encode(SOURCE), 99)], PIECES), PIECES.encode("libfoo33").tolist()
    refused = [i for i, token in enumerate(ids) if grounds.refused(0, ids[:i], token)]
    assert refused
    assert "3" in PIECES.decode(ids[: refused[0] + 1])
    assert not any(sign.isdigit() for sign in PIECES.decode(ids[: refused[0]]))


def test_what_is_forced_may_be_said_as_well() -> None:
    assert not says("PostgreSQL 9 files")
    assert says("PostgreSQL 9 files", prefix=PIECES.encode("PostgreSQL 9").tolist())
    assert says("PostgreSQL 9 files", terms=((tuple(PIECES.encode("PostgreSQL 9").tolist()),),))


def test_targets_tell_whether_they_keep_to_their_sources() -> None:
    sources = [f"a text about foo{i} and more" for i in range(40)]
    kept, told = keeps(Pairs(sources, [f"about foo{i}" for i in range(40)]))
    assert kept
    assert "100%" in told
    assert keeps(Pairs(sources, [f"grade {i + 100}" for i in range(40)])) == (False, "")
    assert keeps(Pairs(sources[:10], [f"about foo{i}" for i in range(10)])) == (False, "")
