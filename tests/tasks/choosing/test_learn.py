"""A chooser learned from a user's own answers finds them, knows when it does not know, and is read back the same."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from throughtime.data.dialogues import read_dialogues
from throughtime.data.pairs import Pairs
from throughtime.errors import UserError
from throughtime.storage.folder import write_files
from throughtime.tasks.choosing.chooser import FILE, QUESTION, RECURRENCE, WEIGHTS, Chooser
from throughtime.tasks.choosing.learn import among_others, asked_otherwise, candidates, learn
from throughtime.tasks.choosing.options import ChooserOptions

THINGS = ["bread", "milk", "shoes", "stamps", "tickets", "flowers", "books", "keys", "lamps", "chairs", "tea", "soap"]
ASKED = {
    "where": ("Where do I find {0} in your shop?", "The {0} are on floor {1}."),
    "price": ("How much do {0} cost with you?", "We sell {0} for {1} pounds."),
    "return": ("Can I give {0} back later?", "Bring {0} back within {1} days."),
    "order": ("May I order {0} by telephone?", "Call us about {0} under {1}."),
}


def faq() -> Pairs:
    rows = [
        (question.format(thing), answer.format(thing, 3 + 7 * i + 100 * k))
        for i, thing in enumerate(THINGS)
        for k, (question, answer) in enumerate(ASKED.values())
    ]
    return Pairs([a for a, _ in rows], [b for _, b in rows])


OPTIONS = ChooserOptions(hidden=8, embedding=8, batch=16, steps=30, threads=1, validations=2)


@cache
def learned() -> Chooser:
    return learn(faq(), OPTIONS)


def test_it_finds_the_answers() -> None:
    pairs, chooser = faq(), learned()
    assert [chooser.choose([q]).text for q in pairs.sources] == pairs.targets
    assert chooser.weights[QUESTION] > 0
    rng = np.random.default_rng(5)
    asked = [asked_otherwise(question, rng) for question in pairs.sources]
    right = [chooser.choose([q]).text == a for q, a in zip(asked, pairs.targets, strict=True)]
    assert np.mean(right) > 0.6


def test_it_knows_when_it_does_not_know() -> None:
    chooser = learned()
    foreign = ["What is the capital of France?", "Tell me a joke about rain", "zzz", "你好吗", "!!!"]
    assert not any(chooser.choose([question]).known for question in foreign)
    own = [chooser.choose([question]) for question in faq().sources]
    assert all(0 <= one.confidence <= 1 for one in own)
    assert np.mean([one.known for one in own]) >= 0.9


def test_never_the_same_twice_and_nothing_for_nothing() -> None:
    chooser, question = learned(), faq().sources[3]
    first = chooser.choose([question])
    second = chooser.choose([question], avoid=first.text)
    assert second.text != first.text
    assert second.text
    for said in ([], [""], ["Hello", " "]):
        with pytest.raises(UserError, match="expected something said"):
            chooser.choose(said)


def test_it_repeats_and_is_read_back_the_same() -> None:
    chooser, again = learned(), learn(faq(), OPTIONS)
    files = chooser.files()
    assert all(np.array_equal(value, again.files()[WEIGHTS][name]) for name, value in files[WEIGHTS].items())
    read = Chooser.of_files(files[FILE], files[WEIGHTS])
    for question in faq().sources[:5]:
        assert read.choose(["Hello", question]) == chooser.choose(["Hello", question])


@pytest.mark.parametrize("name", ["answers", "index", "sources", "vocabulary", "config", "weights", "threshold"])
def test_damaged_files_are_one_line(name: str) -> None:
    files = learned().files()
    for value in (None, [], {}, 3, "x", [""], {"tf-idf": 1.0}):
        if name == "threshold" and value == 3:
            continue
        with pytest.raises(UserError) as error:
            Chooser.of_files({**files[FILE], name: value}, files[WEIGHTS])
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="damaged"):
        Chooser.of_files({key: one for key, one in files[FILE].items() if key != name}, files[WEIGHTS])


def test_damaged_arrays_are_one_line() -> None:
    files = learned().files()
    for name, value in files[WEIGHTS].items():
        for bad in (value[..., :0], np.full_like(value, np.nan) if value.dtype.kind == "f" else value * 0 - 2):
            try:
                Chooser.of_files(files[FILE], {**files[WEIGHTS], name: bad}).choose(["How much is tea?"])
            except UserError as error:
                assert "\n" not in str(error)  # noqa: PT017
            else:
                raise AssertionError(f"{name} may be anything")


def test_odd_arrays_and_weights_are_one_line() -> None:
    files = learned().files()
    arrays, data = files[WEIGHTS], files[FILE]
    odd = {
        "own.of": arrays["own.of"].astype(np.float32),
        "own.vectors": arrays["own.vectors"] * 1e30,
        "own.steep": np.full_like(arrays["own.steep"], 1e30),
        "neighbours.answers": arrays["neighbours.answers"].astype(np.float64),
        "neighbours.indptr": arrays["neighbours.indptr"].astype(np.float64),
        "neighbours.usual": -arrays["neighbours.usual"],
        "neighbours.weights": arrays["neighbours.weights"] * 1e30,
    }
    for name, value in odd.items():
        with pytest.raises(UserError, match="damaged"):
            Chooser.of_files(data, {**arrays, name: value})
    with pytest.raises(UserError, match="kept of replies"):
        Chooser.of_files(data, {**arrays, "neighbours.usual": arrays["neighbours.usual"][:, None]})
    with pytest.raises(UserError, match="damaged"):
        Chooser.of_files({**data, "weights": {**data["weights"], QUESTION: 1e308}}, arrays)


def test_it_runs_without_torch(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    write_files(folder, learned().files())
    code = f"""
