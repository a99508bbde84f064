"""Embeddings by the company that tokens keep."""

from __future__ import annotations

import numpy as np
import pytest

from throughtime.data.columns import UNKNOWN, Columns
from throughtime.tasks.reading import embeddings


def test_tokens_in_the_same_company_are_near_each_other() -> None:
    rng = np.random.default_rng(0)
    kinds = {"cat dog cow": "eats sleeps runs drinks", "red blue green": "bright pale paint colour"}
    texts = []
    for _ in range(300):
        names, company = list(kinds.items())[rng.integers(2)]
        texts.append([*rng.choice(company.split(), 2), rng.choice(names.split()), *rng.choice(company.split(), 2)])
    columns, _ = Columns.fit(texts, ("token",))
    size, ids = columns.sizes[0], {word: i for i, word in enumerate(columns.vocabularies[0], 1)}
    found = embeddings.pmi_embeddings(columns.encode([*texts, ["unheard"]]), size, 4, 0)
    assert found is not None
    assert found.shape == (size, 4)
    assert found.dtype == np.float32
    assert not found[UNKNOWN].any()
    assert found.std() == pytest.approx(embeddings.DEVIATION, rel=0.1)
    unit = found / np.maximum(1e-9, np.linalg.norm(found, axis=1, keepdims=True))
    close = unit @ unit.T
    for one in ("cat", "dog", "cow"):
        others = [close[ids[one], ids[other]] for other in ("cat", "dog", "cow") if other != one]
        assert min(others) > 0.9
        assert max(close[ids[one], ids[other]] for other in ("red", "blue", "green")) < 0.5
    np.testing.assert_array_equal(embeddings.pmi_embeddings(columns.encode([*texts, ["unheard"]]), size, 4, 0), found)
    assert embeddings.pmi_embeddings(columns.encode(texts), size, size - 1, 0) is None
    assert embeddings.pmi_embeddings(columns.encode([["cat"], ["dog"]]), size, 4, 0) is None
