"""Texts as numbers of any lengths."""

from __future__ import annotations

import numpy as np

from throughtime.models.ragged_ids import RaggedIds


def test_padded_as_columns() -> None:
    texts = RaggedIds.of([np.array([5, 6, 7]), np.array([], np.int32), np.array([8])])
    assert len(texts) == 3
    assert texts.lengths.tolist() == [3, 0, 1]
    assert texts[2].tolist() == [8]
    rows = np.array([2, 0, 1])
    assert texts.padded(rows).T.tolist() == [[8, 0, 0], [5, 6, 7], [0, 0, 0]]
    assert texts.padded(rows, before=9).T.tolist() == [[9, 8, 0, 0], [9, 5, 6, 7], [9, 0, 0, 0]]
    assert texts.padded(rows, behind=9).T.tolist() == [[8, 9, 0, 0], [5, 6, 7, 9], [9, 0, 0, 0]]
    assert [one.tolist() for one in (texts.take(rows)[0], texts.take(rows)[1])] == [[8], [5, 6, 7]]
    assert RaggedIds.of([]).padded(np.array([], np.int64)).shape == (0, 0)
