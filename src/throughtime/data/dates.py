"""Columns of text as points in time, whatever way they are written.

Texts of one shape (all digits alike) are read at once: a pattern says what stands where, and NumPy takes the digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from throughtime.data.date_patterns import CLOCKS, FINEST, MONTHS, NAME, OPEN, PATTERNS, TWOFOLD, of_format, written
from throughtime.data.frequency import infer
from throughtime.data.written import Text
from throughtime.errors import UserError

_DIGITS = str.maketrans("123456789", "0" * 9)
_SIGNS = str.maketrans("年月日时時点分秒년월일시분초／：．", "-- :::: -- :: /:.")
_SHORT = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORD = re.compile(r"[^\W\d_]{3,}\.?")
_FOREIGN = frozenset(name for name in MONTHS if not re.fullmatch(NAME, name))
_HALVES = {"上午": " AM", "下午": " PM", "오전": " AM", "오후": " PM"}
_ERAS = {"民國": 1911, "民国": 1911, "令和": 2018, "平成": 1988, "昭和": 1925}
_ERA = re.compile(rf"(?:中華)?({'|'.join(_ERAS)})\s*(\d{{1,3}}|元)\s*年")
_NAMED_DAY = re.compile(
    r"\s*[(（]?(?:(?:星期|周|週)[一二三四五六日天]|(?<=[(（])[月火水木金土日월화수목금토일])[)）]?\s*"
)
_APART = re.compile(r"(?<=[年月时時点分년월시분])\s+(?=\d)")
_ABROAD = re.compile(
    r"^(?:mo(?:ntag)?|di(?:enstag)?|mi(?:ttwoch)?|do(?:nnerstag)?|fr(?:eitag)?|sa(?:mstag)?|so(?:nntag)?|(?:lun|mar|mercre|jeu"
    r"|vendre|mer|ven)(?:di)?|sam(?:edi)?|dim(?:anche)?)\.?,?\s+(?=\d{1,2}[./-]\d)",
    re.IGNORECASE,
)
"""Names of days in German and French, before a date in digits."""
_BEFORE = re.compile(r"^(?:w/[ecb]|week (?:ending|commencing|beginning|of))[: ]+(?=\S)", re.IGNORECASE)
_QUARTER = re.compile(r"年\s*第?([一二三四1-4])季度?")
_CHINESE_WEEK = re.compile(r"(\d{4})年\s*第(\d{1,2})[周週]")
_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}")
_YEAR = re.compile(r"(\d{4})年度?$")
_SEVERAL = re.compile(r"\d\s*[-~至—–]\s*\d+月")
"""Of months: the first two together, as statistics of China have them."""
TOTAL = re.compile(r"(?:grand |sub-?)?total\b.*|summe|gesamt|合计|总计|小计", re.IGNORECASE)
"""What stands in place of a time in a row of totals."""
_MOST_SHAPES = 5000

_BLOCK = 1 << 13
"""Different texts that are looked at together: as objects they take many times the memory of their signs."""

Fields = dict[str, np.ndarray]
"""By the names of a pattern's groups: whole numbers of some texts."""


@dataclass(frozen=True)
class Dates:
    """stamps: (N,) datetime64[us], as clocks show them. offsets: (N,) seconds ahead of UTC, None where none are
    written. written: in directives of strftime. notes: what was decided."""

    stamps: np.ndarray
    offsets: np.ndarray | None
    written: str
    notes: list[str]


