"""The ways people write which tokens belong together, brought into the two that models learn: BIO and BIOES."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

KIND = "span"
"""What spans are called whose tags name no kind."""

_SIGNS = "BIESLUMW"
_BEFORE = re.compile(rf"([{_SIGNS}{_SIGNS.lower()}])([-_:./|])(.+)", re.DOTALL)
_BEHIND = re.compile(rf"(.+)([-_:./|])([{_SIGNS}])", re.DOTALL)

_OUTSIDE = ("_", "-", "0", "OUT", "OUTSIDE", "OTHER", "NONE", "NULL", "NIL")
"""What stands for O where every other tag marks a span."""

_MARK = re.compile(r"[BIES]-.+")

_MEANT = {"L": "E", "U": "S", "M": "I", "W": "S"}
"""What signs of other schemes are in BIOES."""


def settled(tags: Sequence[Sequence[str]]) -> tuple[list[list[str]], str | None]:
    """Tags in BIO or BIOES where they are of another scheme, and a note on that; as they are otherwise.

    Known are BILOU (BILUO), BMEWO and BMES, signs behind the kind (PER-B), an underscore for the dash, lower case, and
    signs without a kind. A set of tags is taken for such only where every one of them fits.
    """
    names = {tag for own in tags for tag in own}
    outside = "O" if "O" in names else "o" if "o" in names else None
    if outside is None:
        others = [name for name in sorted(names) if name.upper() in _OUTSIDE and _split(names - {name}, True)]
        outside = others[0] if len(others) == 1 else None
    split = _split(names - {outside}, outside is not None)
    if split is None:
        return [list(own) for own in tags], None
    form, parts = split
    signs = {sign for sign, _ in parts.values()}
    scheme = _scheme(signs)
    if scheme is None:
        return [list(own) for own in tags], None
    meant = {name: f"{_MEANT.get(sign, sign)}-{kind}" for name, (sign, kind) in parts.items()}
    if outside is not None:
        meant[outside] = "O"
    if all(name == own for name, own in meant.items()):
        return [list(own) for own in tags], None
    example = min((name for name in meant if meant[name] != name), key=lambda name: (name == outside, name))
    note = f"tags are {scheme}{form}: {example} is read as {meant[example]}"
    if outside not in (None, "O", "o") and example != outside:
        note += f", {outside} as O"
    return [[meant[tag] for tag in own] for own in tags], note


def _split(names: set[str], outside: bool) -> tuple[str, dict[str, tuple[str, str]]] | None:
    """How tags are written, in words, and of each its sign and its kind; None where they mark no spans."""
    if not names:
        return None
    if names <= set(_SIGNS) and names & {"B", "I", "M"} and (outside or {"B", "E", "S"} <= names or "M" in names):
        return " without a kind", {name: (name, KIND) for name in names}
    for pattern, sign, kind, form in ((_BEFORE, 1, 3, ""), (_BEHIND, 3, 1, " with the sign behind the kind")):
        found = {name: match for name in names if (match := pattern.fullmatch(name))}
        if len(found) < len(names) or len({match[2] for match in found.values()}) > 1:
            continue
        cases = {match[sign].islower() for match in found.values()}
        if len(cases) > 1 or (form and not outside):
            continue
        return form, {name: (match[sign].upper(), match[kind]) for name, match in found.items()}
    return None


def _scheme(signs: set[str]) -> str | None:
    """The scheme of some signs; None where there is none."""
    if signs <= set("BIES"):
        return "BIOES" if signs & set("ES") else "BIO"
    if signs <= set("BILU") and ("L" in signs or "B" not in signs):
        return "BILOU"
    if signs <= set("BMEWS") and ("E" in signs or not signs & set("BM")) and not {"W", "S"} <= signs:
        return "BMEWO" if "W" in signs else "BMES"
    return None


def marks_spans(tags: Collection[str]) -> bool:
    """Whether all of some different tags mark spans, in any of the schemes, or nothing."""
    (found,), _ = settled([list(tags)])
    return any(tag != "O" for tag in found) and all(tag == "O" or _MARK.fullmatch(tag) for tag in found)
