"""How people write dates: patterns for the shapes of texts, in which every digit is a 0."""

from __future__ import annotations

import re

from throughtime.errors import UserError

MONTHS = {
    name: n
    for n, names in enumerate(
        (
            "january janvier januar januari jänner enero gennaio janeiro jan janv jän ene gen "
            "январь января янв styczeń stycznia sty",
            "february février fevrier februar februari febrero febbraio fevereiro feb févr fevr fév fev "
            "февраль февраля фев luty lutego lut",
            "march mars märz maerz marzo março maart mar mrz mär mrt март марта мар marzec marca",
            "april avril abril aprile apr avr abr апрель апреля апр kwiecień kwietnia kwi",
            "may mai mayo maggio maio mei maj mag май мая maja",
            "june juin juni junio giugno junho jun giu июнь июня июн czerwiec czerwca cze",
            "july juillet juli julio luglio julho jul juil lug июль июля июл lipiec lipca lip",
            "august août aout agosto augustus augusti aug ago август августа авг sierpień sierpnia sie",
            "september septembre septiembre settembre setembro sept sep set "
            "сентябрь сентября сен сент wrzesień września wrz",
            "october octobre oktober octubre ottobre outubro oct okt ott out "
            "октябрь октября окт październik października paź",
            "november novembre noviembre novembro nov ноябрь ноября ноя нояб listopad listopada lis",
            "december décembre decembre dezember diciembre dicembre dezembro dec déc dez dic "
            "декабрь декабря дек grudzień grudnia gru",
        ),
        1,
    )
    for name in names.split()
}
"""The numbers of months by their names and short names in English, German, French, Spanish, Italian, Portuguese, Dutch,
Swedish, Russian and Polish."""

NAME = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
"""Of a month, in English."""

_WEEKDAY = r"(?:(?P<named>(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?)\.?,?\s+)?"
_CLOCK = (
    r"(?P<hour>\d{1,2})(?:h|(?:[:.h](?P<minute>\d{2})(?:[:.m](?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?))?"
    r"\s*(?P<half>[ap]\.?m\.?)?"
)
CLOCKS = {
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8},
    **{"HST": -10, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SAST": 2},
    **{"HKT": 8, "JST": 9, "KST": 9, "AWST": 8, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13},
}
"""Hours by which clocks that have a name are ahead of UTC; America's as RFC 5322, section 4.3, has them."""

TWOFOLD = {"CST": "CDT", "BST": "GMT"}
"""Names of clocks in several countries, and beside which other name it is the one of CLOCKS."""

_NAMED = "|".join(CLOCKS)
_ZONE = (
    rf"\s*(?P<zone>Z|(?:UTC|GMT)?[+-]\d{{2}}:?(?:\d{{2}})?|(?:UTC|GMT)[+-]\d|UTC|GMT|{_NAMED})?"
    r"(?:\s*\[[a-z/_]+\]|\s*\([a-z ]+\))?"
)
_DAYS = (
    rf"{_WEEKDAY}(?P<year>\d{{4}})(?P<sep>\. ?|[-/ ])(?P<month>\d{{1,2}})(?P=sep)(?P<day>\d{{1,2}})\.?",
    rf"{_WEEKDAY}(?P<a>\d{{1,2}})(?P<sep>[-/. ])(?P<b>\d{{1,2}})(?P=sep)(?P<c>\d{{4}}|\d{{2}})",
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.)?[-/ ,]*{NAME}[-/ ,]*(?P<year>\d{{4}}|\d{{2}})",
    rf"{_WEEKDAY}{NAME}[- ]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,\s*|[- ]+)(?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})[-/ ]?{NAME}[-/ ]?(?P<day>\d{{1,2}})",
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    r"(?P<year>\d{4})-(?P<dayofyear>\d{3})",
    r"(?P<year>\d{4})[- ]?W(?P<week>\d{1,2})(?:-?(?P<weekday>\d))?",
)
_OTHERS = (
    r"(?P<year>\d{4})[-/. ](?P<month>\d{1,2})",
    r"(?P<year>\d{4})[-: ]?M(?P<month>\d{1,2})",
    r"(?P<month>\d{1,2})[-/.](?P<year>\d{4})",
    rf"{NAME}[-/ ,']*(?P<year>\d{{4}})",
    r"(?P<year>\d{4})[-/: ]*[HS](?P<semester>\d)",
    r"[HS](?P<semester>\d)[-/: ']*(?P<year>\d{4})",
    r"(?:KW|CW|W|Wk|Week)[-. ]*(?P<week>\d{1,2})[-/., ]+(?P<year>\d{4})",
    rf"{NAME}[-/']+(?P<year>\d{{2}})",
    rf"(?P<year>\d{{4}})[-/ ]*{NAME}",
    r"(?P<year>\d{4})[-/: ]*[QT](?P<quarter>\d)",
    r"[QT](?P<quarter>\d)[-/: ']*(?P<year>\d{4}|\d{2})",
    r"(?P<quarter>\d)Q[-/ ']*(?P<year>\d{4}|\d{2})",
    r"(?P<year>\d{4})[- ]*(?:week|wk|KW|CW)[- ]*(?P<week>\d{1,2})",
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})[T :_-]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?" + _ZONE,
    rf"{_WEEKDAY}{NAME}\s+(?P<day>\d{{1,2}})\s+{_CLOCK}{_ZONE}\s+(?P<year>\d{{4}})",
)

