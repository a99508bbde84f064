"""The report of a tagger."""

from __future__ import annotations

import base64
import copy
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.reading.pages import once
from throughtime.cells import make
from throughtime.errors import UserError
from throughtime.models.reader import ReaderConfig
from throughtime.report import label_plots
from throughtime.tasks.tag.model import TaggerConfig
from throughtime.tasks.tag.report import bracketed, write_report

EVIL = "<script>alert('x')</script>"
READER = ReaderConfig.stack("tagger", [("word", 77, 8)], [make("lstm").trace()], 16, bidirectional=False, pieces=(0, 0))
CONFIG: dict[str, Any] = {
    "format_version": 2,
    "task": "tag",
    "model": {
        "readers": [TaggerConfig(READER, 5, 2, stacked=True).to_json()],
        "ensemble_size": 1,
        "tags": ["O", "B-artist", "I-artist", "B-song", "I-song"],
        "intents": ["play", EVIL],
    },
    "options": {"hidden": 16, "clip": 5.0, "seed": 7},
    "data": {"sha256": "ab12", "texts": 90, "notes": ["tags are BIO"]},
    "decided": {"weights": {"recurrence": 1.25}},
    "parameters": 4321,
    "environment": {"cpu": "A Fine CPU"},
}
MISTAKE = {
    "text": "play bob dylan",
    "tokens": ["play", "bob", "dylan", EVIL],
    "tags": ["O", "B-artist", "I-artist", "O"],
    "answer": ["O", "O", "B-song", "O"],
    "intent": "play",
    "intent_answer": EVIL,
    "probability": 0.876,
}
EVALUATION: dict[str, Any] = {
    "texts": 300,
    "tokens": 1500,
    "slot_f1": 0.9125,
    "slot_precision": 0.9,
    "slot_recall": 0.9254,
    "by_kind": {
        "artist": {"precision": 0.9, "recall": 0.8, "f1": 0.847, "support": 1200},
        "song": {"precision": 0.5, "recall": 0.25, "f1": 0.3333, "support": 8},
        EVIL: {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},
    },
    "token_accuracy": 0.951,
    "intent_accuracy": 0.97,
    "sentence_accuracy": 0.805,
    "calibration_error": 0.0123,
    "intents": ["play", EVIL],
    "confusion": [[150, 5], [4, 141]],
    "baselines": {
        "most frequent tag": {"slot_f1": 0.4862, "token_accuracy": 0.7},
        "naive Bayes words": {"intent_accuracy": 0.9643},
    },
    "verdict": {"sentence": "The model beats the best baseline, most frequent tag."},
    "intent_verdict": {"sentence": "No proven skill with intents."},
    "shuffled": {"sentence": "It lives by their order."},
    "mistakes": [MISTAKE, {**MISTAKE, "intent_answer": "play", "probability": 0.5}],
}


def history(last: dict[str, Any] | None) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [
        {"step": step, "loss": 12 - step / 4, "gradient_norm": 0.5, "learning_rate": 1e-3, "elapsed": 2.0 * step}
        for step in range(1, 31)
    ]
    lines += [{"step": step, "validation_loss": 1.1 - step / 50} for step in (10, 20, 30)]
    return lines + ([{"step": 30, "evaluation": last}] if last is not None else [])


