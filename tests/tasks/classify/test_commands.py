"""The verbs for classifiers: what they print, where, and with which exit status."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import throughtime
from tests.cli.misuse import SMALL_READER as SIZE
from tests.cli.misuse import check_refusal, make_classifier, only_json
from tests.forked import Forked, needed
from tests.tasks.reading.texts import easy, write_table
from throughtime.data.labelled import read_texts
from throughtime.storage.folder import CHECKPOINT
from throughtime.tasks.reading.lines import lines as _lines


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_classifier(tmp_path_factory.mktemp("classifier"))


def table_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_classifier_is_trained_scored_and_reported(call: Any, tmp_path: Path) -> None:
    data, out = write_table(tmp_path / "a.csv", easy(60)), tmp_path / "m"
    start = ("train", "classify", data, "--out", out, *SIZE)
    found = only_json(call(*start, "--steps", 3, "--json"))
    assert found["steps"] == 3
    assert found["evaluation"]["texts"] > 0
    assert found["evaluation"]["verdict"]["sentence"] in Path(found["report"]).read_text("utf-8")
    scored = only_json(call("evaluate", out, data, "--json"))
    assert scored["data"] == str(data)
    assert found["evaluation"].items() <= scored.items()
    page = call("evaluate", out, data)
    assert page.status == 0
    assert f"this model  {100 * scored['accuracy']:>24.2f}"[-6:] in page.out
    for entry in (scored["verdict"], scored["shuffled"]):
        assert entry["sentence"] in page.out
    assert only_json(call("report", out, "--json")) == {"report": str(out / "report.html")}
    assert call("report", out).out == f"{out / 'report.html'}\n"
    check_refusal(call(*start), ["there is a model already", "--resume", "--force"])
    check_refusal(
        call("train", "classify", data, "--out", out, "--resume", "--hidden", 9),
        ["a run that goes on keeps its hidden"],
    )
    longer = call("train", "classify", data, "--out", out, "--resume", "--steps", 5)
    assert longer.status == 0
    assert "this model" in longer.out
    assert str(out) in longer.out
    assert json.loads((out / "config.json").read_text())["options"]["steps"] == 5


def test_a_second_training_on_all_texts(call: Any, tmp_path: Path) -> None:
    data = write_table(tmp_path / "a.tsv", easy(60))
    found = only_json(
        call(
            "train",
            "classify",
            data,
            "--out",
            tmp_path / "m",
            *SIZE,
            "--steps",
            2,
            "--refit",
            "--no-bidirectional",
            "--json",
        )
    )
    assert (tmp_path / "m" / "choice" / "config.json").is_file()
    assert found["evaluation"]["texts"] > 0


def test_one_text_is_labelled(call: Any, classifier: Path) -> None:
    model = throughtime.load(classifier)
    text = "we saw isx there"
    found = only_json(call("run", classifier, text, "--json"))
    assert found["label"] == model.predict([text])[0] == "x"
    assert found["text"] == text
    assert found["probabilities"] == pytest.approx(
        dict(zip("xyz", model.predict_probabilities([text])[0], strict=True))
    )
    page = call("run", classifier, text)
    assert page.status == 0
    first, *shares = page.out.splitlines()
    assert first == "x"
    assert [line.split()[1] for line in shares] == sorted("xyz", key=lambda name: -found["probabilities"][name])
    assert only_json(call("run", classifier, "", "--json"))["label"] in set("xyz")
    assert call("run", classifier, "we saw something else", "--sure").out.split("\n")[0] in {*"xyz", "out of scope"}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "txt"])
@pytest.mark.parametrize("to", ["out", "stdout"])
def test_a_file_is_labelled(call: Any, classifier: Path, tmp_path: Path, kind: str, to: str) -> None:
    texts = [*easy(30, 1)[0], "", 'ünheard, "of"']
    file, out = tmp_path / f"a.{kind}", tmp_path / "labels.csv"
    if kind == "txt":
        file.write_bytes(("\ufeff" + "\r\n".join(texts) + "\n").encode())
    else:
        write_table(file, (texts, ["?"] * len(texts)))
    out.write_text("what was there before")
    before = out.stat().st_ino
    more = ("--out", out) if to == "out" else ()
    column = () if kind == "txt" else ("--column", "review")
    answer = call("run", classifier, "--file", file, *column, *more)
    assert answer.status == 0, answer.err
    rows = table_of(out.read_text("utf-8") if to == "out" else answer.out)
    model = throughtime.load(classifier)
    assert [row["label"] for row in rows] == model.predict(texts)
    shares = model.predict_probabilities(texts).max(1)
    assert [float(row["probability"]) for row in rows] == pytest.approx(shares, abs=1e-4)
    if to == "out":
        assert out.stat().st_ino != before  # another file in its place, at once
        assert answer.out == f"labels  {out} (32)\n"
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["labels.csv", file.name])


def test_lines_lose_their_ends_and_a_mark_at_the_start() -> None:
    assert list(_lines(["\ufeffa\r\n", "\ufeffb \n", "c"], "x", "utf-8")) == ["a", "\ufeffb ", "c"]


def test_labels_replace_a_file_as_a_whole_or_not_at_all(call: Any, classifier: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "a.txt", tmp_path / "labels.csv"
    file.write_bytes(b"fine\n" * 6000 + b"caf\xe9\n")
    out.write_text("what was there before")
    answer = call("run", classifier, "--file", file, "--out", out)
    check_refusal(answer, ["a.txt: expected utf-8 text, got byte 0xe9", "--encoding"])
    assert out.read_text() == "what was there before"
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "labels.csv"}
    assert call("run", classifier, "--file", file, "--out", out, "--encoding", "latin-1").status == 0
    assert len(table_of(out.read_text())) == 6001
    file.write_text("")
    assert call("run", classifier, "--file", file).out == "label,probability\n"


def test_lines_are_labelled_as_they_come(classifier: Path) -> None:
    """Some thousand at a time: answers come before the input has ended."""
    command = [sys.executable, "-m", "throughtime", "run", str(classifier), "-"]
    found: list[str] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        reader = threading.Thread(target=found.extend, args=(process.stdout,))
        reader.start()
        for i in range(4999):
            process.stdin.write(f"we saw is{'xyz'[i % 3]}\n")
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while len(found) < 1000 and time.monotonic() < deadline:
            time.sleep(0.05)
        early = len(found)
        process.stdin.write("we saw isy\n")
        process.stdin.close()
        assert process.wait(60) == 0
        reader.join()
    assert 1000 <= early < 5001
    assert len(found) == 5001
    assert found[0] == "label,probability\n"
    assert [line.split(",")[0] for line in found[1:4]] == throughtime.load(classifier).predict(
        [f"we saw is{kind}" for kind in "xyz"]
    )


def test_a_reader_that_goes_away_is_not_complained_of(classifier: Path) -> None:
    line = f"yes 'we saw isx' | head -9000 | {sys.executable} -m throughtime run {classifier} - | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("label,probability\n", "")


def test_a_text_is_followed_word_by_word(call: Any, tmp_path: Path) -> None:
    data, out = write_table(tmp_path / "a.csv", easy(60)), tmp_path / "m"
    assert call("train", "classify", data, "--out", out, *SIZE, "--steps", 3, "--no-bidirectional").status == 0
    answer = call("run", out, "we saw isx", "--follow")
    assert answer.status == 0, answer.err
    lines = [line.split() for line in answer.out.splitlines()]
    assert [line[-1] for line in lines] == ["we", "saw", "isx"]
    shares = throughtime.load(out).predict_probabilities(["we", "we saw", "we saw isx"])
    assert [float(line[0].rstrip("%")) for line in lines] == pytest.approx(100 * shares.max(1), abs=0.06)


def test_what_run_cannot_do(call: Any, classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "empty").mkdir()
    file = ("--file", tmp_path / "a.txt")
    for arguments, words in [
        ((), ["give one text", "--file"]),
        (("a", *file), ["not both"]),
        (("-", *file), ["not both"]),
        ((*file, "--json", "--probabilities"), ["--json has all of them anyway"]),
        (("good", "--probabilities"), ["--probabilities is CSV of many texts"]),
        (("a", "--follow"), ["--no-bidirectional"]),
        (("a", "--follow", "--json"), ["leave --file, -, --json and --sure out"]),
        ((*file, "--follow"), ["leave --file"]),
        (("a", "--out", tmp_path / "b"), ["leave them out"]),
        (("a", "--column", "text"), ["leave them out"]),
        (("--file", tmp_path / "gone.txt"), ["gone.txt", "no such file"]),
        (("--file", tmp_path / "gone.csv"), ["gone.csv", "no such file"]),
        (("--file", tmp_path / "empty"), ["empty", "folder"]),
        ((*file, "--encoding", "utf-88"), ["'utf-88'"]),
        ((*file, "--out", tmp_path / "gone" / "b"), ["gone"]),
        (("a", "b"), ["unexpected extra argument"]),
    ]:
        check_refusal(call("run", classifier, *arguments), words)
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "empty"}
    assert not [*(tmp_path / "empty").iterdir()]


@needed
def test_a_signal_leaves_a_model_and_says_how_to_go_on(call: Any, classifier: Path, tmp_path: Path) -> None:
    data, folder = classifier.parent / "texts.csv", tmp_path / "m"
    start = ["train", "classify", str(data), "--out", str(folder), "--minutes", "5", *SIZE, "--json"]
    process = Forked(tmp_path, start)
    process.until((folder / "choice" / CHECKPOINT).exists)  # of the first of two trainings
    assert process.stop(signal.SIGTERM) == 128 + signal.SIGTERM
    out, told = process.texts
    assert "Traceback" not in told
    assert f"the best model is in {folder}, go on with --resume" in told
    found = json.loads(out)
    assert (found["ended"], found["signal"]) == ("interrupted", signal.SIGTERM)
    assert "evaluation" not in found
    assert set(throughtime.load(folder).predict(["we saw isx"])) <= set("xyz")
    steps = str(found["steps"] + 3)
    longer = only_json(call("train", "classify", data, "--out", folder, "--resume", "--steps", steps, "--json"))
    assert (longer["ended"], longer["steps"]) == ("budget", int(steps))
    assert longer["evaluation"]["texts"] == len(read_texts(data).split(0.1, 1)[1])
