"""Whether texts are in the language that their name says, by script and by the commonest words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import regex

_SAMPLE = 2000
"""Texts that are looked at."""

SCRIPTS = {
    "Han": "zh zh-cn zh-tw zh_cn zh_tw zh-hans zh-hant cmn",
    "Hiragana": "ja jpn",
    "Hangul": "ko kor",
    "Cyrillic": "ru rus uk bg be mk sr kk ky mn tg",
    "Greek": "el",
    "Arabic": "ar ara fa ur ps",
    "Hebrew": "he",
    "Devanagari": "hi mr ne sa",
    "Thai": "th",
    "Bengali": "bn",
    "Tamil": "ta",
    "Telugu": "te",
    "Georgian": "ka",
    "Armenian": "hy",
}
"""Languages by the script that no other of these has; Japanese by its kana."""

WORDS = {
    "en eng en-us en-gb": "the and is of to in a that it you are with was for he on this i have be",
    "de deu": "der die das und ist nicht ein eine ich zu mit auf sie den im er es dem wir von",
    "fr fra": "le la les et est des un une dans que pas il je vous de du ne sur ce qui",
    "es spa": "el la los que y de en un una es por no se las con su para lo del me",
    "it ita": "il la che di e un una non per sono è con i le si ho mi del ha lo",
    "pt por pt-br": "o a que de e um uma não para com os é em do da se eu as no ele",
    "nl nld": "de het een en is van niet ik dat op te in zijn je met voor er aan hij was",
    "sv swe": "och att det är en som på inte jag för med den i av har du till ett vi han",
    "da dan nb no": "og at det er en som på ikke jeg for med den i af har du til et vi han",
    "pl pol": "i w nie się na to z jest że do jak co po ale o tak mnie za czy od",
    "cs ces": "a se v na je to že s z do jsem i jak ale o by si pro tak co",
    "tr tur": "bir ve bu da de için ne mi ben çok o var ama gibi daha değil sen bunu her şey",
    "fi fin": "ja on ei se hän että en oli mutta olen mitä minä tämä kun sen niin ole joka ovat hänen",
    "hu hun": "a az és hogy nem is egy ez van de meg volt csak mit el ha ki én azt már",
    "ro ron": "și de la în nu a un o este cu pe că să din mai am ce se pentru care",
    "vi vie": "là của và không tôi có một cho người các được trong anh với này bạn những đã đó ở",
    "id ind": "yang dan di itu tidak ini dengan untuk saya dari ke dia akan ada kami pada anda aku kita bisa",
}
"""Common words by language."""

_LATIN = re.compile(r"[^\W\d_]+")


def likeness(name: str, texts: Sequence[str]) -> float | None:
    """The share of letters in a language's script, or of words that are common in it; None for a name that is not
    known."""
    sample = texts[:: max(1, len(texts) // _SAMPLE)][:_SAMPLE]
    joined = "\n".join(sample)
    for script, names in SCRIPTS.items():
        if name.lower() in names.split():
            letters = len(regex.findall(r"\p{L}", joined))
            return len(regex.findall(rf"\p{{{script}}}", joined)) / max(1, letters)
    for names, words in WORDS.items():
        if name.lower() in names.split():
            common = frozenset(words.split())
            found = _LATIN.findall(joined.lower())
            return sum(word in common for word in found) / max(1, len(found))
    return None


def resemblance(one: Sequence[str], other: Sequence[str]) -> float:
    """The cosine of how often each pair of letters stands in some texts and in others."""
    counts = [Counter(_pairs(texts)) for texts in (one, other)]
    dot = sum(count * counts[1][key] for key, count in counts[0].items())
    sizes = [sum(count * count for count in own.values()) for own in counts]
    return float(dot / max(1.0, sizes[0] * sizes[1]) ** 0.5) if all(sizes) else 0.0


def _pairs(texts: Sequence[str]) -> list[str]:
    joined = " ".join(texts[:: max(1, len(texts) // _SAMPLE)][:_SAMPLE]).lower()
    return [joined[i : i + 2] for i in range(len(joined) - 1)]
