"""What the rule chooses."""

from __future__ import annotations

from throughtime.tasks.choices import settled
from throughtime.tasks.sequence.rule import Facts, choices
from throughtime.tasks.translate.options import TranslatorOptions


def chosen(pairs: int, **options: object) -> TranslatorOptions:
    given = TranslatorOptions(**options)  # type: ignore[arg-type]
    return settled(given, choices(Facts(pairs, 12.0, 2), given))[0]


def test_more_pairs_carry_larger_models() -> None:
    few, some, many = (chosen(pairs) for pairs in (100, 5_000, 29_000))
    assert few.hidden < some.hidden < many.hidden == 256
    assert few.vocabulary < some.vocabulary < many.vocabulary
    assert few.batch < many.batch
    assert few.epochs > many.epochs == 20


def test_what_somebody_chose_stays() -> None:
    own = chosen(29_000, hidden=32, minutes=3.0, learning_rate=0.5)
    assert (own.hidden, own.minutes, own.epochs, own.learning_rate) == (32, 3.0, None, 0.5)
    assert chosen(29_000, steps=50).warm_up == 5
