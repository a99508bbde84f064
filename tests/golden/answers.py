"""What a loaded model answers to fixed inputs: a function for each task, on the object throughtime.load returns.

Every function takes that object and the case's inputs. Texts are compared as they are, numbers within a tolerance. A
method that gets another name gets it here, and nowhere else. What a folder holds beside the model, two commands read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.tolerances import OUTPUT
from throughtime import cli

TABLE, LABELLED = "sales.csv", "reviews.csv"
"""What two commands read, beside the folders."""

Answers = dict[str, Any]

REMEDY = (
    "version 0.1.0 answered otherwise. A golden folder is not made anew: what loads it must go on answering so "
    "(python -m tests.golden.generate CASE made it, run with that version)"
)


def text(model: Any, inputs: Mapping[str, Any]) -> Answers:
    """prompts: read, each from the beginning, and continued."""
    logits, written = [], []
    for prompt in inputs["prompts"]:
        model.reset()
        logits.append(model.read(prompt))
        for options in ({"greedy": True}, {"seed": 1, "temperature": 0.8}, {"seed": 2, "top_k": 5, "top_p": 0.9}):
            written.append("".join(model.write(prompt, length=inputs["length"], **options)))
    return {"logits": np.array(logits), "written": written}


def forecast(model: Any, inputs: Mapping[str, Any]) -> Answers:
    """The series it was fitted on, and others where there are any, gone on with; also beyond the horizon."""
    found = {"own": model.predict()}
    if inputs["series"] is not None:
        others = [np.array(values, np.float64) for values in inputs["series"]]
        found |= {"others": model.predict(others), "by_name": model.predict(others, inputs["ids"])}
        if inputs["steps"] is not None:
            found["beyond"] = model.predict(others, steps=inputs["steps"], seed=3)
    return found


def classify(model: Any, inputs: Mapping[str, Any]) -> Answers:
    """texts: labelled, by all together, by the recurrence and by each linear model; followed where it streams."""
    texts = inputs["texts"]
    found = {
        "classes": model.classes,
        "labels": model.predict(texts),
        "probabilities": model.predict_probabilities(texts),
        "recurrence": model.recurrence(texts),
        "linear": {name: one.log_probabilities(texts) for name, one in sorted(model.linear.items())},
    }
    if model.threshold is not None:
        found["sure"] = model.predict(texts, sure=True)
    if inputs["stream"]:
        stream = model.stream()
        found["stream"] = np.array([*(stream.feed(part) for part in inputs["stream"]), stream.close()])
    return found


def _of_format_1(tagging: dict[str, Any]) -> dict[str, Any]:
    """Without what came later: the text, and the spans' places in it."""
    spans = [{k: v for k, v in span.items() if k not in ("start_char", "end_char")} for span in tagging["spans"]]
    return {**{k: v for k, v in tagging.items() if k != "text"}, "spans": spans}


def tag(model: Any, inputs: Mapping[str, Any]) -> Answers:
    """texts, and sentences that are cut into tokens: understood; the intents by each linear model."""
    both = [*inputs["texts"], *inputs["tokens"]]
    found: Answers = {"tagged": [_of_format_1(one.to_json()) for one in model.tag(both)]}
    found["linear"] = {name: one.log_probabilities(inputs["texts"]) for name, one in sorted(model.linear.items())}
    if model.intents and model.threshold is not None:
        found["scope"] = [str(one.intent) for one in model.tag(both, scope=True)]
    return found


def command(*arguments: str) -> Any:
    """What a command prints with --json."""
    with redirect_stdout(StringIO()) as out:
        assert cli.invoke([*arguments, "--json"]) == 0
    return json.loads(out.getvalue())


def table(folder: Path) -> Any:
    """What `throughtime run` forecasts after the end of the dated table, an object for each series."""
    with TemporaryDirectory() as place:
        files = ["--csv", f"{place}/forecast.csv", "--plot", f"{place}/forecast.png"]
        return command("run", str(folder), str(folder.with_name(TABLE)), *files)["forecasts"]


def scores(folder: Path) -> Any:
    """What `throughtime evaluate` says of labelled texts, some of which were learned from."""
    found = command("evaluate", str(folder), str(folder.with_name(LABELLED)))
    alone = {name: found["recurrence"][name] for name in ("accuracy", "linear_accuracy")}
    return {**{name: found[name] for name in ("texts", "accuracy", "macro_f1", "unseen")}, "recurrence": alone}


ANSWERS: dict[str, Callable[[Any, Mapping[str, Any]], Answers]] = {
    "text": text,
    "forecast": forecast,
    "classify": classify,
    "tag": tag,
}
"""Of each task."""


def check(found: Any, expected: Any, place: str, tolerance: float = OUTPUT["float32"]) -> None:
    """Whether answers are those that were expected: numbers to a tolerance, all else as it is.

    tolerance: for numbers up to one in size, of larger ones this share of the largest in their array.
    """
    if isinstance(expected, dict):
        assert isinstance(found, dict), f"{place}: expected an object; {REMEDY}"
        assert found.keys() == expected.keys(), f"{place}: {REMEDY}"
        for name, value in expected.items():
            check(found[name], value, f"{place}, {name}", tolerance)
    elif isinstance(found, np.ndarray):
        numbers = np.array(expected, np.float64)
        assert found.shape == numbers.shape, f"{place}: {REMEDY}"
        distance, largest = np.abs(found - numbers).max(initial=0.0), np.abs(numbers).max(initial=1.0)
        assert distance <= tolerance * largest, f"{place}: {distance:.2g} away, numbers up to {largest:.3g}; {REMEDY}"
    elif isinstance(expected, float):
        check(np.array(found), expected, place, tolerance)
    elif isinstance(expected, list):
        assert isinstance(found, list), f"{place}: expected a list; {REMEDY}"
        assert len(found) == len(expected), f"{place}: {REMEDY}"
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            check(one, other, f"{place}, {number}", tolerance)
    else:
        assert found == expected, f"{place}: {found!r} in place of {expected!r}; {REMEDY}"