def parse(text: Text, where: str, rows: np.ndarray, dayfirst: bool | None = None, form: str | None = None) -> Dates:
    """Texts as points in time.

    where: the table and column, rows: (N,) how an editor counts each, for errors. dayfirst: of dates whose year stands
    last; None finds it in the column. form: how dates are written, in directives of strptime; None finds it. Raises
    UserError for what is no date, and for what may be two.
    """
    patterns = PATTERNS if form is None else (of_format(form),)
    read = _Parts(len(text.kinds), patterns)
    each = iter(text.kinds)
    while block := [_plain(kind) for kind in islice(each, _BLOCK)]:
        if (wrong := read.take(block)) is not None:
            hint = "" if form is None else f", written as {form}"
            got = repr(text.kinds[wrong][:40])
            row = rows[text.row(wrong)]
            raise UserError(f"{where}: row {row}: expected a date such as 2016-03-01 14:00{hint}, got {got}")
    fields, finest = read.fields, read.finest

    def refuse(kind: int, said: str) -> UserError:
        return UserError(f"{where}: row {rows[text.row(kind)]}: {said}")

    order, notes = _order(fields, text, dayfirst, where)
    stamps, good = stamps_of(fields, order)
    if not good.all():
        kind = int(np.argmin(good))
        named = {"dmy": " with the day first", "mdy": " with the month first"}.get(order, "")
        raise refuse(
            kind, f"{text.kinds[kind]!r} is no date{named if 'c' in fields and fields['c'][kind] >= 0 else ''}"
        )
    said = finest[1]
    for sign, part in zip(OPEN, order, strict=True):
        said = said.replace(sign, f"%{part}")
    said = said.replace("%y", "%Y") if "c" in fields and _any(fields["c"] > 99) else said
    shift = fields.get("zone")
    if shift is None or (shift == _NONE).all():
        return Dates(stamps[text.codes], None, said, notes)
    for name, beside in TWOFOLD.items():
        which = [kind for kind, one in enumerate(text.kinds) if re.search(rf"\b{name}\b", one, re.IGNORECASE)]
        if which and not any(re.search(rf"\b{beside}\b", one, re.IGNORECASE) for one in text.kinds):
            raise refuse(which[0], f"{name} is the clock of several countries; write an offset, such as +08:00")
    if (shift == _NONE).any():
        raise refuse(
            int(np.argmax(shift == _NONE)), "a time without an offset among times with one; give all of them one"
        )
    return Dates(stamps[text.codes], shift[text.codes].astype(np.int64), said, notes)


def plausible(text: Text, missing: np.ndarray) -> bool:
    """Whether nearly all different texts of a column look like dates; missing: (K,) those that are none."""
    there = (_plain(kind) for kind, gone in zip(text.kinds, missing, strict=True) if not gone)
    kinds = list(islice(there, 300))
    kinds = [kind for kind in kinds if not TOTAL.fullmatch(kind)]
    if not kinds or all(kind.replace(".", "", 1).isdecimal() for kind in kinds):
        return False
    shapes = Text.of(_shapes(kinds))
    fits = np.array([any(p.fullmatch(shape) for p in PATTERNS) for shape in shapes.kinds])
    return bool(fits[shapes.codes].mean() > 0.6)


def _plain(kind: str) -> str:
    """A text with the signs that stand for others, and months by their English names."""
    if any(word.lower().rstrip(".") in _FOREIGN for word in _WORD.findall(kind)):
        kind = re.sub(r"\bde\b", " ", _WORD.sub(lambda one: _in_english(one[0]), kind))
        kind = re.sub(r"\s*г\.?$", "", kind)
    if kind[:1] in "wW":
        kind = _BEFORE.sub("", kind)
    if kind[:1].isalpha():
        kind = _ABROAD.sub("", kind)
    if kind.isascii():
        return kind
    kind = _ERA.sub(lambda one: f"{_ERAS[one[1]] + (1 if one[2] == '元' else int(one[2]))}年", kind)
    kind = _APART.sub("", _NAMED_DAY.sub(" ", kind).strip())
    if _SEVERAL.search(kind):
        return kind
    for sign, half in _HALVES.items():
        kind = kind.replace(sign, "") + half if sign in kind else kind
    kind = _YEAR.sub(r"\1-01", kind)
    kind = _CHINESE_WEEK.sub(r"\1-W\2", kind).replace("年上半年", "-H1").replace("年下半年", "-H2")
    kind = _QUARTER.sub(lambda one: f"-Q{'一二三四'.find(one[1]) + 1 or one[1]}", kind)
    kind = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in kind)  # full width, Arabic, ...
    return re.sub(r"[-: ]+(?= [AP]M$|$)", "", kind.translate(_SIGNS).replace("−", "-").replace("\xa0", " "))


def _in_english(word: str) -> str:
    """The name of a month as an Englishman shortens it; any other word as it is."""
    number = MONTHS.get(word.lower().rstrip("."))
    return word if number is None else _SHORT[number - 1]


def _shapes(kinds: Sequence[str]) -> list[str]:
    joined = "\n".join(kind.replace("\n", " ") for kind in kinds)
    return joined.translate(_DIGITS).split("\n")


_NONE = 1 << 30
"""Of a text without an offset."""

_SMALL = {"year": np.int16, "c": np.int16, "dayofyear": np.int16, "part": np.int32, "zone": np.int32}
"""How the fields of all texts are kept that two digits are too few for."""


