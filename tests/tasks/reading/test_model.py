"""Folders of models that read texts which are incomplete or damaged: one row for each way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.damage import CONFIG, GONE, TOKENIZER, WEIGHTS, Change, at
from tests.cli.misuse import Outcome, check_refusal, make_classifier, make_tagger, snapshot
from throughtime import cli


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classifier in c and a tagger in t."""
    folder = tmp_path_factory.mktemp("read")
    make_classifier(folder)
    make_tagger(folder)
    return folder


@pytest.fixture
def readers(read: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(read, tmp_path / "readers"))


@pytest.fixture
def refuse_there(readers: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command beside the folders c and t; it must be refused with the words, and change nothing."""

    def run(arguments: list[str], *words: str) -> None:
        monkeypatch.chdir(readers)
        before = snapshot(readers)
        capfd.readouterr()
        check_refusal(Outcome(cli.invoke(arguments), *capfd.readouterr()), words)
        assert snapshot(readers) == before

    return run


USE = {"c": ["run", "c", "we saw isx"], "t": ["run", "t", "leave the rome"]}
SCORE = {"c": ["evaluate", "c", "texts.csv"], "t": ["evaluate", "t", "slots.conll", "--seconds", "0"]}
OF_READERS = [
    ("c", "evidence.safetensors", USE),
    ("c", "linear.json", USE),
    ("c", "linear.safetensors", USE),
    ("c", "seen.safetensors", SCORE),
    ("c", TOKENIZER, USE),
    ("c", TOKENIZER, SCORE),
    ("c", WEIGHTS, USE),
    ("t", TOKENIZER, USE),
    ("t", "linear.json", SCORE),
    ("t", "linear.safetensors", USE),
    ("t", WEIGHTS, SCORE),
]


@pytest.mark.parametrize(
    ("folder", "name", "verb", "how"),
    [
        (*row, how)
        for how in ("gone", "empty", "folder", "garbage", "letters", "half", "nearly")
        for row in OF_READERS
        if row[1] != "seen.safetensors" or how not in ("gone", "folder")  # what was seen need not be known
    ],
)
def test_a_damaged_file(
    readers: Path, refuse_there: Any, folder: str, name: str, verb: dict[str, list[str]], how: str
) -> None:
    path, raw = readers / folder / name, (readers / folder / name).read_bytes()
    path.unlink()
    if how == "folder":
        path.mkdir()
    elif how != "gone":
        content = {"garbage": bytes(range(256)) * 9, "letters": b"hello", "half": raw[: len(raw) // 2]}
        path.write_bytes({**content, "empty": b"", "nearly": raw[:-3]}[how])
    refuse_there(verb[folder], f"{folder}: " if name == "linear.json" and how in ("gone", "folder") else name)


def test_what_was_seen_need_not_be_known(readers: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (readers / "c" / "seen.safetensors").unlink()
    capfd.readouterr()
    assert cli.invoke(["evaluate", str(readers / "c"), str(readers / "texts.csv"), "--json"]) == 0
    assert "unseen" not in json.loads(capfd.readouterr().out)


READER = ("model", "readers", 0)
OF_CONFIGS: dict[str, tuple[str, Change, list[str]]] = {
    "no model": ("c", at("model", to=GONE), ["model missing"]),
    "no readers": ("c", at("model", "readers", to=[]), ["readers"]),
    "readers a number": ("c", at("model", "readers", to=3), ["readers"]),
    "a reader of null": ("c", at(*READER, to=None), ["missing"]),
    "two readers": ("c", at("model", "readers", to=[{}, {}]), ["above, classes, pooling missing"]),
    "members a text": ("c", at("model", "ensemble_size", to="1"), ["ensemble_size must be from 1"]),
    "another number of members": ("c", at("model", "ensemble_size", to=9), ["missing"]),
    "no number of members": ("c", at("model", "ensemble_size", to=GONE), ["expected readers and ensemble_size"]),
    "another number of classes": ("c", at(*READER, "classes", to=4), ["expected 3 classes everywhere, got [4]"]),
    "classes a text": ("c", at(*READER, "classes", to="3"), ["classes must be an integer"]),
    "a million classes": ("c", at(*READER, "classes", to=10**9), ["classes must be an integer"]),
    "pooling unknown": ("c", at(*READER, "pooling", to=["sum"]), ["pooling must be some of"]),
    "columns a text": ("c", at(*READER, "columns", to="word"), ["malformed"]),
    "a column of another size": ("c", at(*READER, "columns", 0, 1, to=7), ["vocabularies"]),
    "other values": ("c", at(*READER, "values", to=1), ["layer 0"]),
    "added a number": ("c", at(*READER, "added", to=1), ["added must be true or false"]),
    "a layer gone": ("c", at(*READER, "layers", 0, to=[]), ["one direction or two"]),
    "layers above": ("c", at(*READER, "above", to=[[{}]]), ["trace"]),
    "nothing decided": ("c", at("decided", to=GONE), ["decided missing"]),
    "decided a list": ("c", at("decided", to=[]), ["decided"]),
    "no names": ("c", at("model", "classes", to=GONE), ["classes must be a list of names"]),
    "too few names": (
        "c",
        at("model", "classes", to=["x", "y"]),
        ["config.json: classifier: expected 2 classes everywhere"],
    ),
    "a name twice": ("c", at("model", "classes", to=["x", "x", "y"]), ["each once"]),
    "names that are none": ("c", at("model", "classes", to=[1, [], None]), ["names"]),
    "weights a list": ("c", at("decided", "weights", to=[1]), ["weights must be an object"]),
    "weights of nobody": ("c", at("decided", "weights", to={"nobody": 1.0}), ["expected weights"]),
    "weights below zero": ("c", at("decided", "weights", to={"recurrence": -1}), ["weights"]),
    "weights of nothing": ("c", at("decided", "weights", to={"recurrence": 0}), ["expected weights"]),
    "a weight that is a text": ("c", at("decided", "weights", to={"recurrence": "1"}), ["weights"]),
    "threshold a text": ("c", at("decided", "threshold", to="0.5"), ["threshold"]),
    "threshold of 2": ("c", at("decided", "threshold", to=2.0), ["threshold"]),
    "no tags": ("t", at("model", "tags", to=GONE), ["tags must be a list of names"]),
    "too few tags": ("t", at("model", "tags", to=["O"]), ["names of 5 tags"]),
    "tags that are none": ("t", at("model", "tags", to=[1, [], {}, None, "O"]), ["tags must be a list of names"]),
    "other intents": ("t", at("model", "intents", to=[]), ["intents"]),
    "crf a number": ("t", at(*READER, "crf", to=1), ["crf must be true or false"]),
    "crf off": ("t", at(*READER, "crf", to=False), ["crf"]),
    "tags a text": ("t", at(*READER, "tags", to="5"), ["tags must be an integer"]),
    "many tags": ("t", at(*READER, "tags", to=10**6), ["tags must be an integer"]),
    "stacked without intents": ("t", at(*READER, "intents", to=0), ["intent"]),
    "weights of no model": ("t", at("decided", "weights", to={"nobody": 1.0}), ["expected weights"]),
}


@pytest.mark.parametrize("name", OF_CONFIGS)
def test_a_wrong_configuration(readers: Path, refuse_there: Any, name: str) -> None:
    folder, change, words = OF_CONFIGS[name]
    config = json.loads((readers / folder / CONFIG).read_text("utf-8"))
    change(config)
    (readers / folder / CONFIG).write_text(json.dumps(config))
    refuse_there(USE[folder], *words)
    refuse_there(SCORE[folder], *words)


@pytest.mark.parametrize("section", ["data", "options"])
@pytest.mark.parametrize("value", [GONE, None, [], "x"])
@pytest.mark.parametrize("folder", ["c", "t"])
def test_a_section_that_is_none(readers: Path, refuse_there: Any, folder: str, section: str, value: Any) -> None:
    config = json.loads((readers / folder / CONFIG).read_text("utf-8"))
    at(section, to=value)(config)
    (readers / folder / CONFIG).write_text(json.dumps(config))
    for arguments in (USE[folder], SCORE[folder], ["report", folder]):
        refuse_there(arguments, "config.json", f"{section} missing" if value is GONE else "expected an object")
