"""The report of a classifier."""

from __future__ import annotations

import base64
import copy
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks.reading.pages import once
from throughtime.cells import make
from throughtime.errors import UserError
from throughtime.linear import metrics as classify_metrics
from throughtime.models.reader import ReaderConfig
from throughtime.report import curves, label_plots
from throughtime.tasks.classify.model import ClassifierConfig
from throughtime.tasks.classify.report import write_report

EVIL = "<script>alert('x')</script>"
READER = ReaderConfig.stack(
    "classifier", [("word", 77, 8), ("shape", 9, 8)], [make("lstm").trace(), make("gru").trace()], 16,
    pieces=(55, 8), added=True, values=12,
)  # fmt: skip
CONFIG: dict[str, Any] = {
    "format_version": 2,
    "task": "classify",
    "model": {
        "readers": [ClassifierConfig(READER, 3, ("max", "mean")).to_json()],
        "ensemble_size": 2,
        "classes": ["bad", "good", EVIL],
    },
    "options": {"hidden": 16, "batch": 4, "seed": 7},
    "data": {
        "sha256": "ab12",
        "texts": 90,
        "classes": {"bad": 40, "good": 1234, EVIL: 20},
        "notes": ["9 texts repeat"],
    },
    "decided": {"weights": {"recurrence": 0.7861, "naive Bayes words": 0.25}, "threshold": 0.9},
    "parameters": 54321,
    "environment": {"throughtime": "9.8.7", "cpu": "A Fine CPU"},
}


def evaluation(classes: list[str]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, len(classes), 300)
    answers = rng.dirichlet(np.ones(len(classes)), 300) + 0.5 * np.eye(len(classes))[truth]
    answers /= answers.sum(1, keepdims=True)
    return {
        "texts": 300,
        "accuracy": 0.9125,
        "macro_f1": 0.8875,
        "calibration_error": 0.0321,
        "classes": classes,
        "confusion": classify_metrics.confusion(truth, answers.argmax(1), len(classes)).tolist(),
        "reliability": classify_metrics.reliability(answers, truth),
        "baselines": {
            "majority class": {"accuracy": 0.5, "macro_f1": 0.33, "accuracy_unseen": 0.48},
            "naive Bayes words": {"accuracy": 0.875, "macro_f1": 0.8642, "accuracy_unseen": 0.86},
        },
        "verdict": {"sentence": "The model beats the best baseline, naive Bayes words.", "skill": True},
        "recurrence": {"accuracy": 0.9, "linear_accuracy": 0.88, "adds": {"sentence": "It earns its place."}},
        "shuffled": {"accuracy": 0.7, "sentence": "It lives by the order of words."},
        "sure": {"threshold": 0.9, "share": 0.6, "accuracy": 0.985},
        "unseen": {"texts": 290, "accuracy": 0.9052},
        "mistakes": [
            {"text": f"not bad at all {EVIL}", "label": "good", "answer": "bad", "probability": 0.987, "row": 41},
            {"text": "再好不过", "label": EVIL, "answer": "good", "probability": 0.9, "row": 7},
        ],
    }


def history(last: dict[str, Any] | None) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for step in range(1, 31):
        own = {"gradient_norm": 0.5, "learning_rate": 1e-3, "tokens_per_second": 900.0, "elapsed": 2.5 * step}
        lines.append({"step": step, "loss": 1.2 - step / 40, **own})
        if step % 10 == 0:
            lines.append({"step": step, "validation_loss": 1.1 - step / 50, "best": True})
    return lines + ([{"step": 30, "evaluation": last}] if last is not None else [])