import sys
sys.modules["torch"] = None
from pathlib import Path
from throughtime.storage.folder import read_json, read_weights
from throughtime.tasks.choosing.chooser import FILE, WEIGHTS, Chooser
folder = Path({str(folder)!r})
print(Chooser.of_files(read_json(folder / FILE), read_weights(folder / WEIGHTS)).choose({faq().sources[:1]!r}).text)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == faq().targets[0]


def test_conversations() -> None:
    rng = np.random.default_rng(0)
    talks = []
    for i in range(60):
        thing, k = THINGS[i % 12], int(rng.integers(4))
        question, answer = list(ASKED.values())[k]
        talks.append([f"Hello number {i}", f"Good day, {i}.", question.format(thing), answer.format(thing, i)])
    pairs = read_dialogues(talks)
    said: list[str] = []
    chooser = learn(pairs, OPTIONS, say=said.append)
    assert chooser.weights[QUESTION] == 0
    assert any("what counts for an answer" in line for line in said)
    assert chooser.choose(["Hello", "Good day.", "Can I give milk back later?"]).text
    other = among_others(chooser, pairs, ["Bring milk back.", "Good night."])
    assert other.choose(["Can I give milk back later?"]).text == "Bring milk back."
    numbers = candidates(pairs, 0)
    assert numbers.shape == (len(pairs), 10)
    groups, targets = np.array(pairs.groups), np.array(pairs.targets)
    assert (numbers[:, 0] == np.arange(len(pairs))).all()
    assert np.mean(groups[numbers[:, 1:]] != groups[:, None]) > 0.95
    assert np.mean(targets[numbers[:, 1:]] != targets[:, None]) > 0.95
    assert chooser.weights[RECURRENCE] >= 0


def test_too_little() -> None:
    with pytest.raises(UserError, match="at least two different answers, got 1"):
        learn(Pairs(["a", "b"], ["x", "x"]), OPTIONS)
    tiny = learn(Pairs(["how are you", "good bye now"], ["fine", "bye"]), OPTIONS.replaced(steps=2))
    assert tiny.choose(["good bye"]).text == "bye"
