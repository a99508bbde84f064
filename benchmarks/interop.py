"""Models of other people and of the Kerases themselves, imported: what opens, what is refused, and the largest error.

python -m benchmarks.interop files              THROUGHTIME_DATA/keras-files: stored outputs, SavedModels bit for bit
python -m benchmarks.interop writers DIR/out    models of benchmarks/interop_environments.sh and their own outputs
python -m benchmarks.interop back DIR           models of tests/interop/fixtures as .keras and .h5, read by Keras itself
python -m benchmarks.interop listings DIR       the introductions' two listings, trained there, imported and run here
"""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from throughtime import load
from throughtime.cli import invoke
from throughtime.errors import UserError
from throughtime.interop.convert import convert
from throughtime.interop.keras.check import write
from throughtime.interop.keras.source import read
from throughtime.interop.run import Past

DATA = Path(os.environ.get("THROUGHTIME_DATA", "../shared/data")) / "keras-files"
HERE = Path(__file__).parent
FIXTURES = HERE.parent / "tests" / "interop" / "fixtures"
SAFE = {"_reconstruct", "ndarray", "dtype", "_frombuffer"}


class _Variable:
    """What stands for functools.partial(ResourceVariable, initial_value=...): called, it is that array."""

    def __init__(self, *_: Any) -> None:
        self._values: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self._values = dict(state[2])

    def __call__(self, *_: Any) -> Any:
        return self._values["initial_value"]


class _ArraysOnly(pickle.Unpickler):
    """Reads arrays that NumPy pickled, alone or as TensorFlow's variables, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name in ("partial", "ResourceVariable"):
            return _Variable
        if name == "as_dtype":
            return str
        if module.split(".")[0] == "numpy" and name in SAFE:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise ValueError(f"{module}.{name} is no array")


def _pickled(path: Path) -> list[np.ndarray]:
    file = io.BytesIO(path.read_bytes())
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    return list(_ArraysOnly(file).load())


def _stored(path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Inputs and what the model answered to them; without answers (a file may hold targets alone) none."""
    import h5py

    with h5py.File(path) as file:
        inputs = [np.array(one) for one in file["inputs"].values()]
        return inputs, [np.array(one) for one in file.get("predictions", {}).values()]


def files() -> None:
    """The second truth: files of other people."""
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not there; set THROUGHTIME_DATA")
        return
    count: Counter[str] = Counter()
    paths = [p for p in sorted(DATA.rglob("*")) if p.suffix in (".h5", ".hdf5", ".zip") and "inputs_and" not in p.name]
    for path in [*paths, *sorted((DATA / "unicode" / "Models").iterdir())]:
        config = path.with_name(path.name.replace("_weights.h5", "_config.json"))
        given = config if config != path and config.exists() else None
        try:
            conversion = convert(path, given)
        except UserError as error:
            count["refused"] += 1
            print(f"refused  {str(error)[len(str(path)) - len(path.name) :][:150]}")
            continue
        count["opened"] += 1
        count["proven"] += conversion.proof().good
        outputs = path.with_name(path.stem.removesuffix("_model").removesuffix("_weights") + "_inputs_and_outputs.h5")
        if outputs.exists() and path.suffix == ".h5":
            inputs, wanted = _stored(outputs)
            if not wanted:
                continue
            error_ = float(np.abs(conversion.model.predict(*inputs) - wanted[0]).max())
            count["outputs met to 1e-5" if error_ <= 1e-5 else "outputs missed"] += 1
            print(f"outputs  {path.name}: {error_:.1e}")
        if (path / "weights.npy").exists():
            mine = [one for each in read(path).arrays.values() for one in each]
            theirs = _pickled(path / "weights.npy")
            same = len(mine) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
            count["SavedModels bit for bit" if same else "SavedModels that differ"] += 1
    print(dict(count))


def writers(out: Path) -> None:
    """The first truth: what each Keras computed of its own models."""
    count: Counter[str] = Counter()
    for arrays in sorted(out.rglob("*.npz")):
        saved = np.load(arrays)
        for path in (arrays.with_suffix(".h5"), arrays.with_suffix(".keras"), arrays.parent / f"{arrays.stem}_saved"):
            if not path.exists():
                continue
            count["models"] += 1
            try:
                model, past = convert(path).model, Past() if arrays.stem == "stateful" else None
            except UserError as error:
                count["refused"] += 1
                print(f"refused  {path.parent.name}/{str(error)[len(str(path.parent)) + 1 :][:150]}")
                continue
            worst = 0.0
            for n in range(sum(name.startswith("y") for name in saved.files)):
                inputs = [saved[name] for name in sorted(saved.files) if name.startswith(f"x{n}_")]
                worst = max(worst, float(np.abs(model.predict(*inputs, past=past) - saved[f"y{n}"]).max()))
            count["met to 1e-5" if worst <= 1e-5 else "WRONG"] += 1
            if not worst <= 1e-5:
                print(f"WRONG    {path.parent.name}/{path.name}: {worst:.1e}")
    print(dict(count))


