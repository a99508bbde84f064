"""What seqeval says of random sentences, frozen for test_tag_metrics.py, so that no test needs seqeval.

Run with seqeval 1.2.2 installed, which comes as source only, in an environment of its own:

    python -m venv /tmp/seqeval && /tmp/seqeval/bin/pip install seqeval==1.2.2
    /tmp/seqeval/bin/python tests/tasks/seqeval_values.py

It writes seqeval_values.json beside itself: versions, seed, and for each document its true and predicted sentences,
tags with spaces between, their spans by `get_entities`, and precision, recall, F1 and support by
`precision_recall_fscore_support`, micro and of each type. The first document has every pair of tags.
"""

from __future__ import annotations

import json
import platform
import random
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")
SEED = 0
DOCUMENTS = 120
TAGS = ["O", "B", "I", "E", "S", *(f"{part}-{kind}" for part in "BIES" for kind in ("x", "y", "a-b"))]
TYPICAL = ["O", "B-x", "I-x", "B-y", "I-y"]


def documents(rng: random.Random) -> list[tuple[list[list[str]], list[list[str]]]]:
    """True and predicted sentences; of the random ones every third document has only the tags that are usual."""
    truths = [[[tag for other in TAGS for tag in (one, other)] for one in TAGS]]
    for number in range(DOCUMENTS):
        tags = TYPICAL if number % 3 == 2 else TAGS
        truths.append([[rng.choice(tags) for _ in range(rng.randint(0, 9))] for _ in range(rng.randint(1, 5))])
        truths[-1].append(["B-x"])  # seqeval fails where there is no span at all
    return [(truth, [[rng.choice([tag, "O", "B-x", "I-y"]) for tag in tags] for tags in truth]) for truth in truths]


def judged(truth: list[list[str]], predicted: list[list[str]]) -> dict[str, Any]:
    """A document with seqeval's spans and scores."""
    from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support

    both = {"truth": truth, "predicted": predicted}
    spans = {name: [get_entities(tags) for tags in sentences] for name, sentences in both.items()}
    names = sorted({kind for sentences in spans.values() for found in sentences for kind, _, _ in found})
    micro = precision_recall_fscore_support(truth, predicted, average="micro", zero_division=0)
    each = precision_recall_fscore_support(truth, predicted, average=None, zero_division=0)
    return {
        **{name: [" ".join(tags) for tags in sentences] for name, sentences in both.items()},
        "spans": spans,
        "micro": [float(value) for value in micro],
        "types": dict(zip(names, zip(*(values.tolist() for values in each), strict=True), strict=True)),
    }


def main() -> None:
    """Write the file."""
    assert version("seqeval") == "1.2.2", "the frozen values are those of seqeval 1.2.2"
    given = documents(random.Random(SEED))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tags without a type
        lines = [json.dumps(judged(*document)) for document in given]
    about = {"seqeval": version("seqeval"), "python": platform.python_version(), "seed": SEED}
    FILE.write_text(f'{{"from": {json.dumps(about)}, "documents": [\n' + ",\n".join(lines) + "\n]}\n", "utf-8")


if __name__ == "__main__":
    main()
