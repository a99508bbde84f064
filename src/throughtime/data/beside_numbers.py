"""What people write in a cell beside its number: < before it, a unit, K or 万 behind it, the mark of a footnote."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

CENSORED = ("limit", "half", "zero", "missing")
"""What a cell may become that says only that a value is below or above a limit."""

SUFFIXES = {
    **{"K": 1e3, "k": 1e3, "M": 1e6, "B": 1e9, "mn": 1e6, "bn": 1e9, "Tsd": 1e3, "Mio": 1e6, "Mrd": 1e9},
    **{"万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8},
}
"""What stands right behind a number in place of zeros."""

FLAGS = re.compile(r"[bcdefinprsuz]{1,3}")
"""Of Eurostat's observations: p for provisional, e for estimated, ..."""

_BOUND = re.compile(r"([<>≤≥＜＞])=?\s*(?=[\d.,])")
_FOOTNOTE = re.compile(r"(?<=[\d%])\s*(?:\*{1,3}|[†‡]|\[\w{1,3}\]|[¹²³⁰⁴-⁹]{1,2}|\([a-z]\))$")
_SUFFIX = re.compile(r"(?<=\d)(?:([KkMB])|\s?(bn|mn|Tsd|Mio|Mrd|万|萬|亿|億)\.?)$")
_UNIT = re.compile(r"(?<=\d)(?:\s+([A-Za-zµμΩ°][\w/²³·^%]{0,9})|\s*(°[CF]?))$")
_NINES = re.compile(r"-?9{2,}(?:\.9+)?|-?\.9{2,}")
_FILLS = (32767.0, -32768.0, 65535.0, 2147483647.0, -2147483648.0, 4294967295.0, 1e20, 1e30, 9.969209968386869e36)
"""Numbers that formats of files have in place of missing ones."""


@dataclass(frozen=True)
class Beside:
    """rest: the cell without what stands beside its number. bound: "<" or ">" before it. suffix: one of SUFFIXES.
    unit: behind it. footnote: whether one is marked."""

    rest: str
    bound: str = ""
    suffix: str = ""
    unit: str = ""
    footnote: bool = False


def taken_apart(cell: str) -> Beside | None:
    """What stands beside the number of a cell; None where nothing that is known does."""
    rest, bound = cell, ""
    if match := _BOUND.match(rest):
        bound, rest = "<" if match[1] in "<≤＜" else ">", rest[match.end() :]
    footnote = _FOOTNOTE.search(rest)
    rest = rest[: footnote.start()] if footnote else rest
    unit = _UNIT.search(rest)
    rest = rest[: unit.start()] if unit else rest
    suffix = _SUFFIX.search(rest)
    rest = rest[: suffix.start()] if suffix else rest
    if rest == cell:
        return None
    named = (suffix[1] or suffix[2]) if suffix else ""
    return Beside(rest.strip(), bound, named, (unit[1] or unit[2]) if unit else "", footnote is not None)


def within(value: float, bound: str, censored: str) -> float:
    """What is taken for a value that is below (<) or above (>) another one; of those above half or zero is none."""
    if censored == "missing":
        return float("nan")
    if bound == ">" or censored == "limit":
        return value
    return value / 2 if censored == "half" else 0.0


def stand_in(values: np.ndarray) -> tuple[float, bool] | None:
    """A number among values, (N,) NaN where missing, that lies so far from all others that it may stand for missing
    ones, and whether it is one that is written for that (-999.99, 9999, 32767 ...); None for none."""
    finite = np.isfinite(values)
    known = values if finite.all() else values[finite]
    if len(known) < _LEAST:
        return None
    low, high = known.min(), known.max()
    for end in (low, high):
        others = known != end
        rest = int(np.count_nonzero(others))
        if rest < _LEAST - 1:
            continue
        least, most = known.min(where=others, initial=np.inf), known.max(where=others, initial=-np.inf)
        if most == least:
            continue
        far = (least - end if end == low else end - most) / (most - least)
        written = bool(_NINES.fullmatch(f"{end:.12g}".removeprefix("0"))) or end in _FILLS
        if written and far > 2 and (abs(end) > 900 or rest >= 8):
            return float(end), True
        if far > 1 and len(known) - rest > 1 and rest >= 8:
            return float(end), False
    return None


_LEAST = 4
"""Values that are looked at, at least."""
