"""Values that are declared once, with type, range and help: checked, shown, stored and read back by that declaration.

    @dataclass(frozen=True)
    class Options(options.Options):
        who = "language model"
        hidden: int = option(256, at_least=1, at_most=1 << 20, help="H, the size of the hidden state.")

The constructor refuses what does not fit in one line; `to_json` and `from_json` are each other's inverse; a command's
signature is made of the same fields (throughtime.tasks.shell).
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import reprlib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, ClassVar, Self

from throughtime.errors import UserError

Json = Any
"""What JSON can say: None, a bool, a number, a text, lists and objects of such."""


_UNSAID = object()


@dataclass(frozen=True)
class Rule:
    """What is known of a value besides its type and default.

    help: for people. at_least, at_most: inclusive, above, below: exclusive. choices: what a text, or each of several,
    may be; distinct: each at most once. check: called with the value, returns it in its final form or raises
    ValueError, whose text says what was expected. plain: turns it into what JSON can say. changeable: a run that goes
    on may have another. stored: kept in the model's folder. shell: whether commands have it, flag: under another name,
    command: with another default, parse: made from the text that was typed. chosen: None, the default, lets the data
    decide (tasks/<task>/rule.py); whatever is learned has it settled. once: of one training, so that one that starts
    from a model's folder does not take it over; shapes: of the model, so that what starts from it cannot have another.
    """

    help: str = ""
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] | None = None
    distinct: bool = False
    check: Callable[[Any], Any] | None = None
    plain: Callable[[Any], Json] | None = None
    changeable: bool = False
    stored: bool = True
    shell: bool = True
    flag: str | None = None
    chosen: bool = False
    once: bool = False
    shapes: bool = False
    command: Any = _UNSAID
    parse: Callable[[str], Any] | None = None


def option(default: Any = MISSING, **rule: Any) -> Any:
    """A field of a Checked class with a default and the fields of its Rule."""
    return dataclasses.field(default=default, metadata={"rule": Rule(**rule)})


def redefined(base: type[Checked], name: str, default: Any, **changes: Any) -> Any:
    """An option of a base class with another default, and what else changes of its rule."""
    rule = dataclasses.replace(base.option(name).rule, **changes)
    return dataclasses.field(default=default, metadata={"rule": rule})


def by_rule(base: type[Checked], name: str, **changes: Any) -> Any:
    """An option of a base class that the data decide where nobody does: None until then."""
    return redefined(base, name, None, chosen=True, **changes)


@dataclass(frozen=True)
class Declared:
    """A field of a Checked class. kind: its type, None aside; optional: whether it may be None."""

    name: str
    kind: Any
    optional: bool
    default: Any
    rule: Rule

    @property
    def command_default(self) -> Any:
        """What holds where a command says nothing."""
        return self.default if self.rule.command is _UNSAID else self.rule.command

    def checked(self, who: str, value: Any) -> Any:
        """The value in its final form; UserError where it does not fit."""
        try:
            return self._final(value)
        except ValueError as error:
            name = f"{who}: {self.name}" if who else self.name
            if isinstance(error, UserError):
                raise UserError(str(error)) from None
            raise UserError(f"{name} must be {error}, got {reprlib.repr(value)}") from None

    def plain(self, value: Any) -> Json:
        """A value as JSON can say it."""
        return _plain(value) if self.rule.plain is None else self.rule.plain(value)

    def _final(self, value: Any) -> Any:
        if value is None and self.optional:
            return None
        if self.rule.check is not None:
            return self.rule.check(value)
        return _fitting(self.kind, value, self.rule)


@dataclass(frozen=True)
class Checked:
    """A frozen dataclass whose values fit their declaration. who: speaks in its errors."""

    who: ClassVar[str] = ""
    _own_fields: ClassVar[tuple[Declared, ...]]

    def __post_init__(self) -> None:
        for one in self.declared():
            object.__setattr__(self, one.name, one.checked(self.who, getattr(self, one.name)))

    @classmethod
    def declared(cls) -> tuple[Declared, ...]:
        """Its fields, in order."""
        if "_own_fields" not in cls.__dict__:
            cls._own_fields = _declared(cls)
        return cls._own_fields

    @classmethod
    def option(cls, name: str) -> Declared:
        """The field of a name; UserError lists the nearest ones."""
        for one in cls.declared():
            if one.name == name:
                return one
        known = [one.name for one in cls.declared()]
        near = difflib.get_close_matches(name, known, 3) or known
        raise UserError(f"{cls.who or 'options'}: unknown option {name[:50]!r}, perhaps {', '.join(near)}?")

    def replaced(self, **changes: Any) -> Self:
        """The same with other values; UserError for an unknown name."""
        for name in changes:
            self.option(name)
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def to_json(self) -> dict[str, Json]:
        """Plain values by name, of what is stored."""
        return {one.name: one.plain(getattr(self, one.name)) for one in self.declared() if one.rule.stored}

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Rebuild from `to_json`; what is missing has its default. UserError says what is wrong."""
        if not isinstance(data, dict):
            raise UserError(f"{cls.who or cls.__name__}: expected an object, got {reprlib.repr(data)}")
        known = {one.name: one for one in cls.declared() if one.rule.stored}
        if unknown := [str(name)[:50] for name in data if name not in known]:
            raise UserError(f"{cls.who or cls.__name__}: {', '.join(unknown[:3])} is nothing it knows")
        if missing := [name for name, one in known.items() if one.default is MISSING and name not in data]:
            raise UserError(f"{cls.who or cls.__name__}: {', '.join(missing)} missing")
        return cls(**data)


