"""Columns of text as numbers, whatever way they are written; what may be two numbers is asked about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from throughtime.data.beside_numbers import CENSORED, FLAGS, SUFFIXES, taken_apart, within
from throughtime.data.written import NO_NUMBERS, Text

_CURRENCY = r"(?:US\$|R\$|[$€£¥₹₽₩₺฿₫]|USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|SEK|NOK|DKK|PLN|BRL|kr\.?|zł|元)"
_CELL = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+−])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[-+−])?\s*"
    rf"(?P<number>\d[\d.,'’\s]*|[.,]\d+)(?P<power>[eE][-+]?\d+)?\s*(?P<share>[%‰])?\s*(?P<after>{_CURRENCY})?"
    r"\s*(?P<last>[-−])?\s*(?P<close>\))?"
)
_EDGE = rf"[-+−(\s]*{_CURRENCY}?\s*[-+−]?"
_POINT = re.compile(
    rf"^{_EDGE}(?:\d*\.(?!\d{{3}}(?!\d))\d+|0?\.\d+|\d{{4,}}\.\d+|\d{{1,3}}(?:,\d{{3}})+\.\d*|\d{{1,3}}(?:,\d{{3}}){{2,}}"
    rf"|\d{{1,2}}(?:,\d{{2}})+,\d{{3}}(?:\.\d*)?)\s*[%‰]?\s*{_CURRENCY}?[-)]?$",
    re.MULTILINE,
)
_COMMA = re.compile(
    rf"^{_EDGE}(?:\d*,(?!\d{{3}}(?!\d))\d+|0?,\d+|\d{{4,}},\d+|\d{{1,3}}(?:\.\d{{3}})+,\d*|\d{{1,3}}(?:\.\d{{3}}){{2,}})"
    rf"\s*[%‰]?\s*{_CURRENCY}?[-)]?$",
    re.MULTILINE,
)
_BLOCK = 1 << 14
"""Different texts that are looked at together."""

_TWO = re.compile(r"^[-+]?0\d+,", re.MULTILINE)
"""+0010,1: two numbers in one cell."""

_OPEN = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True)
class NumberStyle:
    """How numbers are written. decimal: "." or ",", None where the table does not show it. thousands: what stands
    between groups of three digits, None for what is usual. missing: further marks of missing values. censored: what
    <0.1 becomes, a name of CENSORED; None refuses it."""

    decimal: str | None = "."
    thousands: str | None = None
    missing: tuple[str, ...] = ()
    censored: str | None = None

    @classmethod
    def of(
        cls,
        columns: Iterable[Text],
        separator: str,
        decimal: str | None,
        thousands: str | None,
        missing: tuple[str, ...] = (),
    ) -> NumberStyle:
        """What the cells of a table show, as far as nothing is given. separator: of its columns."""
        if decimal is None and thousands in (".", ","):
            decimal = "," if thousands == "." else "."
        if decimal is not None:
            return cls(decimal, thousands, missing)
        point = comma = False
        for text in columns:
            each = iter(text.kinds)
            while block := list(islice(each, _BLOCK)):
                joined = "\n".join(block)
                if "." in joined or "," in joined:
                    point, comma = point or bool(_POINT.search(joined)), comma or bool(_COMMA.search(joined))
        if point == comma:
            return cls(None, thousands, missing)
        return cls("." if point else ",", thousands, missing)


@dataclass(frozen=True)
class Numbers:
    """values: (N,) float64, NaN where missing. bad: the kind of the first text that is no number, None for none. why:
    what is said of it. share: of the different texts that are numbers. notes: what was left out of the cells."""

    values: np.ndarray
    bad: int | None = None
    why: str = ""
    share: float = 1.0
    notes: tuple[str, ...] = ()


def quick_numbers(text: Text, style: NumberStyle) -> Numbers | None:
    """A column of texts as numbers where all of them are written as Python does; None where one is not."""
    gone = text.missing(style.missing)
    if gone.all() or style.thousands is not None:
        return None
    sample = [kind for kind, away in zip(text.kinds[:20], gone, strict=False) if not away and kind != "nan"]
    if sample and not any(kind[-1:].isdecimal() or kind[-1:] == "." for kind in sample):
        return None
    values = _quick(text.kinds, gone, style, ",")
    return None if values is None else Numbers(values[text.codes])


def read_numbers(text: Text, style: NumberStyle, separator: str = ",") -> Numbers:
    """A column of texts as numbers."""
    gone = text.missing(style.missing)
    if gone.all():
        return Numbers(np.full(len(text), np.nan), share=0.0)
    if (quick := _quick(text.kinds, gone, style, separator)) is not None:
        return Numbers(quick[text.codes])
    found = _Column(style, separator)
    for n, kind in enumerate(text.kinds):
        if not gone[n]:
            found.take(n, kind)
    values = np.full(len(text.kinds), np.nan)
    values[list(found.values)] = list(found.values.values())
    found.settle(text.kinds)
    share = found.share / max(1, int((~gone).sum()))
    return Numbers(values[text.codes], found.bad, found.why, share, () if found.bad is not None else found.notes())


class _Column:
    """The different cells of a column, one after the other.

    values: of those that are numbers, by their place. bad, why: the first that is none, and what is said of it. share:
    how many are numbers, or may be.
    """

    def __init__(self, style: NumberStyle, separator: str) -> None:
        self.values, self.share = dict[int, float](), 0
        self.bad: int | None = None
        self.why = ""
        self._style, self._separator = style, separator
        self._marks, self._units = dict[str, int](), set[str]()
        self._suffixes, self._bounds, self._absent, self._footnotes = set[str](), set[str](), set[str](), False

    def take(self, place: int, kind: str) -> None:
        """A further cell, which is not missing."""
        plain, mark, unsure = _canonical(kind, self._style, self._separator)
        beside = taken_apart(kind) if plain is None and not unsure else None
        if beside is not None:
            plain, mark, unsure = _canonical(beside.rest, self._style, self._separator)
            if beside.unit and not mark:
                mark = beside.unit
                self._units.add(mark)
        elif self._separator == "\t" and re.fullmatch(rf":\s*{FLAGS.pattern}", kind):
            return  # Eurostat's: missing, and why
        if plain is None and kind.lower() in NO_NUMBERS:
            self._absent.add(kind)
            return
        if plain is None:
            self.share += unsure
            self._refuse(place, _of_two(kind) if unsure else f"expected a number, got {kind[:40]!r}")
            return
        self.share += 1
        value = float(plain)
        if beside is not None:
            value *= SUFFIXES.get(beside.suffix, 1.0)
            if beside.bound and self._style.censored is None:
                where = "below" if beside.bound == "<" else "above"
                said = f"{kind[:40]!r} says that a value is {where} {plain}; say what stands for it with censored: "
                self._refuse(place, said + f"{', '.join(CENSORED[:-1])} or {CENSORED[-1]}")
            elif beside.bound:
                value = within(value, beside.bound, self._style.censored or "")
                self._bounds.add(beside.bound)
            self._suffixes |= {beside.suffix} - {""}
            self._footnotes |= beside.footnote
        self.values[place] = value
        if value or mark:
            self._marks.setdefault(mark, place)

    def _refuse(self, place: int, why: str) -> None:
        if self.bad is None:
            self.bad, self.why = place, why

    def settle(self, kinds: Sequence[str]) -> None:
        """Refuse numbers of different units; flags of Eurostat's are none."""
        if self._separator == "\t" and all(FLAGS.fullmatch(mark) for mark in self._units):
            for mark in self._units & set(self._marks):
                del self._marks[mark]
        else:
            self._units &= set(self._marks) if len(self._marks) > 1 else set()
        if self.bad is None and len(self._marks) > 1:
            own = max(self._marks, key=lambda mark: self._marks[mark])
            self.bad = self._marks[own]
            other = next((mark for mark in sorted(self._marks) if mark and mark != own), "")
            among = f"with {other!r}" if other else f"without {own!r}"
            self.why = f"{kinds[self.bad][:40]!r} stands among numbers {among}; write them one way"
            if self._units:
                self.share = 0  # of several units: sizes and names are texts

    def notes(self) -> tuple[str, ...]:
        """What was left out, or taken for something else."""
        notes = [f"{mark} left out" for mark in self._marks if mark]
        if flags := sorted(self._units - set(self._marks)):
            notes.append(f"flags left out: {', '.join(flags)}")
        notes += [f"{one} read as {SUFFIXES[one]:,.0f}" for one in sorted(self._suffixes)]
        if self._absent:
            notes.append(f"{', '.join(sorted(self._absent))} read as missing")
        if self._footnotes:
            notes.append("marks of footnotes left out")
        if self._bounds:
            signs = " and ".join(sorted(self._bounds))
            notes.append(f"cells with {signs}: {self._style.censored}, as asked for")
        return tuple(notes)


