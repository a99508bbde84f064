"""100,000 short texts labelled by the command, on two cores: seconds and peak memory; and a word as it arrives.

    python -m benchmarks.labelling

The model is the classifier as it comes (one member, naive-Bayes features, weights for linear models), trained for an
epoch on SST-2; the texts are the sentences of MR, over and over, 21 words on average.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import timing
from benchmarks.series_data import file
from throughtime import Classifier, load
from throughtime.data.labelled import read_texts

COUNT = 100_000


def main() -> None:
    learned = read_texts(file("sst-mr-cr-subj-trec", "stsa.binary.train"), encoding="latin-1", format="lines")
    texts = read_texts(file("sst-mr-cr-subj-trec", "rt-polarity.all"), encoding="latin-1", format="lines").texts
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as place:
        folder = Path(place)
        for name, options in (("both directions", {}), ("forward", {"bidirectional": False})):
            Classifier(**options).fit(learned, out=folder / name, epochs=1)
            source, out = folder / "texts.txt", folder / "labels.csv"
            source.write_text("".join(f"{texts[i % len(texts)]}\n" for i in range(COUNT)), encoding="utf-8")
            command = [sys.executable, "-m", "throughtime", "run", str(folder / name), "--file", str(source)]
            began = time.perf_counter()
            subprocess.run([*command, "--out", str(out)], check=True)
            seconds = time.perf_counter() - began
            answers = out.read_text(encoding="utf-8").splitlines()[1:]
            model = load(folder / name)
            some = list(model.label(texts[:200]))
            same = all(a.split(",")[0] == label for a, (label, _) in zip(answers, some, strict=False))
            if len(answers) != COUNT or not same:
                raise SystemExit("benchmarks.labelling: the command and the model do not answer alike")
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
            entry = {
                "what": name,
                "seconds": seconds,
                "texts/s": COUNT / seconds,
                "peak memory, GiB": peak,
                "us a word": "",
            }
            if name == "forward":
                stream = model.stream()
                words = " ".join(texts[:100]).split()
                began = time.perf_counter()
                for word in words[:500]:
                    stream.feed(word + " ")
                entry["us a word"] = (time.perf_counter() - began) / 500 * 1e6
            rows.append(entry)
    timing.report("labelling", rows)


if __name__ == "__main__":
    main()
