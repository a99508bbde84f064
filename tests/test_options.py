"""Values declared once: checked, shown, stored, read back, and typed by that declaration."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughtime.errors import UserError
from throughtime.options import Checked, Declared, Options, names, numbers, option, redefined


@dataclass(frozen=True)
class Inner(Checked):
    who = "inner"
    count: int = option(at_least=1)
    label: str = ""


def even(value: Any) -> Any:
    if type(value) is not int or value % 2:
        raise ValueError("an even number")
    return value


@dataclass(frozen=True)
class Chosen(Options):
    who = "toy"
    whole: int = option(3, at_least=1, at_most=1000, changeable=True, help="A whole number.")
    real: float = option(0.5, above=0, below=2)
    share: float = option(0.0, at_least=0, below=1)
    yes: bool = False
    word: str = option("a", choices=("a", "b"))
    free: str | None = None
    words: tuple[str, ...] = option(("a",), choices=("a", "b", "c"), distinct=True)
    reals: tuple[float, ...] = ()
    sizes: dict[str, int] | None = option(None, at_least=1)
    pair: int | None = option(None, check=even, plain=lambda value: None if value is None else str(value))
    inner: Inner | None = None
    secret: str = option("x", stored=False)
    quick: int = option(1, command=7)


@dataclass(frozen=True)
class Narrow(Chosen):
    who = "narrow"
    whole: int = redefined(Chosen, "whole", 5, at_most=9)
    extra: int = option(1, changeable=True)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(1, 1000),
    "real": st.floats(0, 2, exclude_min=True, exclude_max=True),
    "share": st.floats(0, 1, exclude_max=True),
    "yes": st.booleans(),
    "word": st.sampled_from("ab"),
    "free": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    "words": st.lists(st.sampled_from("abc"), unique=True).map(tuple),
    "reals": st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9)).map(tuple),
    "sizes": st.none() | st.dictionaries(st.text("HIM", min_size=1), st.integers(1, 99)),
    "inner": st.none() | st.builds(Inner, st.integers(1, 9), st.text("xyz")),
    "quick": st.integers(-5, 5),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_what_is_stored_comes_back(values: dict[str, Any]) -> None:
    chosen = Chosen(**values)
    stored = json.loads(json.dumps(chosen.to_json()))
    assert set(stored) == {one.name for one in Chosen.declared()} - {"secret"}
    back = Chosen.from_json({name: value for name, value in stored.items() if name != "pair"})
    assert back == chosen
    assert json.dumps(back.to_json()) == json.dumps(chosen.to_json())
    assert hash(back.word) == hash(chosen.word)


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_what_is_missing_has_its_default(values: dict[str, Any]) -> None:
    given_ = Chosen(**values).to_json()
    back = Chosen.from_json({name: given_[name] for name in values})
    assert back == Chosen(**values)


WRONG: list[tuple[str, Any, str]] = [
    ("whole", 0, "an integer from 1 to 1,000, got 0"),
    ("whole", 1001, "an integer from 1 to 1,000"),
    ("whole", 2.0, "an integer from 1"),
    ("whole", True, "an integer from 1"),
    ("whole", "3", "an integer from 1"),
    ("whole", None, "an integer from 1"),
    ("whole", 10**400, "an integer from 1"),
    ("real", 0, "a number above 0 to below 2, got 0"),
    ("real", 2.0, "a number above 0 to below 2"),
    ("real", math.nan, "a number above 0 to below 2, got nan"),
    ("real", math.inf, "a number above 0"),
    ("real", "0.5", "a number above 0"),
    ("real", True, "a number above 0"),
    ("share", 1.0, "a share from 0 to below 1, got 1.0"),
    ("share", -0.1, "a share from 0 to below 1"),
    ("yes", 1, "true or false, got 1"),
    ("yes", None, "true or false"),
    ("word", "c", "one of a, b, got 'c'"),
    ("word", ["a"], "one of a, b"),
    ("free", 3, "a text, got 3"),
    ("words", ("a", "d"), "some of a, b, c, got"),
    ("words", ("a", "a"), "some of a, b, c, each once"),
    ("words", 3, "a list, got 3"),
    ("reals", [1.0, "x"], "a number"),
    ("reals", [math.nan], "a number"),
    ("reals", [10**400], "a number"),
    ("reals", "1,2", "a list"),
    ("sizes", {"M": 0}, "an integer from 1 up"),
    ("sizes", {3: 1}, "an object of names and values"),
    ("sizes", [("M", 1)], "an object of names and values"),
    ("pair", 3, "an even number, got 3"),
    ("inner", {"count": 0}, "inner: count must be an integer from 1 up, got 0"),
    ("inner", {}, "inner: count missing"),
    ("inner", 3, "inner: expected an object, got 3"),
]


@pytest.mark.parametrize(("name", "value", "says"), WRONG)
def test_what_does_not_fit_is_refused_in_one_line(name: str, value: Any, says: str) -> None:
    for make in (Chosen, Narrow if name != "whole" else Chosen):
        with pytest.raises(UserError, match=re.escape(says)) as caught:
            make(**{name: value})
        text = str(caught.value)
        assert "\n" not in text
        assert len(text) < 300
        assert text.startswith("inner: " if name == "inner" else f"{make.who}: {name} must be ")
    with pytest.raises(UserError, match=re.escape(says)):
        Chosen().replaced(**{name: value})
    if name != "pair":
        with pytest.raises(UserError, match=re.escape(says)):
            Chosen.from_json({name: value})


@pytest.mark.parametrize(
    ("rule", "kind", "words"),
    [
        ({}, int, "an integer"),
        ({"at_least": 1}, int, "an integer from 1 up"),
        ({"at_most": 2000}, int, "an integer up to 2,000"),
        ({"above": 0}, float, "a number above 0"),
        ({"above": 1, "at_most": 3}, float, "a number above 1 to 3"),
        ({"below": 5}, float, "a number below 5"),
        ({"at_least": 2, "below": 5}, float, "a number from 2 to below 5"),
        ({"at_least": 0, "below": 1}, float, "a share from 0 to below 1"),
    ],
)
def test_ranges_in_words(rule: dict[str, Any], kind: type, words: str) -> None:
    one = Declared("n", kind, False, 0, option(0, **rule).metadata["rule"])
    with pytest.raises(UserError, match=f"^toy: n must be {words}, got 'x'$"):
        one.checked("toy", "x")
    with pytest.raises(UserError, match=f"^n must be {words}, got 'x'$"):
        one.checked("", "x")


@given(st.integers() | st.floats(), st.integers(-3, 3), st.integers(-3, 3))
def test_bounds_are_inclusive_and_exclusive_as_they_say(value: float, low: int, high: int) -> None:
    def fits(**rule: Any) -> bool:
        try:
            Declared("n", float, False, 0, option(0, **rule).metadata["rule"]).checked("", value)
        except UserError:
            return False
        return True

    finite = math.isfinite(value)
    assert fits(at_least=low, at_most=high) == (finite and low <= value <= high)
    assert fits(above=low, below=high) == (finite and low < value < high)


def test_names_that_are_unknown_come_with_the_nearest() -> None:
    for call in (Chosen.option, lambda name: Chosen().replaced(**{name: 1}), lambda n: Chosen.for_command(**{n: 1})):
        with pytest.raises(UserError, match=r"^toy: unknown option 'wrods', perhaps words, word.*\?$"):
            call("wrods")
    with pytest.raises(UserError, match="unknown option 'zzzzzz', perhaps whole, real, share, "):
        Chosen().changed({"zzzzzz": 1})
    with pytest.raises(UserError, match="toy: hiden is nothing it knows"):
        Chosen.from_json({"hiden": 1})
    with pytest.raises(UserError, match="toy: secret is nothing it knows"):
        Chosen.from_json({"secret": "y"})
    with pytest.raises(UserError, match=r"toy: expected an object, got \[\]"):
        Chosen.from_json([])


def test_a_subclass_redefines_what_it_says_and_keeps_the_rest() -> None:
    assert Narrow().whole == 5
    assert Chosen().whole == 3
    rule = Narrow.option("whole").rule
    assert (rule.at_least, rule.at_most, rule.changeable, rule.help) == (1, 9, True, "A whole number.")
    with pytest.raises(UserError, match=r"^narrow: whole must be an integer from 1 to 9, got 10$"):
        Narrow(whole=10)
    assert [one.name for one in Narrow.declared()] == [*(one.name for one in Chosen.declared()), "extra"]
    part_ = Narrow(whole=7, word="b", extra=4).part(Chosen)
    assert type(part_) is Chosen
    assert (part_.whole, part_.word) == (7, "b")


def test_commands_may_have_other_defaults() -> None:
    assert (Chosen().quick, Chosen.for_command().quick, Chosen.for_command(quick=2).quick) == (1, 7, 2)
    assert Chosen.for_command(whole=9).whole == 9
    assert (Chosen.option("quick").command_default, Chosen.option("whole").command_default) == (7, 3)


def test_a_run_that_goes_on_keeps_its_own() -> None:
    own = Narrow(word="b", sizes={"M": 2}, pair=4, reals=(1.0, 2.0))
    assert own.changed({}) is not None
    assert own.changed({"whole": 9, "extra": 3}) == own.replaced(whole=9, extra=3)
    same = {"word": "b", "sizes": {"M": 2}, "pair": 4, "reals": [1.0, 2.0], "quick": 1}
    assert own.changed(same) == own
    for name, value in (("word", "a"), ("sizes", None), ("pair", 2), ("reals", (1.0,)), ("secret", "y"), ("yes", True)):
        with pytest.raises(
            UserError, match=f"^narrow: a run that goes on keeps its {name}; leave it out, or start anew$"
        ):
            own.changed({name: value, "whole": 2})
    with pytest.raises(UserError, match="whole must be"):
        own.changed({"whole": 0})
    with pytest.raises(UserError, match="word must be one of a, b"):
        own.changed({"word": "c"})


def test_it_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        Chosen().whole = 4  # type: ignore[misc]


def test_a_list_becomes_a_tuple_and_one_word_a_list_of_it() -> None:
    chosen = Chosen(words=["b", "c"], reals=[1, 2.5])  # type: ignore[arg-type]
    assert (chosen.words, chosen.reals) == (("b", "c"), (1, 2.5))
    assert Chosen(words="b").words == ("b",)  # type: ignore[arg-type]


def test_words_and_numbers_as_typed() -> None:
    assert names(" a, b,,c ") == ("a", "b", "c")
    assert numbers("0.1, 2,") == (0.1, 2.0)
    assert (names(""), numbers("")) == ((), ())
    with pytest.raises(ValueError, match="could not convert"):
        numbers("1,x")


def test_a_type_that_options_do_not_know_is_a_fault_of_ours() -> None:
    @dataclass(frozen=True)
    class Odd(Checked):
        one: set[int] = option(None)

    with pytest.raises(TypeError, match="no type that options know"):
        Odd(one={1})