class _Parts:
    """The fields of texts that come block by block. fields: -1 where a text has none. finest: how the texts are written
    that say most, and how much that is. count: of all texts."""

    def __init__(self, count: int, patterns: Sequence[re.Pattern[str]]) -> None:
        self.fields: Fields = {}
        self.finest: tuple[int, str] = (-1, "")
        self._count, self._patterns, self._seen = count, patterns, 0
        self._matches: dict[str, re.Match[str]] = {}

    def take(self, kinds: list[str]) -> int | None:
        """Further texts; the number of the first that is no date, None where all are."""
        places: dict[str, list[int]] = {}
        for place, shape in enumerate(_shapes(kinds)):
            places.setdefault(shape, []).append(place)
        for shape, which in places.items():
            if (match := self._match(shape)) is None:
                return self._seen + which[0]
            found = _fields(match, [kinds[i] for i in which])
            self.finest = max(self.finest, (sum(name in FINEST for name in found), written(match)))
            at = self._seen + np.array(which)
            for name, values in found.items():
                if name not in self.fields:
                    none = _NONE if name == "zone" else -1
                    self.fields[name] = np.full(self._count, none, _SMALL.get(name, np.int8))
                self.fields[name][at] = values
        self._seen += len(kinds)
        return None

    def _match(self, shape: str) -> re.Match[str] | None:
        """What says where everything stands in texts of a shape; None for no date, and for one shape too many."""
        if shape not in self._matches and len(self._matches) <= _MOST_SHAPES:
            match = next((m for p in self._patterns if (m := p.fullmatch(shape))), None)
            if match is not None:
                self._matches[shape] = match
        return self._matches.get(shape)


def _fields(match: re.Match[str], kinds: list[str]) -> Fields:
    """What the groups of a pattern hold in texts that all have the shape that was matched."""
    width = len(match.string)
    table = np.array(kinds, f"U{width}").view(np.uint32).reshape(len(kinds), width).astype(np.int64)
    found: Fields = {}
    for name, span in ((name, match.span(name)) for name in match.re.groupindex):
        if span[0] < 0 or name in ("sep", "half", "name", "named", "zone"):
            continue
        digits = table[:, span[0] : span[1]] - 48
        if name == "part":
            digits = np.concatenate([digits, np.zeros((len(kinds), 6), np.int64)], 1)[:, :6]
        number = np.zeros(len(kinds), np.int64)
        for column in digits.T:
            number = number * 10 + column
        if name == "year" and span[1] - span[0] == 2:
            number = _century(number)
        found[name] = number
    texts = match.groupdict()
    if texts.get("name"):
        found["month"] = np.full(len(kinds), MONTHS.get(texts["name"].lower(), 0))
    if texts.get("half"):
        found["hour"] = np.where(
            (found["hour"] < 1) | (found["hour"] > 12), 99, found["hour"] % 12 + 12 * (texts["half"][0] in "pP")
        )
    if texts.get("zone"):
        a, b = match.span("zone")
        found["zone"] = np.array([_offset(kind[a:b]) for kind in kinds])
    return found


def _offset(text: str) -> int:
    if text.upper() in CLOCKS:
        return 3600 * CLOCKS[text.upper()]
    digits = re.sub(r"[^0-9]", "", text)
    digits = (digits if len(digits) != 1 else f"0{digits}").ljust(4, "0")
    seconds = 3600 * int(digits[:2]) + 60 * int(digits[2:4])
    return -seconds if "-" in text else seconds


def _century(year: np.ndarray) -> np.ndarray:
    return np.where(year < 69, 2000 + year, 1900 + year)


ORDERS = {"dmy": "the day", "mdy": "the month", "ymd": "the year"}
"""In which order three numbers of a date stand, by what stands first."""


