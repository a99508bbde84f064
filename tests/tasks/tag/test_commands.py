"""The verbs for taggers: what they print, where, and with which exit status."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import throughtime
from tests.cli.misuse import SMALL_READER as SIZE
from tests.cli.misuse import check_refusal, make_tagger, only_json
from tests.tasks.reading.texts import flights, write_tagged


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tagger(tmp_path_factory.mktemp("tagger"))


def test_a_tagger_is_trained_scored_and_reported(call: Any, tmp_path: Path) -> None:
    data, out = write_tagged(tmp_path / "a", flights(60), "folder"), tmp_path / "m"
    start = ("train", "tag", data, "--out", out, *SIZE, "--seconds", 0)
    found = only_json(call(*start, "--steps", 3, "--swap", "0.5", "--stacked", "--json"))
    assert found["steps"] == 3
    assert found["evaluation"]["verdict"]["sentence"] in Path(found["report"]).read_text("utf-8")
    scored = only_json(call("evaluate", out, data, "--seconds", 0, "--json"))
    assert scored["data"] == str(data)
    assert found["evaluation"].items() <= scored.items()
    page = call("evaluate", out, data, "--seconds", 0)
    assert page.status == 0
    assert "this model" in page.out
    assert f"all of a text right in {scored['sentence_accuracy']:.1%}" in page.out
    assert only_json(call("report", out, "--json")) == {"report": str(out / "report.html")}
    check_refusal(call(*start), ["there is a model already", "--resume", "--force"])
    check_refusal(
        call("train", "tag", data, "--out", out, "--resume", "--no-crf"), ["a run that goes on keeps its crf"]
    )
    assert call("train", "tag", data, "--out", out, "--resume", "--steps", 5, "--seconds", 0).status == 0
    assert json.loads((out / "config.json").read_text())["options"]["steps"] == 5


def test_texts_are_tagged(call: Any, tagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, text = throughtime.load(tagger), "leave the new york reach a rome"
    wanted = next(model.tag([text]))
    found = only_json(call("run", tagger, text, "--json"))
    assert found == json.loads(json.dumps(wanted.to_json()))
    assert found["tokens"] == text.split()
    page = call("run", tagger, text)
    assert page.out.startswith(f"{wanted.intent}  ")
    assert page.out.count("\n") == 1 + len(wanted.spans)
    lines = [text, "", "reach it oslo"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
    many = call("run", tagger, "-", "--json")
    assert many.status == 0
    assert [json.loads(line)["tokens"] for line in many.out.splitlines()] == [line.split() for line in lines]


def test_a_tagger_without_intents(call: Any, tmp_path: Path) -> None:
    data, out = write_tagged(tmp_path / "a", flights(60, intents=False)), tmp_path / "m"
    assert call("train", "tag", data, "--out", out, *SIZE, "--seconds", 0, "--steps", 2).status == 0
    assert "intent" not in only_json(call("run", out, "leave rome", "--json"))
    assert call("run", out, "").out == "nothing marked\n"
