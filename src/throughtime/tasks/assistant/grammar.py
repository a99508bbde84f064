"""What people say to a home assistant, English or Chinese: sentences with slots and an intent, drawn from templates.

The templates are those of the package home-assistant-intents (Apache-2.0, data/en.json and data/zh-CN.json), which
Home Assistant understands speech with. Their grammar, as it is read here:

    a b          one after the other           (a|b)   one of them          [a]  a or nothing, [a|b] one or nothing
    (a;b)        all of them in any order      <rule>  a rule of the package
    {list}       a value of a list, which fills the slot of its name; {list:slot} names the slot

A value of a list is such a template too. What the package leaves to the user's home (areas, floors, the names of
devices, whatever is said freely) comes from the lists below; where a score is wanted each part of the data has values
of its own.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from throughtime.data.pieces import SPLITTERS
from throughtime.data.tagged import Tagged
from throughtime.errors import UserError, needed
from throughtime.options import Json
from throughtime.tasks.assistant.words import DEVICES, WORDS, chinese, english

FILES = {"en": "en.json", "zh": "zh-CN.json"}
UNITS = {"en": "words", "zh": "characters"}
"""What sentences of a language are cut into."""

PARTS = ("learned", "held", "test")
SHARES = (3, 1, 1)
"""Of the values of a list of ours that has at least LEAST, what each part has, in fifths; shorter ones are shared."""
LEAST = 10

COPIES = 4
"""How often the same sentence may be drawn to be learned: some intents are hardly said in more than one way. What is
chosen by and scored has each sentence once."""

POLITE = 0.15
"""How often a sentence starts with a polite word."""

SPOKEN = 0.4
"""How often a number is written out."""

Segments = list[tuple[str, str]]
"""Text and the slot it fills, "" for none."""


@dataclass(frozen=True)
class Choice:
    """One of several; an optional part is a choice with nothing."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Row:
    """Several, one after the other, or in any order with a space between them."""

    parts: tuple[Node, ...]
    any_order: bool = False


@dataclass(frozen=True)
class Rule:
    """A rule by its name."""

    name: str


@dataclass(frozen=True)
class Slot:
    """A value of a list, and the slot it fills."""

    list: str
    slot: str


Node = str | Choice | Row | Rule | Slot


def parse(template: str) -> Node:
    """A template as a tree. UserError where brackets do not match."""
    node, end = _alternatives(template, 0, "")
    assert end == len(template)
    return node


_CLOSING = {"(": ")", "[": "]", "<": ">", "{": "}"}


def _alternatives(text: str, at: int, close: str) -> tuple[Node, int]:
    """What stands up to a closing bracket, and the place behind it."""
    options: list[Node] = []
    parts: list[Node] = []
    any_order = False
    while True:
        sign = text[at : at + 1]
        if sign == close or sign in ("|", ";") or not sign:
            options.append(parts[0] if len(parts) == 1 else Row(tuple(parts)))
            parts = []
            any_order = any_order or sign == ";"
            at += bool(sign)
            if sign == close:
                break
            if not sign:
                raise UserError(f"template {text!r}: expected {close} to close a bracket, it ends before")
        elif sign in ("(", "["):
            inner, at = _alternatives(text, at + 1, _CLOSING[sign])
            parts.append(inner if sign == "(" else Choice((inner, "")))
        elif sign in ("<", "{"):
            end = text.find(_CLOSING[sign], at)
            if end < 0:
                raise UserError(f"template {text!r}: expected {_CLOSING[sign]} to close a bracket, it ends before")
            name, _, slot = text[at + 1 : end].partition(":")
            parts.append(Rule(name) if sign == "<" else Slot(name, slot or name))
            at = end + 1
        elif sign in _CLOSING.values():
            raise UserError(f"template {text!r}: {sign} closes a bracket that is not open")
        else:
            end = at
            while end < len(text) and text[end] not in "()[]<>{}|;":
                end += 1
            parts.append(text[at:end])
            at = end
    if any_order:
        return Row(tuple(options), True), at
    return (options[0] if len(options) == 1 else Choice(tuple(options))), at