def _dated(fields: Fields, order: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Year, month and day of each text; three numbers whose order is open stand in a, b, c."""
    count = len(next(iter(fields.values())))
    year, month, day = (fields.get(name, np.full(count, -1)).copy() for name in ("year", "month", "day"))
    if "c" in fields:
        open_ = fields["c"] >= 0
        by = {order[0]: fields["a"], order[1]: fields["b"], order[2]: fields["c"]}
        year = np.where(open_, np.where(by["y"] < 100, _century(by["y"]), by["y"]), year)
        month, day = np.where(open_, by["m"], month), np.where(open_, by["d"], day)
    if "quarter" in fields:
        quarter = fields["quarter"]
        month = np.where(quarter >= 0, np.where(quarter % 5 == quarter, 3 * quarter - 2, 0), month)
    if "semester" in fields:
        semester = fields["semester"]
        month = np.where(semester >= 0, np.where(semester % 3 == semester, 6 * semester - 5, 0), month)
    return year, np.where(month == -1, 1, month), np.where(day == -1, 1, day)


def stamps_of(fields: Fields, order: str) -> tuple[np.ndarray, np.ndarray]:
    """Points in time, and which of them there are."""
    count = len(next(iter(fields.values())))
    stamps, good = np.empty(count, "datetime64[us]"), np.empty(count, bool)
    for first in range(0, count, _BLOCK):
        block = slice(first, first + _BLOCK)
        some = {name: values[block].astype(np.int64) for name, values in fields.items()}
        stamps[block], good[block] = _stamps_of(some, order)
    return stamps, good


def _stamps_of(fields: Fields, order: str) -> tuple[np.ndarray, np.ndarray]:
    """The same of few."""
    year, month, day = _dated(fields, order)
    good = (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12)
    months = (np.where(good, year, 1970) - 1970) * 12 + np.where(good, month, 1) - 1
    first = months.astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    good &= (day >= 1) & (day <= length)
    days = first.astype("datetime64[D]") + day - 1
    if "week" in fields:
        week, weekday = fields["week"], np.maximum(fields.get("weekday", np.ones_like(day)), 1)
        january = (np.where(good, year, 1970) - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3
        monday = january - ((january.astype(np.int64) + 3) % 7)
        in_week = monday + 7 * (week - 1) + weekday - 1
        of_year = (monday + 7 * (week - 1) + 3).astype("datetime64[Y]").astype(np.int64) + 1970
        good &= (week < 0) | ((week >= 1) & (weekday <= 7) & (of_year == year))
        days = np.where(week >= 0, in_week, days)
    if "dayofyear" in fields:
        place = fields["dayofyear"]
        good &= (place < 0) | ((place >= 1) & (place <= 365 + _leap(year)))
        days = np.where(place >= 0, first.astype("datetime64[D]") + place - 1, days)
    clock = np.zeros(len(year), np.int64)
    for name, unit in (("hour", 3600), ("minute", 60), ("second", 1)):
        value = np.maximum(fields.get(name, clock * 0), 0)
        good &= value < (25 if name == "hour" else 60)
        clock = clock + unit * value
    good &= clock <= 86_400  # 24:00 is the end of a day
    part = np.maximum(fields.get("part", clock * 0), 0)
    return days.astype("datetime64[us]") + (clock * 1_000_000 + part).astype("timedelta64[us]"), good


def _leap(year: np.ndarray) -> np.ndarray:
    leap: np.ndarray = (year % 4 == 0) & (year % 100 != 0) | (year % 400 == 0)
    return leap.astype(np.int64)


def _order(fields: Fields, text: Text, dayfirst: bool | None, where: str) -> tuple[str, list[str]]:
    """In which order three numbers stand, and what is to be said of how that was found."""
    if "c" not in fields:
        return "ymd", []
    if dayfirst is not None:
        return "dmy" if dayfirst else "mdy", []
    short = bool((fields["c"][fields["c"] >= 0] < 100).any())
    orders = [order for order in ORDERS if order != "ymd" or short]
    read = {order: stamps_of(fields, order) for order in orders}
    valid = [order for order in orders if read[order][1].all()]
    if not valid:
        day = _any(fields["a"] > 12) and _any(fields["b"] > 12)
        if day and not short:
            raise UserError(f"{where}: some dates have the day first and some the month; write them one way")
        good = {order: int(read[order][1].sum()) for order in orders}
        return max(orders, key=lambda order: good[order]), []
    if not short and "dmy" in valid and all(_DOTTED.search(kind) for kind in text.kinds):
        return "dmy", ["dates read with the day first, as it is where points stand between"]
    if len(valid) == 1:
        return valid[0], [f"dates read with {ORDERS[valid[0]]} first"]

    def only(test: Callable[[np.ndarray], bool]) -> str | None:
        passing = [order for order in valid if test(read[order][0])]
        return passing[0] if len(passing) == 1 else None

    if best := only(lambda stamps: bool((np.diff(stamps[text.codes]).astype(np.int64) >= 0).all())):
        return best, [f"dates read with {ORDERS[best]} first, as only so they are in order"]
    if best := only(_evenly):
        return best, [f"dates read with {ORDERS[best]} first, as only so they are equally far apart"]
    if best := only(lambda stamps: len(stamps) > 2 and infer([np.unique(stamps)]) is not None):
        return best, [f"dates read with {ORDERS[best]} first, as only so they are equally far apart"]
    which = " or ".join(ORDERS[order] for order in valid)
    raise UserError(f"{where}: dates may have {which} first; say which with dayfirst, or how they are written")


def _evenly(stamps: np.ndarray) -> bool:
    """Whether points in time, at least ten, are all equally far apart."""
    apart = np.unique(np.diff(np.unique(stamps)).astype(np.int64))
    return len(stamps) >= 10 and len(apart) == 1


def _any(where: np.ndarray) -> bool:
    return bool(where.any())
