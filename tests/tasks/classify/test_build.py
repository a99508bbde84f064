"""What a new classifier starts with comes from the texts it learns alone."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks.reading.texts import FEW, TINY, easy, ordered, write_table
from throughtime import Classifier
from throughtime.data.labelled import Texts, read_texts
from throughtime.tasks.classify.build import build
from throughtime.tasks.classify.data import parts
from throughtime.tasks.classify.options import ClassifierOptions
from throughtime.tasks.reading.ensemble import ReadingPlan

LEARNED = read_texts(ordered(120))


def same(one: Any, other: Any) -> None:
    """Fails unless the files of two plans are the same."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, dict) and all(isinstance(each, np.ndarray) for each in value.values()):
            assert value.keys() == other[name].keys()
            assert all(np.array_equal(array, other[name][key]) for key, array in value.items()), name
        else:
            assert value == other[name], name


def planned(held: Texts, test: Path | None, **options: Any) -> ReadingPlan:
    chosen = ClassifierOptions(**{**TINY, "validation": None, "test": test, **options})
    return build(parts(None, LEARNED, held, chosen), chosen)


@pytest.mark.parametrize(
    "options",
    [
        {"units": "words", "naive_bayes": "both", "embedding": 4},
        {"units": "characters", "embedding": 4},
        {"units": "subwords", "vocabulary": 300, "embedding": 4},
        {"units": "words", "sentences": True},
    ],
    ids=lambda options: options["units"] + " of sentences" * ("sentences" in options),
)
def test_nothing_of_what_is_held_back_is_learned(options: dict[str, Any], tmp_path: Path) -> None:
    if options["units"] == "subwords" and find_spec("tokenizers") is None:
        pytest.skip("no tokenizers")
    held = read_texts(ordered(30, 1))
    strange = Texts([f"zqx {text} zqxzqx" for text in held.texts], held.labels, "held")
    files = [write_table(tmp_path / f"{i}.csv", (one.texts, one.labels)) for i, one in enumerate((held, strange))]
    plans = [planned(held, files[0], **options), planned(strange, files[0], **options)]
    plans.append(planned(held, files[1], **options))
    assert {plan.parts[0].held.lengths.sum() for plan in plans[::2]} != {plans[1].parts[0].held.lengths.sum()}
    for plan in plans[1:]:
        same(plan.files, plans[0].files)
        same({"parameters": dict(plan.parameters)}, {"parameters": dict(plans[0].parameters)})
        for one, other in zip(plan.parts, plans[0].parts, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one.counts, other.counts, strict=True))


def test_nor_do_linear_models_know_it() -> None:
    pytest.importorskip("sklearn")
    held = easy(60, 1)
    strange = ([f"zqx {text} zqxzqx" for text in held[0]], held[1])
    models = [
        Classifier(**TINY, **{**FEW, "steps": 1}).fit(easy(90), validation=one, quiet=True).fitted()
        for one in (held, strange)
    ]
    for name, one in models[0].linear.items():
        np.testing.assert_array_equal(one.ngrams.hashes, models[1].linear[name].ngrams.hashes)
