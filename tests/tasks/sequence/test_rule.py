"""What the rule chooses."""

from __future__ import annotations

from throughtime.tasks.choices import settled
from throughtime.tasks.sequence.rule import Facts, choices
from throughtime.tasks.translate.options import TranslatorOptions


def chosen(pairs: int, read: float = 0.0, **options: object) -> TranslatorOptions:
    given = TranslatorOptions(**options)  # type: ignore[arg-type]
    return settled(given, choices(Facts(pairs, 12.0, 2, read=read), given))[0]


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


def test_sources_much_longer_than_targets_make_batches_of_more_pieces() -> None:
    for pairs in (500, 29_000):
        assert chosen(pairs, 12.0) == chosen(pairs, 20.0) == chosen(pairs)
    assert chosen(29_000, 100.0).batch == 2 * chosen(29_000).batch
    assert chosen(500, 96.0).batch // 96 >= chosen(500).batch // 24 > 1
