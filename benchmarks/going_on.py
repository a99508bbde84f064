"""Training on with new data against training anew: chn, forecast; which rate and how long: rates.

    python -m benchmarks.going_on chn | forecast | rates [SEED] [--steps N]

chn: ChnSentiCorp, 1,000 labels, then 1,000 more, against both at once, scored on dev.tsv, with the interval of the
difference. forecast: Beijing's air, five sixths of what is learned, then all of it, against all anew, on the same
last tenth. rates: both, and the rates and times of tasks/earlier.py varied, on validation parts alone; the trainings
beside are done once. --steps: a training this short, to see that the command works.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.series_data import file
from throughtime import Classifier, Forecaster
from throughtime.data.labelled import Texts, read_texts
from throughtime.tasks import earlier

QUIET = "--quiet" in sys.argv
FEW: dict[str, Any] = {"steps": int(sys.argv[sys.argv.index("--steps") + 1])} if "--steps" in sys.argv else {}

Figures = dict[str, Any]

RATES, TIMES = (1.0, 0.3, 0.1), (0.5, 1 / 3, 0.15)


def written(texts: Texts, path: Path) -> str:
    """A file of labels and texts, so that a later training can read them again."""
    lines = (f"{label}\t{' '.join(text.split())}" for text, label in zip(texts.texts, texts.labels, strict=True))
    path.write_text("\n".join(["label\ttext_a", *lines]) + "\n", "utf-8")
    return str(path)


def timed(fit: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    return fit(), time.perf_counter() - began


def right(model: Classifier, test: Texts) -> np.ndarray:
    return np.array([a == b for (a, _), b in zip(model.fitted().label(test.texts), test.labels, strict=True)])


def apart(one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """The 90 % interval of the mean difference of paired scores."""
    rng = np.random.default_rng(0)
    differences = one.astype(float) - two
    means = [differences[rng.integers(0, len(differences), len(differences))].mean() for _ in range(2000)]
    low, high = np.quantile(means, [0.05, 0.95])
    return float(low), float(high)


def chn_set(folder: Path, seed: int, validating: bool) -> Callable[[], list[Figures]]:
    """1,000 reviews, then 1,000 more: what trains on and compares. The two trainings beside it are done once, here."""
    train = read_texts(file("ChnSentiCorp-split", "train.tsv"))
    learned, held = train.split(0.1, seed)
    test = held if validating else read_texts(file("ChnSentiCorp-split", "dev.tsv"), keep_empty=True)
    order = np.random.default_rng(seed).permutation(len(learned))
    first, second = learned.take(order[:1000]), learned.take(order[1000:2000])
    one, two = written(first, folder / "first.tsv"), written(second, folder / "second.tsv")
    both = written(first.joined(second), folder / "both.tsv")
    Classifier(seed=seed, **FEW).fit(Path(one), out=folder / "old", quiet=QUIET)
    anew, all_seconds = timed(lambda: Classifier(seed=seed, **FEW).fit(Path(both), quiet=QUIET))
    theirs = right(anew, test)
    go_on: dict[str, Any] = {"out": folder / "new", "start": folder / "old", "force": True, "quiet": QUIET}

    def again() -> list[Figures]:
        new, seconds = timed(lambda: Classifier(seed=seed, **FEW).fit(Path(two), **go_on))
        ours, told = right(new, test), new.record.start.sentence
        low, high = apart(ours, theirs)
        return [
            {"what": "1,000, then 1,000 more", "accuracy": float(ours.mean()), "seconds": seconds, "start": told},
            {"what": "2,000 at once", "accuracy": float(theirs.mean()), "seconds": all_seconds},
            {"what": "difference", "low": low, "high": high, "time share": seconds / all_seconds},
        ]

    return again


def forecast_set(folder: Path, seed: int, validating: bool) -> Callable[[], list[Figures]]:
    """Beijing's air: the learning part but for its last sixth, then all of it; as chn_set."""
    from throughtime.data.reading import Reading
    from throughtime.data.series import read

    panel = read(file("beijing-air", "pollution.csv"), Reading(target=("pm2.5",)))
    if validating:  # the last tenth is for the score alone
        panel = panel.head([int(0.9 * len(one)) for one in panel.values])
    options: Figures = {"horizon": 24, "holdout": 0.1, "seconds": 0.0, "seed": seed, **FEW}
    some = panel.head([int(0.9 * len(one) / 1.2) for one in panel.values])
    Forecaster(**{**options, "holdout": 0.0}).fit(some, out=folder / "old", quiet=QUIET)
    anew, all_seconds = timed(lambda: Forecaster(**options).fit(panel, quiet=QUIET))
    theirs = anew.evaluate(seconds=0.0)
    go_on: dict[str, Any] = {"out": folder / "new", "start": folder / "old", "force": True, "quiet": QUIET}

    def again() -> list[Figures]:
        new, seconds = timed(lambda: Forecaster(**options).fit(panel, **go_on))
        ours, told = new.evaluate(seconds=0.0), new.record.start.sentence
        return [
            {"what": "with a fifth more, trained on", "mae": ours["mae"], "seconds": seconds, "start": told},
            {"what": "all of it, trained anew", "mae": theirs["mae"], "seconds": all_seconds},
            {"what": "ratio", "mae": ours["mae"] / theirs["mae"], "time share": seconds / all_seconds},
        ]

    return again


def chn(seed: int) -> list[Figures]:
    """Of ChnSentiCorp, on dev.tsv."""
    with TemporaryDirectory() as place:
        return chn_set(Path(place), seed, False)()


def forecast(seed: int) -> list[Figures]:
    """Of Beijing's air, on its last tenth."""
    with TemporaryDirectory() as place:
        return forecast_set(Path(place), seed, False)()


def rates(seed: int) -> list[Figures]:
    """Highest rates and times, as shares of the usual ones, on validation parts."""
    found = []
    for name, made in (("chn", chn_set), ("forecast", forecast_set)):
        with TemporaryDirectory() as place:
            again = made(Path(place), seed, True)
            for rate in RATES:
                for share in TIMES:
                    earlier.RATE, earlier.TIME = rate, share
                    found += [{"task": name, "rate": rate, "time": share, **one} for one in again()]
    return found


SETS: dict[str, Callable[[int], list[dict[str, Any]]]] = {"chn": chn, "forecast": forecast, "rates": rates}


def main() -> None:
    given = [one for one in sys.argv[1:] if not one.startswith("-")]
    if not given or given[0] not in SETS:
        raise SystemExit(f"benchmarks.going_on: expected one of {', '.join(SETS)}")
    seed = int(given[1]) if len(given) > 1 and "--steps" not in sys.argv else 0
    timing.report(f"going_on_{given[0]}_{seed}", SETS[given[0]](seed))


if __name__ == "__main__":
    main()