class Options(Checked):
    """What a person may choose. A run that goes on keeps its own, but for what is changeable."""

    @classmethod
    def for_command(cls, **given: Any) -> Self:
        """With the defaults that commands have."""
        usual = {one.name: one.rule.command for one in cls.declared() if one.rule.command is not _UNSAID}
        for name in given:
            cls.option(name)
        return cls(**{**usual, **given})

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """For a run that goes on; UserError for what it has to keep, unless it is the same."""
        for name, value in changes.items():
            one = self.option(name)
            if one.rule.changeable:
                continue
            if one.plain(one.checked(self.who, value)) != one.plain(getattr(self, name)):
                raise UserError(f"{self.who}: a run that goes on keeps its {name}; leave it out, or start anew")
        return self.replaced(**{name: value for name, value in changes.items() if self.option(name).rule.changeable})

    def part(self, cls: type[Some]) -> Some:
        """The values of a base class; where nothing was chosen here, its own defaults."""
        values = {one.name: getattr(self, one.name) for one in cls.declared()}
        optional = {one.name for one in cls.declared() if one.optional}
        return cls(**{name: value for name, value in values.items() if value is not None or name in optional})


Some = typing.TypeVar("Some", bound=Checked)


def _declared(cls: type[Checked]) -> tuple[Declared, ...]:
    hints = typing.get_type_hints(cls)
    found = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        kind, optional = hints[field.name], False
        if typing.get_origin(kind) in (types.UnionType, typing.Union) and type(None) in typing.get_args(kind):
            rest = [one for one in typing.get_args(kind) if one is not type(None)]
            kind, optional = (rest[0] if len(rest) == 1 else typing.Union[tuple(rest)]), True  # noqa: UP007
        default = field.default if field.default_factory is MISSING else field.default_factory()
        rule = field.metadata.get("rule", Rule())
        found.append(Declared(field.name, kind, optional or rule.chosen, default, rule))
    return tuple(found)


def _fitting(kind: Any, value: Any, rule: Rule) -> Any:
    """A value of a type, in its final form; ValueError says what was expected."""
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value
    if kind in (int, float):
        return _number(kind, value, rule)
    if kind is str:
        if not isinstance(value, str) or (rule.choices and value not in rule.choices):
            raise ValueError(f"one of {', '.join(rule.choices)}" if rule.choices else "a text")
        return value
    if origin is tuple:
        return _several(typing.get_args(kind)[0], value, rule)
    if origin is dict:
        of = typing.get_args(kind)[1]
        if not isinstance(value, Mapping) or any(not isinstance(name, str) for name in value):
            raise ValueError("an object of names and values")
        return {name: _fitting(of, one, rule) for name, one in value.items()}
    if hasattr(kind, "from_json"):
        return value if isinstance(value, kind) else kind.from_json(value)
    raise TypeError(f"{kind} is no type that options know")


def _number(kind: type, value: Any, rule: Rule) -> int | float:
    good = type(value) is int or (kind is float and isinstance(value, int | float) and not isinstance(value, bool))
    if not good or not _within(value, rule) or (kind is float and not _finite(value)):
        raise ValueError(_range(kind, rule))
    number: int | float = value
    return number


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of hundreds of digits
        return False


def _several(of: Any, value: Any, rule: Rule) -> tuple[Any, ...]:
    if isinstance(value, str) and of is str:
        value = [value]
    if not isinstance(value, list | tuple):
        raise ValueError("a list")
    each = ", ".join(rule.choices or ())
    if rule.choices and any(one not in rule.choices for one in value):
        raise ValueError(f"some of {each}")
    if rule.distinct and len(set(value)) != len(value):
        raise ValueError(f"some of {each}, each once" if each else "different values")
    return tuple(_fitting(of, one, rule) for one in value)


def _within(value: float, rule: Rule) -> bool:
    return (
        (rule.at_least is None or value >= rule.at_least)
        and (rule.at_most is None or value <= rule.at_most)
        and (rule.above is None or value > rule.above)
        and (rule.below is None or value < rule.below)
    )


def _range(kind: type, rule: Rule) -> str:
    """What a number may be, in words."""
    if rule.at_least == 0 and rule.below == 1:
        return "a share from 0 to below 1"
    noun = "an integer" if kind is int else "a number"
    low = f" from {rule.at_least:,}" if rule.at_least is not None else ""
    low = f" above {rule.above:,}" if rule.above is not None else low
    if rule.at_most is not None:
        return f"{noun}{low} to {rule.at_most:,}" if low else f"{noun} up to {rule.at_most:,}"
    if rule.below is not None:
        return f"{noun}{low or ''}{' to' if low else ''} below {rule.below:,}"
    return noun + (f"{low} up" if rule.at_least is not None else low)


def _plain(value: Any) -> Json:
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, Mapping) else value


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them, as typed."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them, as typed; ValueError where one is none."""
    return tuple(float(one) for one in _parts(text))


def _parts(text: str) -> Iterator[str]:
    return (one.strip() for one in text.split(",") if one.strip())