@dataclass
class Sampler:
    """Draws from templates. rules, lists: of a package's file. own: further values of lists, which come first."""

    language: str
    rules: Mapping[str, str]
    lists: Mapping[str, Any]
    own: Mapping[str, Sequence[str]]
    _parsed: dict[str, Node] = field(default_factory=dict)

    def draw(self, template: str, rng: np.random.Generator) -> Segments:
        """A sentence of a template, as it is put together."""
        return self._walk(self._tree(template), rng, "")

    def tokens(self, template: str, rng: np.random.Generator) -> tuple[list[str], list[str]]:
        """The same in tokens, each with its tag in BIO."""
        return tagged(self.draw(template, rng), UNITS[self.language])

    def _tree(self, template: str) -> Node:
        if template not in self._parsed:
            self._parsed[template] = parse(template)
        return self._parsed[template]

    def _walk(self, node: Node, rng: np.random.Generator, slot: str) -> Segments:
        if isinstance(node, str):
            return [(node, slot)]
        if isinstance(node, Choice):
            return self._walk(node.options[rng.integers(len(node.options))], rng, slot)
        if isinstance(node, Rule):
            if node.name not in self.rules:
                raise UserError(f"template: there is no rule <{node.name}>; there are {', '.join(self.rules)}")
            return self._walk(self._tree(self.rules[node.name]), rng, slot)
        if isinstance(node, Slot):
            return self._walk(self._tree(self._value(node.list, rng)), rng, node.slot)
        order = rng.permutation(len(node.parts)) if node.any_order else np.arange(len(node.parts))
        found: Segments = []
        for i in order:
            found += [(" ", "")] if found and node.any_order else []
            found += self._walk(node.parts[i], rng, slot)
        return found

    def _value(self, name: str, rng: np.random.Generator) -> str:
        if values := self.own.get(name):
            return values[int(rng.integers(len(values)))]
        known = self.lists.get(name, {})
        if "values" in known:
            chosen = known["values"][int(rng.integers(len(known["values"])))]
            return str(chosen["in"] if isinstance(chosen, dict) else chosen)
        if "range" in known:
            return self._number(known["range"], rng)
        raise UserError(f"template: there are no values for {{{name}}}; the lists are {', '.join(self.lists)}")

    def _number(self, bounds: Mapping[str, Json], rng: np.random.Generator) -> str:
        number = int(bounds["from"] + bounds.get("step", 1) * rng.integers(_steps(bounds) + 1))
        if bounds.get("fractions") == "halves" and rng.random() < 0.15:
            return f"{number}.5"
        if number <= 100 and rng.random() < SPOKEN:
            return (english if self.language == "en" else chinese)(number)
        return str(number)


