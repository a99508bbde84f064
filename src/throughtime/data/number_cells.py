"""Columns of text as numbers, whatever way they are written; what may be two numbers is asked about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from throughtime.data.written import Text

_CURRENCY = r"(?:US\$|R\$|[$€£¥₹₽₩₺฿₫]|USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|SEK|NOK|DKK|PLN|BRL|kr\.?|zł|元)"
_CELL = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[-+−])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[-+−])?\s*"
    rf"(?P<number>\d[\d.,'’\s]*|[.,]\d+)(?P<power>[eE][-+]?\d+)?\s*(?P<share>[%‰])?\s*(?P<after>{_CURRENCY})?"
    r"\s*(?P<last>[-−])?\s*(?P<close>\))?"
)
_EDGE = rf"[-+−(\s]*{_CURRENCY}?\s*[-+−]?"
_POINT = re.compile(
    rf"^{_EDGE}(?:\d*\.(?!\d{{3}}(?!\d))\d+|0?\.\d+|\d{{4,}}\.\d+|\d{{1,3}}(?:,\d{{3}})+\.\d*|\d{{1,3}}(?:,\d{{3}}){{2,}})"
    rf"\s*[%‰]?\s*{_CURRENCY}?[-)]?$",
    re.MULTILINE,
)
_COMMA = re.compile(
    rf"^{_EDGE}(?:\d*,(?!\d{{3}}(?!\d))\d+|0?,\d+|\d{{4,}},\d+|\d{{1,3}}(?:\.\d{{3}})+,\d*|\d{{1,3}}(?:\.\d{{3}}){{2,}})"
    rf"\s*[%‰]?\s*{_CURRENCY}?[-)]?$",
    re.MULTILINE,
)
_BLOCK = 1 << 14
"""Different texts that are looked at together."""

_OPEN = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True)
class NumberStyle:
    """How numbers are written. decimal: "." or ",", None where the table does not show it. thousands: what stands
    between groups of three digits, None for what is usual. missing: further marks of missing values."""

    decimal: str | None = "."
    thousands: str | None = None
    missing: tuple[str, ...] = ()

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
    kinds = text.kinds
    values, marks, open_ = np.full(len(kinds), np.nan), dict[str, int](), False
    bad, count = None, 0
    for n, kind in enumerate(kinds):
        if gone[n]:
            continue
        plain, mark, unsure = _canonical(kind, style, separator)
        if plain is None:
            bad, open_ = (n, unsure) if bad is None else (bad, open_)
            count += unsure
            continue
        count += 1
        values[n] = float(plain)
        if values[n] or mark:
            marks.setdefault(mark, n)
    share = count / max(1, int((~gone).sum()))
    why = f"expected a number, got {text.kinds[bad][:40]!r}" if bad is not None else ""
    if bad is not None and open_:
        digits = re.sub(r"\D", "", text.kinds[bad])
        why = f"{text.kinds[bad]!r} may be {digits} or {digits[:-3]}.{digits[-3:]}; say which sign is the decimal one"
    if bad is None and len(marks) > 1:
        names = sorted(marks)
        bad = max(marks.values())
        why = f"{text.kinds[bad]!r} stands among numbers with {(names[0] or names[1])!r}; write them one way"
    notes = tuple(f"{mark} left out" for mark in marks if mark) if bad is None else ()
    return Numbers(values[text.codes], bad, why, share, notes)


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
            if "." in joined or (style.decimal is None and "," in joined) or joined.count("\n") != len(block) - 1:
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
    """A number without the sign between its groups of three digits; with it, where they are none."""
    whole = re.split(r"[.,]", number)[0] if sign not in ".," else number
    return number.replace(sign, "") if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+", whole) else number


def _other(kind: str) -> str | None:
    try:
        return kind if np.isinf(float(kind)) else str(float(kind))
    except ValueError:
        return None