def _asked(environments: Path, script: str, *arguments: str, old: bool = False) -> Any:
    """What a script says with Keras 3, or with tf-keras, in their environment."""
    keras = {"INTEROP_KERAS": "tf_keras", "TF_USE_LEGACY_KERAS": "1"} if old else {"KERAS_BACKEND": "tensorflow"}
    command = [str(environments / "tf" / "bin" / "python"), "-W", "ignore", str(HERE / script), *arguments]
    done = subprocess.run(
        command, env={**os.environ, **keras, "TF_CPP_MIN_LOG_LEVEL": "3"}, capture_output=True, text=True, check=False
    )
    found = next((line for line in done.stdout.splitlines() if line.startswith("FOUND ")), None)
    if found is None:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(found.removeprefix("FOUND "))


def back(environments: Path) -> None:
    """Models of every Keras, written here as .keras and .h5, as Keras 3 and tf-keras compute them."""
    with tempfile.TemporaryDirectory() as folder:
        out, refused = Path(folder), 0
        for arrays in sorted(FIXTURES.glob("*.npz")):
            name = arrays.name.removesuffix(".npz")
            there = (FIXTURES / f"{name}.h5", FIXTURES / f"{name}.keras", FIXTURES / name)
            model = convert(next(path for path in there if path.exists())).model
            with np.load(arrays) as saved:
                inputs = {f"x{k}": saved[n] for k, n in enumerate(n for n in saved.files if n.startswith("x0_"))}
            plain = out / name.replace(".", "_")
            np.savez(plain.with_suffix(".npz"), **inputs, y=model.predict(*inputs.values()))
            for suffix in (".keras", ".h5"):
                try:
                    write(model, plain.with_suffix(suffix))
                except UserError as error:
                    refused += 1
                    print(f"refused  {name}{suffix}: {str(error)[:150]}")
        for suffix, old in ((".keras", False), (".h5", False), (".h5", True)):
            found = _asked(environments, "interop_read_back.py", folder, suffix, old=old)
            wrong = {n: e for n, e in found.items() if isinstance(e, str) or not e <= 1e-5}
            worst = max((e for e in found.values() if not isinstance(e, str)), default=0.0)
            print(f"{suffix} in {'tf-keras' if old else 'Keras 3'}: {len(found)} files, error {worst:.1e}, {wrong}")


def listings(environments: Path) -> None:
    """The two listings, trained in Keras 3 and in tf-keras, imported by the command, held against Keras's outputs, and
    then at work here: a text that goes on, a forecast of the next values."""
    for old in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            version = _asked(environments, "interop_listings.py", folder, old=old)
            for name in ("text", "series"):
                file = next(one for one in out.glob(f"{name}.*") if one.suffix != ".npz")
                with np.load(out / f"{name}.npz") as saved:
                    x, y = saved["x0"], saved["y0"]
                command = [
                    "import",
                    str(file),
                    "--out",
                    str(out / name),
                    "--inputs",
                    str(out / f"{name}.npz"),
                    "--json",
                ]
                with redirect_stdout(io.StringIO()):
                    status = invoke(command)
                model = load(out / name)
                error = float(np.abs(model.predict(x) - y).max())
                print(
                    f"Keras {version}, {file.name}: import ended with {status}, largest error {error:.1e}", flush=True
                )
                if name == "text":
                    how = ["--characters", str(out / "characters.json"), "--length", "200", "--temperature", "0.5"]
                    invoke(["run", str(out / name), "Beautiful is better ", *how, "--window", "20"])
                else:
                    np.savetxt(out / "x.csv", np.sin(np.arange(29) * 0.3))
                    with redirect_stdout(io.StringIO()) as said:
                        invoke(["run", str(out / name), str(out / "x.csv")])
                    print("next", said.getvalue().split()[-1], "true", f"{np.sin(29 * 0.3):.4f}")


if __name__ == "__main__":
    verb = sys.argv[1:2]
    if verb == ["writers"]:
        writers(Path(sys.argv[2]))
    elif verb == ["back"]:
        back(Path(sys.argv[2]))
    elif verb == ["listings"]:
        listings(Path(sys.argv[2]))
    else:
        files()