def _steps(bounds: Mapping[str, Json]) -> int:
    return int((bounds["to"] - bounds["from"]) // bounds.get("step", 1))


def tagged(segments: Segments, unit: str) -> tuple[list[str], list[str]]:
    """Tokens in lower case, and their tags in BIO, from text and the slots its pieces fill."""
    text, slots, starts = "", [], set()
    last = ""
    for piece, slot in segments:
        if slot and slot != last and piece.strip():
            starts.add(len(text) + len(piece) - len(piece.lstrip()))
        text += piece
        slots += [slot] * len(piece)
        last = slot if piece.strip() or not slot else last
    tokens, tags = [], []
    for token, start, end in SPLITTERS[unit](text):
        slot = next((one for one in slots[start:end] if one), "")
        begun = any(place in starts for place in range(start, end))
        tokens.append(token.lower())
        tags.append(f"{'B' if begun else 'I'}-{slot}" if slot else "O")
    return tokens, tags


class Template(NamedTuple):
    """intent, text, and the domains whose devices it may name."""

    intent: str
    text: str
    domains: tuple[str, ...]


class Parts(NamedTuple):
    """Sentences to learn from, to choose by and to score, from different templates; the templates of each."""

    learned: Tagged
    held: Tagged
    test: Tagged
    templates: tuple[list[str], list[str], list[str]]


def package(language: str) -> dict[str, Any]:
    """The package's file of a language. UserError where the package is missing."""
    if language not in FILES:
        raise UserError(f"assistant: expected the language {' or '.join(FILES)}, got {language!r}")
    found = find_spec("home_assistant_intents")
    path = None if found is None or found.origin is None else Path(found.origin).parent / "data" / FILES[language]
    if path is None or not path.is_file():
        raise UserError(f"assistant: home-assistant-intents, which carries the sentences, is missing: {needed('demo')}")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def templates(language: str) -> list[Template]:
    """All templates of a language, each once."""
    found: dict[str, Template] = {}
    for intent, own in package(language)["intents"].items():
        for block in own["data"]:
            domain = block.get("requires_context", {}).get("domain", ())
            domains = (domain,) if isinstance(domain, str) else tuple(domain)
            for text in block["sentences"]:
                found.setdefault(text, Template(intent, text, domains))
    return list(found.values())


def sentences(language: str, count: int, seed: int = 0) -> Tagged:
    """As many sentences at most, with the slots of their tokens and their intents; from all templates."""
    return draw(language, templates(language), count, seed)[0]


def split(language: str, count: int, seed: int = 0, share: float = 0.15) -> Parts:
    """`count` sentences to learn from at most; to choose by and to score `share` as many each.

    `share` of each intent's templates are for the score alone and as many to choose by, one at least where there are
    enough: an intent with one template is only learned. Sentences of the score do not stand in what is learned, nor do
    its values of lists of ours that are long enough.
    """
    parts = _apart(language, seed, share)
    found: list[tuple[Tagged, list[str]]] = []
    for number, own in enumerate(parts):
        wanted = count if not number else max(1, round(share * count))
        before = {tuple(tokens) for texts, _ in found for tokens in texts.tokens}
        found.append(draw(language, own, wanted, seed, number, before))
    return Parts(found[0][0], found[1][0], found[2][0], (found[0][1], found[1][1], found[2][1]))


def known(language: str, count: int, seed: int = 0, share: float = 0.15) -> Tagged:
    """As many sentences at most of the templates that `split` learns from, with the values that its score has."""
    return draw(language, _apart(language, seed, share)[0], count, seed, PARTS.index("test"))[0]


def _apart(language: str, seed: int, share: float) -> tuple[list[Template], list[Template], list[Template]]:
    """The templates to learn from, to choose by and to score."""
    rng = np.random.default_rng([seed, 1])
    by_intent: dict[str, list[Template]] = {}
    for one in templates(language):
        by_intent.setdefault(one.intent, []).append(one)
    parts: tuple[list[Template], list[Template], list[Template]] = ([], [], [])
    for own in by_intent.values():
        order = [own[i] for i in rng.permutation(len(own))]
        apart = max(1, round(share * len(own)))
        score = apart if len(own) > 1 else 0
        choice = apart if len(own) > 2 else 0
        parts[2].extend(order[:score])
        parts[1].extend(order[score : score + choice])
        parts[0].extend(order[score + choice :])
    return parts


def draw(
    language: str,
    among: Sequence[Template],
    count: int,
    seed: int = 0,
    part: int | None = None,
    without: Iterable[tuple[str, ...]] = (),
) -> tuple[Tagged, list[str]]:
    """At most `count` sentences, and the template each came from.

    First one of each intent; then intents come as often as the root of their number of templates says, and their
    templates in turn. part: of PARTS, whose values are taken; None takes all. without: sentences to leave out. A
    sentence that was drawn with other tags or another intent before is left out.
    """
    if isinstance(count, bool) or count < 1:
        raise UserError(f"assistant: expected at least 1 sentence, got {count!r}")
    data = package(language)
    rng = np.random.default_rng([seed, 2, 0 if part is None else part + 1])
    left_out = set(without)
    most = 1 if part else COPIES
    samplers = _samplers(language, data, {one.domains for one in among}, part)
    by_intent: dict[str, list[Template]] = {}
    for i in rng.permutation(len(among)):
        by_intent.setdefault(among[i].intent, []).append(among[i])
    names = sorted(by_intent)
    weights = np.sqrt([len(by_intent[name]) for name in names])
    chosen = rng.choice(len(names), 20 * count + len(names), p=weights / weights.sum())
    turns = dict.fromkeys(names, 0)
    seen: dict[tuple[str, ...], tuple[list[str], str]] = {}
    copies: Counter[tuple[str, ...]] = Counter()
    found, origins = Tagged([], [], [], f"home-assistant-intents, {FILES[language]}"), []
    for name in [*names, *(names[i] for i in chosen)]:
        if len(found) == count:
            break
        one = by_intent[name][turns[name] % len(by_intent[name])]
        turns[name] += 1
        for attempt in range(8):
            tokens, tags = samplers[one.domains].tokens(_polite(one, language, rng), rng)
            key = tuple(tokens)
            if not tokens or key in left_out or seen.setdefault(key, (tags, name)) != (tags, name):
                continue
            if not copies[key] or (attempt == 7 and copies[key] < most):
                copies[key] += 1
                found.tokens.append(tokens)
                found.tags.append(tags)
                found.intents.append(name)
                origins.append(one.text)
                break
    return found, origins


def text_of(tokens: Sequence[str], language: str) -> str:
    """Tokens as a sentence."""
    joined = ("" if language == "zh" else " ").join(tokens)
    return re.sub(r" (?=[%°./-])|(?<=[./-]) ", "", joined)


def _polite(template: Template, language: str, rng: np.random.Generator) -> str:
    if rng.random() >= POLITE:
        return template.text
    return str(rng.choice(WORDS[language]["polite"])) + f" ({template.text})"


def _samplers(
    language: str, data: Mapping[str, Json], domains: set[tuple[str, ...]], part: int | None
) -> dict[tuple[str, ...], Sampler]:
    """For templates of the same domains, one that names their devices."""
    words = {name: _own(values, part) for name, values in WORDS[language].items()}
    devices = {name: _own(values, part) for name, values in DEVICES[language].items()}
    found = {}
    for some in domains:
        names = [value for name in some or devices for value in devices.get(name, ())]
        own = {**words, "name": names or [value for values in devices.values() for value in values]}
        found[some] = Sampler(language, data.get("expansion_rules", {}), data.get("lists", {}), own)
    return found


def _own(values: Sequence[str], part: int | None) -> list[str]:
    """The values a part has."""
    if part is None or len(values) < LEAST:
        return list(values)
    first = sum(SHARES[:part])
    return [value for i, value in enumerate(values) if first <= i % sum(SHARES) < first + SHARES[part]]