def _of_two(kind: str) -> str:
    digits = re.sub(r"\D", "", kind)
    return f"{kind!r} may be {digits} or {digits[:-3]}.{digits[-3:]}; say which sign is the decimal one"


def _quick(kinds: Sequence[str], gone: np.ndarray, style: NumberStyle, separator: str) -> np.ndarray | None:
    """Numbers that are written as Python does, but for a decimal comma; None where one is not. gone: which are missing,
    which are NaN."""
    if style.thousands is not None:
        return None
    values = np.empty(len(kinds))
    each = iter(kinds)
    for first in range(0, len(kinds), _BLOCK):
        away = gone[first : first + _BLOCK]
        block = list(islice(each, _BLOCK))
        if away.any():
            block = ["nan" if missing else kind for kind, missing in zip(block, away, strict=True)]
        if style.decimal == "," or (style.decimal is None and separator == ";"):
            joined = "\n".join(block)
            if (
                "." in joined
                or _TWO.search(joined)
                or (style.decimal is None and "," in joined)
                or joined.count("\n") != len(block) - 1
            ):
                return None
            block = joined.replace(",", ".").split("\n")
        try:
            values[first : first + _BLOCK] = np.array(block).astype(np.float64)
        except ValueError:
            return None
    return values


def _canonical(kind: str, style: NumberStyle, separator: str) -> tuple[str | None, str, bool]:
    """A number as Python writes it, None for none; the sign of percent or currency beside it; whether it may be two."""
    match = _CELL.fullmatch(kind)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return _other(kind), "", False
    number = match["number"].strip()
    signs = [match[name] for name in ("open", "sign", "inner", "last") if match[name]]
    if len(signs) > 1 or (match["before"] and match["after"]):
        return None, "", False
    if style.thousands not in (None, ".", ","):
        number = _grouped(number, style.thousands)
    elif re.search(r"[\s'’]", number):
        sign = next(c for c in number if not c.isdecimal() and c not in ".,")
        number = _grouped(number, sign)
    decimal = style.decimal
    if decimal is None:
        decimal = _decimal(number, separator)
        if decimal is None:
            return None, "", True
    other = "," if decimal == "." else "."
    whole, found, rest = number.partition(decimal)
    if other in whole and style.thousands in (None, other):
        whole = _grouped(whole, other)
    digits = whole + ("." + rest if found else "")
    if decimal == "," and _TWO.match(number):
        return None, "", False
    if not re.fullmatch(r"\d*(?:\.\d*)?", digits) or digits == ".":
        return None, "", False
    sign = "-" if signs and signs[0] in "(-−" else ""
    mark = (match["share"] or "") + (match["before"] or match["after"] or "")
    return sign + digits + (match["power"] or ""), mark, False


def _decimal(number: str, separator: str) -> str | None:
    """The decimal sign of a number by itself; None where it may be either."""
    if not re.search("[.,]", number):
        return "."
    if _OPEN.fullmatch(number):
        return "." if "." in number and separator != ";" else None
    last = "." if number.rfind(".") > number.rfind(",") else ","
    return ("," if last == "." else ".") if number.count(last) > 1 else last


def _grouped(number: str, sign: str) -> str:
    """A number without the sign between its groups of three digits, or of two before the last three, as India writes
    them; with it, where they are none."""
    whole = re.split(r"[.,]", number)[0] if sign not in ".," else number
    if sign == "," and re.fullmatch(r"\d{1,2}(?:,\d{2})+,\d{3}", whole):
        return number.replace(sign, "")
    return number.replace(sign, "") if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+", whole) else number


def _other(kind: str) -> str | None:
    try:
        return kind if np.isinf(float(kind)) else str(float(kind))
    except ValueError:
        return None
