"""Does an installed throughtime work on its own? Run by `make wheel`, by cibuildwheel and by tests/test_install.py.

    python smoke_test.py [MODEL WRITTEN]

To be run by the Python of an environment that holds throughtime and what it needs, and no torch. It makes a model,
saves, loads, steps and writes with it, runs the commands, and prints the sizes of what is installed. MODEL, a trained
model's folder, must also write the text in the file WRITTEN. Exit status 0, or 1 with one line that says what failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from importlib import metadata, util
from pathlib import Path

OWN_MB = 12
"""The most that throughtime itself may take when installed, bytecode included."""

TEXT = "the quick brown fox jumps over the lazy dog. "
INSTALLERS = {"pip", "setuptools", "wheel"}


def require(condition: bool, what: str) -> None:
    if not condition:
        raise SystemExit(f"smoke test: {what}")


def check_the_place() -> None:
    import throughtime

    require(util.find_spec("torch") is None, "this environment has torch; the test is about being without")
    source = Path(__file__).resolve().parents[1] / "src"
    require(source not in Path(throughtime.__file__).resolve().parents, "this is the source tree, not an installation")


def make_model(folder: Path) -> None:
    """An untrained model, made without torch: an LSTM under a GRU."""
    import numpy as np

    from throughtime.cells import make
    from throughtime.data import tokenizers
    from throughtime.storage import folder as files
    from throughtime.storage.record import ModelRecord, Nothing
    from throughtime.tasks.text.data import TextData
    from throughtime.tasks.text.model import LanguageConfig, initial_parameters
    from throughtime.tasks.text.options import TextOptions

    tokenizer = tokenizers.fit("characters", TEXT, size=None)
    cells = [make("lstm").trace(), make("gru").trace()]
    config = LanguageConfig.stack(tokenizer.size, 8, cells, 33)
    files.write_json(folder / files.TOKENIZER, tokenizer.to_json())
    files.write_weights(folder / files.WEIGHTS, initial_parameters(config, np.random.default_rng(0)))
    ModelRecord("text", config, TextOptions(), TextData(), Nothing(), config.count).write(folder)


def check_the_model(folder: Path) -> None:
    """Single steps agree with the whole sequence in NumPy; the same seed writes the same text."""
    import numpy as np

    import throughtime
    from throughtime.models.ops_numpy import NumpyOps
    from throughtime.tasks.text.model import forward

    model = throughtime.load(folder)
    ids = model.tokenizer.encode(TEXT)
    stepped = np.stack([model.step(int(token)) for token in ids])
    whole, _ = forward(NumpyOps(1), model.config, model.parameters, np.asarray(ids)[:, None], None)
    require(bool(np.allclose(stepped, whole[:, 0], atol=1e-5)), "single steps and the whole sequence differ")
    one, two = ("".join(model.write("the ", length=50, seed=3)) for _ in range(2))
    require(len(one) == 50 and one == two, f"the same seed wrote {one!r} and {two!r}")


def check_training_says_what_it_needs() -> None:
    import throughtime

    try:
        throughtime.LanguageModel().fit(TEXT * 50, steps=1)
    except ValueError as error:
        require("[train]'" in str(error), f"training without torch said: {error}")
    else:
        require(False, "training without torch did not fail")


def check_the_commands(folder: Path) -> None:
    command = Path(sysconfig.get_path("scripts")) / "throughtime"
    calls = {"run": ["run", str(folder), "the ", "--length", "20", "--seed", "1", "--json"], "doctor": ["doctor"]}
    for name, arguments in calls.items():
        done = subprocess.run([command, *arguments], capture_output=True, text=True)
        require(done.returncode == 0, f"throughtime {name}: exit status {done.returncode}: {done.stdout}{done.stderr}")
        if name == "doctor":
            print(done.stdout)
        else:
            json.loads(done.stdout)


def check_a_trained_model(folder: Path, written: Path) -> None:
    import throughtime

    text, expected = "".join(throughtime.load(folder).write("The ", length=50, seed=3)), written.read_text("utf-8")
    require(text == expected, f"{folder} wrote {text!r}, expected {expected!r}")


def check_the_sizes() -> None:
    """Megabytes (10^6 bytes) of each installed package; the bytecode that pip compiles is counted apart."""
    sizes = {}
    for package in metadata.distributions():
        name = package.metadata["Name"]
        files = [Path(str(file.locate())) for file in package.files or []]
        bytecode = sum(f.stat().st_size for f in files if f.suffix == ".pyc" and f.exists())
        sizes[name] = (sum(f.stat().st_size for f in files if f.exists()) - bytecode, bytecode)
    sizes = {name: size for name, size in sizes.items() if name not in INSTALLERS}
    print(f"{'installed':<20} {'MB':>6} {'bytecode':>9}")
    for name, (own, bytecode) in sorted(sizes.items(), key=lambda item: -sum(item[1])):
        print(f"{name:<20} {own / 1e6:6.1f} {bytecode / 1e6:9.1f}")
    for name, some in {"all": sizes, "all but NumPy": {n: s for n, s in sizes.items() if n != "numpy"}}.items():
        own, bytecode = (sum(size[i] for size in some.values()) for i in (0, 1))
        print(f"{name:<20} {own / 1e6:6.1f} {bytecode / 1e6:9.1f}")
    require(sum(sizes["throughtime"]) < OWN_MB * 1e6, f"throughtime takes more than {OWN_MB} MB")


def main(arguments: list[str]) -> None:
    check_the_place()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        make_model(folder)
        check_the_model(folder)
        check_the_commands(folder)
    check_training_says_what_it_needs()
    if arguments:
        check_a_trained_model(*map(Path, arguments))
    require("torch" not in sys.modules, "torch was imported")
    check_the_sizes()
    print("the smoke test passed")


if __name__ == "__main__":
    main(sys.argv[1:])