def folder(path: Path, lines: list[dict[str, Any]], config: dict[str, Any] = CONFIG) -> Path:
    (path / "config.json").write_text(json.dumps(config))
    (path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def page(path: Path, lines: list[dict[str, Any]], config: dict[str, Any] = CONFIG) -> str:
    return write_report(folder(path, lines, config)).read_text("utf-8")


def headings(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", text)


def pictures(text: str) -> list[str]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', text)
    return [base64.b64decode(one).decode() for one in found]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there is something in nested dicts and lists, of long lists the first three."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, entry in inside:
        yield from places(entry, (*path, key))


def spoilt(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """A copy with something else in one place."""
    copied = copy.deepcopy(value)
    at = copied
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other
    return copied


def test_the_page_answers_and_shows_what_it_answers_from(tmp_path: Path) -> None:
    text = page(tmp_path, history(evaluation(["bad", "good", EVIL])))
    verdict = re.search(r'<p class="verdict">(.*?)</p>', text)
    assert verdict is not None
    assert verdict[1] == "The model beats the best baseline, naive Bayes words."
    merits = re.findall(r"<li><b>(.*?)</b><span>(.*?)</span>", text)
    assert merits == [
        ("91.2 %", "accuracy"),
        ("88.8 %", "macro F1"),
        ("3.2 %", "calibration error"),
        ("54,321", "parameters"),
        ("1 min 15 s", "of training"),
    ]
    own = ["Result", "Classes", "Probabilities", "Mistakes to read", "Learning", "Data", "Model"]
    assert headings(text) == [*own, "Settings and environment"]
    for said in (
        *("86.42", "91.25", "90.52", "290 texts that are not among", "It earns its place.", "It lives by the order"),
        *("of at least 0.900 are called sure: 60.0%, and of those 98.5% are right", "A Fine CPU", "9 texts repeat"),
        *("said bad with 98.7 %, the label is good (row 41)", "再好不过", "1,234"),
    ):
        assert said in text
    assert len(pictures(text)) == 5
    assert re.search(r"http(?!-equiv=)", text) is None


def test_the_model_is_described_part_by_part(tmp_path: Path) -> None:
    text = html.unescape(page(tmp_path, history(None)))
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", text)
    assert {
        ("word", "look-up", "77 x 8"),
        ("shape", "look-up", "9 x 8"),
        ("pieces", "look-up, the mean of a token's n-grams", "55 x 8"),
        ("embedding", "added", ""),
        ("naive-Bayes features", "what naive Bayes says of the n-grams that end at a token", "12"),
        ("layer 0", "lstm, in both directions", "I = 20, H = 16"),
        ("layer 1", "gru, in both directions", "I = 32, H = 16"),
        ("pooling", "max, mean", ""),
        ("output", "linear, softmax", "3 classes"),
        ("members", "each learns by itself, their mean is the answer", "2"),
    } <= set(rows)
    assert "0.786" in text
    assert text.count("Equations of") == 2
    assert "layer 2" not in text


def test_all_that_comes_from_the_data_is_escaped(tmp_path: Path) -> None:
    text = page(tmp_path, history(evaluation(["bad", "good", EVIL])))
    assert "<script" not in text
    assert all("<script" not in picture for picture in pictures(text))
    assert text.count("&lt;script&gt;alert(") >= 4


def test_many_classes_show_those_with_the_most_errors(tmp_path: Path) -> None:
    names = [f"intent {i}" for i in range(100)]
    text = page(tmp_path, history(evaluation(names)))
    assert "The 25 of 100 classes with the most errors." in text
    assert "The numbers are those" not in text


def test_chinese_classes_are_numbered_and_named_in_the_table(tmp_path: Path) -> None:
    text = page(tmp_path, history(evaluation(["好评", "差评"])))
    assert "The numbers are those of the table below." in text
    assert re.search(r'<td>差评</td><td class="number">2</td>', text)


def test_a_run_without_an_evaluation_says_how_far_it_came(tmp_path: Path) -> None:
    text = page(tmp_path, history(None))
    assert "The best validation loss was 0.5 at step 30. The model has not been scored" in text
    assert headings(text) == ["Learning", "Data", "Model", "Settings and environment"]
    assert "Trained for 1 steps" in page(tmp_path, [{"step": 1, "loss": 2.0}])
    assert "Nothing has been learned yet." in page(tmp_path, [])


def test_an_evaluation_without_baselines_or_with_all_texts_unseen_is_shown(tmp_path: Path) -> None:
    bare = {"texts": 3, "accuracy": 1.0, "unseen": {"texts": 3, "accuracy": 1.0}, "baselines": {}}
    text = page(tmp_path, history(bare))
    assert "Scored, but not beside a baseline." in text
    assert "unseen" not in text


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are made, each once for what it shows, but not written out: both take most of the time."""
    for module in (curves, label_plots):
        monkeypatch.setattr(module, "svg", lambda figure: "<svg/>")
    for name in ("confusion", "reliability", "scores"):
        monkeypatch.setattr(label_plots, name, once(getattr(label_plots, name)))


OTHERS = [None, float("nan"), float("inf"), -1, "x", [], {}, [[1, 2]], 1e300, True]


@pytest.mark.usefixtures("undrawn")
def test_a_damaged_part_of_the_history_leaves_the_rest_standing(tmp_path: Path) -> None:
    whole = evaluation(["bad", "good", EVIL])
    for i, place in enumerate(places(whole)):
        broken = spoilt(whole, place, OTHERS[3 * i % len(OTHERS)])
        assert "</html>" in page(tmp_path, [{"step": 1, "evaluation": broken}])


@pytest.mark.usefixtures("undrawn")
def test_a_damaged_configuration_is_told_in_one_line(tmp_path: Path) -> None:
    parts = [place for place in places(CONFIG) if place[0] not in ("format_version", "environment")]
    told: list[str] = []
    for i, place in enumerate(one for one in parts if len(one) < 9):
        broken = spoilt(CONFIG, place, (None, -1, "x", [], {}, [[1, 2]])[i % 6])
        try:
            assert "</html>" in page(tmp_path, [], broken)
        except UserError as error:
            told.append(str(error))
    assert len(told) > 90
    assert all(str(tmp_path) in one and "\n" not in one for one in told)


def test_a_damaged_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="model folder"):
        write_report(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(UserError, match=r"history\.jsonl"):
        write_report(tmp_path)
    (tmp_path / "history.jsonl").write_text('{"step": 1, "loss": 2.0}\nno json\n[1]\n{"loss": 3}\n{"step": 2, "lo')
    assert "Trained for 1 steps" in write_report(tmp_path).read_text("utf-8")
    (tmp_path / "report.html").unlink()
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UserError, match="it is a folder"):
        write_report(tmp_path)
