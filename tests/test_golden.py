"""Golden models: folders of a format that was in use load for ever, and answer what they answered when they were made.

They stand in tests/golden; generate.py there says how they came about, answers.py what is asked of each task's models.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import throughtime
from tests.golden.answers import ANSWERS, check, scores, table

FORMAT_1 = Path(__file__).parent / "golden" / "format_1"
CASES = sorted(file.stem for file in FORMAT_1.glob("*.json"))
NEEDS = {"text_bpe": "tokenizers", "classify_subwords": "tokenizers", "classify_jieba": "jieba"}


def test_no_case_is_lost() -> None:
    assert [sum(case.startswith(task) for case in CASES) for task in ANSWERS] == [8, 6, 8, 5]
    assert sorted(file.name for file in FORMAT_1.iterdir() if file.is_dir()) == CASES


@pytest.mark.parametrize("case", CASES)
def test_a_folder_answers_as_it_did(case: str) -> None:
    if case in NEEDS:
        pytest.importorskip(NEEDS[case])
    golden = json.loads((FORMAT_1 / f"{case}.json").read_text("utf-8"))
    model = throughtime.load(FORMAT_1 / case)
    check(ANSWERS[golden["task"]](model, golden["inputs"]), golden["answers"], case)


def test_a_table_is_read_and_forecast_as_it_was() -> None:
    golden = json.loads((FORMAT_1 / "forecast_dated.json").read_text("utf-8"))
    check(table(FORMAT_1 / "forecast_dated"), golden["table"], "forecast_dated")


def test_texts_are_scored_as_they_were() -> None:
    golden = json.loads((FORMAT_1 / "classify_characters.json").read_text("utf-8"))
    check(scores(FORMAT_1 / "classify_characters"), golden["scores"], "classify_characters")
