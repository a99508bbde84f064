"""The report of a language model."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from throughtime import LanguageModel
from throughtime.cells import make
from throughtime.errors import UserError
from throughtime.report import run
from throughtime.report.page import Page, Table
from throughtime.storage.record import ModelRecord, Nothing
from throughtime.tasks.text.data import TextData
from throughtime.tasks.text.model import LanguageConfig
from throughtime.tasks.text.options import TextOptions
from throughtime.tasks.text.report import write_report

RECORD = ModelRecord(
    "text",
    LanguageConfig.stack(30, 8, [make("lstm").trace(), make("gru").trace()], 16),
    TextOptions(clip=1.0, batch=4),
    TextData("poems.txt"),
    Nothing(),
    4321,
    {"throughtime": "9.8.7", "cpu": "A Fine CPU"},
)
BASELINES = {
    "uniform": {"nats_per_token": 3.4, "nats_per_character": 3.4},
    "unigram": {"nats_per_token": 2.9, "nats_per_character": 2.9},
    "ngram": {"nats_per_token": 2.1, "nats_per_character": 2.1, "order": 5},
}


def history(steps: int = 40, ours: float | None = 1.8) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        loss = 1.7 + math.exp(-step / 9)
        measured = {"gradient_norm": 1 / step + 0.1, "clipped": 0.25, "learning_rate": 1e-3}
        lines.append({"step": step, "loss": loss, **measured, "tokens_per_second": 5e4, "elapsed": step * 2.0})
        if step % 2 == 0:
            lines.append({"step": step, "validation_loss": loss + 0.1, "best": True})
            lines.append({"step": step, "sample": f"第{step}步 <b>&"})
    if ours is not None:
        evaluation = {"part": "test", "nats_per_character": ours, "nats_per_token": ours, "baselines": BASELINES}
        lines.append({"step": steps, "evaluation": evaluation})
    return lines


def folder(path: Path, lines: list[dict[str, Any]]) -> Path:
    RECORD.write(path)
    (path / "history.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[dict[str, Any]]], Page]:
    """The page about a folder with a history, before it becomes HTML."""
    pages: list[Page] = []
    monkeypatch.setattr(run, "render", lambda page: pages.append(page) or "")

    def made(lines: list[dict[str, Any]]) -> Page:
        write_report(folder(tmp_path, lines))
        return pages.pop()

    return made


class Balanced(HTMLParser):
    """Fails where a tag is not closed; collects the addresses of what is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_self_contained_file(tmp_path: Path) -> None:
    path = write_report(folder(tmp_path, history()))
    assert path == tmp_path / "report.html"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "history.jsonl", "report.html"]
    html = path.read_text("utf-8")
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert len(parser.loaded) == 2
    assert all(a.startswith("data:image/svg+xml;base64,") for a in parser.loaded)
    assert "http://" not in html
    assert "https://" not in html
    assert "@import" not in html
    for text in ("A Fine CPU", "poems.txt", "5-gram", "4,321", "c = f * c&#39; + i * tanh", "n = tanh", "step 40"):
        assert text in html
    assert html == write_report(tmp_path).read_text("utf-8")


def test_samples_are_escaped_and_spread(tmp_path: Path) -> None:
    html = write_report(folder(tmp_path, history())).read_text("utf-8")
    shown = re.findall(r"第(\d+)步 &lt;b&gt;&amp;", html)
    assert len(shown) == 12
    assert shown[0] == "2"
    assert shown[-1] == "40"
    assert "<b>&" not in html


@pytest.mark.parametrize(
    ("ours", "verdict", "warning"),
    [
        (1.8, "never saw the model needs 1.800 nats per character, 14.3% fewer than .* 5-gram model (2.100)", False),
        (2.2, "the 5-gram model, needs 4.5% fewer", True),
        (None, "best validation loss was .* at step 40", False),
    ],
)
def test_the_verdict_is_honest(page: Any, ours: float | None, verdict: str, warning: bool) -> None:
    made = page(history(ours=ours))
    assert re.search(verdict.replace("(", r"\(").replace(")", r"\)"), made.verdict)
    assert any("simple baseline" in text for text in made.warnings) == warning
    assert made.sections[0].title == ("Learning" if ours is None else "Result")


def test_the_table_of_results_puts_every_baseline_beside_the_model(page: Any) -> None:
    table = page(history()).sections[0].items[0]
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["uniform", "unigram", "5-gram", "this model"]
    assert table.rows[-1][1:] == ["1.800", f"{1.8 / math.log(2):.3f}", f"{math.exp(1.8):.2f}"]


def test_trouble_is_named(page: Any) -> None:
    lines = history(ours=None)
    for line in lines:
        if "loss" in line:
            line["clipped"] = 0.8
    lines += [{"step": 50, "validation_loss": 3.0}]
    warnings = " ".join(page(lines).warnings)
    assert "Clipping struck at 80%" in warnings
    assert "best at step 40" in warnings


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"step": 1, "loss": 2.0}],
        [{"step": 1, "loss": None, "gradient_norm": None}],
        [{"step": 1, "validation_loss": 2.0}],
        [{"step": 5, "evaluation": {"nats_per_byte": 1.0, "baselines": {}}}],
        [{"step": 1, "loss": 2.0}, {"step": 2, "evaluation": {"nats_per_token": 1.0, "baselines": BASELINES}}],
    ],
)
def test_a_short_or_odd_history_still_gives_a_report(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    assert "</html>" in write_report(folder(tmp_path, lines)).read_text("utf-8")


def test_a_damaged_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="model folder"):
        write_report(tmp_path)
    RECORD.write(tmp_path)
    with pytest.raises(UserError, match=r"history\.jsonl"):
        write_report(tmp_path)


def test_a_run_that_its_own_loss_stopped_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="training: the"):
        LanguageModel(cell="rnn:identity", hidden=8, embedding=4, threads=1).fit(
            "the cat sat on the mat. " * 60, tmp_path, steps=30, batch=4, window=8, learning_rate=1e30, quiet=True
        )
    page = write_report(tmp_path).read_text("utf-8")
    assert "Training stopped at step" in page
    assert "What may help: try --learning-rate" in page