PATTERNS = (
    *(re.compile(rf"{days}(?:(?:\s*[T,_]\s*|\s+|:){_CLOCK}{_ZONE})?", re.IGNORECASE) for days in _DAYS),
    *(re.compile(one, re.IGNORECASE) for one in _OTHERS),
)
"""Every way, the commonest first. a, b and c: day, month and year in an order that is to be found."""

FINEST = ("month", "name", "day", "dayofyear", "a", "week", "hour", "minute", "second", "part")
"""Fields by which one way of writing says more than another."""

OPEN = ("\x01", "\x02", "\x03")
"""What stands in `written` for the first, second and third number of a date whose order is to be found."""

_DIRECTIVES = {
    **{"Y": r"(?P<year>\d{4})", "y": r"(?P<year>\d{2})", "m": r"(?P<month>\d{1,2})", "d": r"(?P<day>\d{1,2})"},
    **{"H": r"(?P<hour>\d{1,2})", "I": r"(?P<hour>\d{1,2})", "M": r"(?P<minute>\d{1,2})", "S": r"(?P<second>\d{1,2})"},
    **{"f": r"(?P<part>\d{1,9})", "p": r"(?P<half>[ap]\.?m\.?)", "b": NAME, "B": NAME, "%": "%"},
    **{"q": r"(?P<quarter>\d)", "G": r"(?P<year>\d{4})", "V": r"(?P<week>\d{1,2})", "u": r"(?P<weekday>\d)"},
    **{"z": r"(?P<zone>Z|[+-]\d{2}:?\d{2})", "a": r"[a-z]+\.?", "A": r"[a-z]+"},
}


def of_format(form: str) -> re.Pattern[str]:
    """The pattern of a way that is given in directives of strptime, %q for a quarter; UserError for others."""
    parts = re.split(r"%-?([A-Za-z%])", form)
    unknown = [one for one in parts[1::2] if one not in _DIRECTIVES]
    if unknown or len(parts) == 1:
        what = f"nothing is known of %{unknown[0]}" if unknown else f"got {form!r}"
        raise UserError(f"date_format: expected directives such as %d.%m.%Y %H:%M, {what}")
    literal = [re.escape(re.sub(r"\d", "0", one)) for one in parts[::2]]
    rest = "".join(_DIRECTIVES[one] + after for one, after in zip(parts[1::2], literal[1:], strict=True))
    try:
        pattern = re.compile(literal[0] + rest, re.IGNORECASE)
    except re.error:
        raise UserError(f"date_format: {form!r} names something twice") from None
    if "year" not in pattern.groupindex:
        raise UserError(f"date_format: {form!r} says no year; %Y, %y and %G do")
    return pattern


def written(match: re.Match[str]) -> str:
    """How a text is written that has the shape that was matched, in directives of strftime."""
    week = match.re.groupindex.get("week") is not None and match.span("week")[0] >= 0
    names = {"month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S", "part": "%f", "half": "%p"}
    names |= {
        "quarter": "%q",
        "semester": "%m",
        "week": "%V",
        "weekday": "%u",
        "dayofyear": "%j",
        "zone": "%z",
        **dict(zip("abc", OPEN, strict=True)),
    }
    out, end = "", 0
    spans = sorted((match.span(name), name) for name in match.re.groupindex if match.span(name)[0] >= 0)
    for (first, last), name in spans:
        if name == "sep":
            continue
        out += match.string[end:first].replace("%", "%%")
        if name == "year":
            out += "%y" if last - first == 2 else "%G" if week else "%Y"
        elif name in ("name", "named"):
            full = "%B" if name == "name" else "%A"
            out += full.lower() if last - first == 3 else full
        elif name == "hour" and match.groupdict().get("half"):
            out += "%I"
        else:
            out += names[name]
        end = last
    return re.sub(r"\s*[\[(].*", "", out + match.string[end:])