def page(path: Path, lines: list[dict[str, Any]], config: dict[str, Any] = CONFIG) -> str:
    (path / "config.json").write_text(json.dumps(config))
    (path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return write_report(path).read_text("utf-8")


def headings(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", text)


def test_the_page_answers_and_shows_what_it_answers_from(tmp_path: Path) -> None:
    text = page(tmp_path, history(EVALUATION))
    told = "Slots: The model beats the best baseline, most frequent tag. Intents: No proven skill with intents."
    assert f'<p class="verdict">{told}</p>' in text
    merits = re.findall(r"<li><b>(.*?)</b><span>(.*?)</span>", text)
    assert merits == [
        ("91.2 %", "slot F1"),
        ("97.0 %", "intents right"),
        ("80.5 %", "texts all right"),
        ("95.1 %", "tokens right"),
        ("4,321", "parameters"),
        ("1 min 0 s", "of training"),
    ]
    own = ["Result", "Kinds of spans", "Intents", "Mistakes to read", "Learning", "Data", "Model"]
    assert headings(text) == [*own, "Settings and environment"]
    for said in (
        *("48.62", "92.54", "96.43", "No proven skill with intents.", "It lives by their order.", "tags are BIO"),
        *("In 80.5% of the texts every tag and the intent are right.", "1.2% off", "1,200", "33.33"),
        *("(1 - slot F1) + (1 - the share of intents that are right)", "A Fine CPU"),
    ):
        assert said in text
    assert text.count("data:image/svg") == 7


def test_mistakes_stand_with_their_spans_in_brackets(tmp_path: Path) -> None:
    text = html.unescape(page(tmp_path, history(EVALUATION)))
    assert f"87.6 % sure of its least sure tag; intent play, said {EVIL}" in text
    assert "50.0 % sure of its least sure tag; intent play, right" in text
    assert f"truth   play [artist: bob dylan] {EVIL}\nanswer  play bob [song: dylan] {EVIL}" in text


@pytest.mark.parametrize(
    ("tokens", "tags", "said"),
    [
        ("play bob dylan now", "O B-artist I-artist O", "play [artist: bob dylan] now"),
        ("bob dylan", "B-artist B-artist", "[artist: bob] [artist: dylan]"),
        ("bob dylan", "O O", "bob dylan"),
        ("放 七 里 香 吧", "O B-歌曲 I-歌曲 E-歌曲 O", "放[歌曲: 七里香]吧"),
        ("dogs bark", "NNS VBP", "dogs/NNS bark/VBP"),
        ("", "", ""),
    ],
)
def test_spans_are_bracketed(tokens: str, tags: str, said: str) -> None:
    assert bracketed(tokens.split(), tags.split()) == said


def test_all_that_comes_from_the_data_is_escaped(tmp_path: Path) -> None:
    text = page(tmp_path, history(EVALUATION))
    assert "<script" not in text
    for picture in re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', text):
        assert "<script" not in base64.b64decode(picture).decode()
    assert text.count("&lt;script&gt;alert(") >= 4


def test_many_or_chinese_kinds_are_shown(tmp_path: Path) -> None:
    kinds = {f"kind {i}": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": i} for i in range(44)}
    text = page(tmp_path, history({**EVALUATION, "by_kind": kinds}))
    assert "The 30 most frequent of 44 kinds." in text
    assert "<td>kind 43</td>" in text
    assert "<td>kind 13</td>" not in text
    text = page(tmp_path, history({**EVALUATION, "by_kind": {"歌手": kinds["kind 5"]}}))
    assert "The numbers are those of the table below." in text
    assert re.search(r'<td>歌手</td><td class="number">1</td>', text)


def test_texts_without_intents_have_no_part_about_them(tmp_path: Path) -> None:
    intents = ("intents", "confusion", "intent_accuracy", "intent_verdict", "calibration_error")
    bare = {name: value for name, value in EVALUATION.items() if name not in intents}
    bare["baselines"] = {"most frequent tag": EVALUATION["baselines"]["most frequent tag"]}
    bare["mistakes"] = [{**MISTAKE, "intent": None, "intent_answer": None}]
    model = {**CONFIG["model"], "readers": [TaggerConfig(READER, 5).to_json()], "intents": []}
    config = {**CONFIG, "model": model}
    text = page(tmp_path, history(bare), config)
    assert "Intents" not in headings(text)
    assert "In 80.5% of the texts every tag is right." in text
    assert "less is better: 1 - slot F1." in text
    assert "intents right" not in text


def test_the_model_is_described_part_by_part(tmp_path: Path) -> None:
    text = html.unescape(page(tmp_path, history(None)))
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", text)
    assert {
        ("word", "look-up", "77 x 8"),
        ("layer 0", "lstm, from the start", "I = 8, H = 16"),
        ("tags", "linear", "5"),
        ("intents", "linear over the pooled states, softmax", "2"),
        ("CRF", "a score for each pair of neighbouring tags", ""),
        ("stacked", "tags see the intent", ""),
    } <= set(rows)
    assert "1.250" in text


def test_a_run_without_an_evaluation_says_how_far_it_came(tmp_path: Path) -> None:
    text = page(tmp_path, history(None))
    assert "The best validation loss was 0.5 at step 30. The model has not been scored" in text
    assert headings(text) == ["Learning", "Data", "Model", "Settings and environment"]


@pytest.mark.parametrize("other", [None, float("nan"), -1, "x", [], {}, ["O"], 1e300])
def test_a_damaged_part_of_the_history_leaves_the_rest_standing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Any
) -> None:
    for name in ("svg", "by_kind", "confusion", "scores"):  # what takes most of the time, once for what it shows
        draw = (lambda figure: "<svg/>") if name == "svg" else once(getattr(label_plots, name))
        monkeypatch.setattr(label_plots, name, draw)
    inside = [("by_kind", "artist"), ("baselines", "naive Bayes words"), ("verdict", "sentence"), ("confusion", 0)]
    inside += [("mistakes", 0), ("intents", 0)]
    for first, second in [*((name, None) for name in EVALUATION), *inside]:
        broken = copy.deepcopy(EVALUATION)
        if second is None:
            broken[first] = other
        else:
            broken[first][second] = other
        assert "</html>" in page(tmp_path, [{"step": 1, "evaluation": broken}])
    for name in MISTAKE:
        assert "</html>" in page(tmp_path, [{"step": 1, "evaluation": {"mistakes": [{**MISTAKE, name: other}]}}])


@pytest.mark.parametrize("damage", [{"tags": ["O"]}, {"answer": ["O", "O", "O", 1]}, {"tokens": None}])
def test_a_mistake_that_is_damaged_is_left_out(tmp_path: Path, damage: dict[str, Any]) -> None:
    text = page(tmp_path, [{"step": 1, "evaluation": {"mistakes": [{**MISTAKE, **damage}]}}])
    assert "Mistakes to read" not in headings(text)


def test_a_damaged_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="model folder"):
        write_report(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(UserError, match=r"history\.jsonl"):
        write_report(tmp_path)
