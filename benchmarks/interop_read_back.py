"""Files that throughtime wrote, read by the Keras that is there: runs in an environment of
benchmarks/interop_environments.sh and imports nothing of ours.

    python interop_read_back.py DIR SUFFIX

Prints one JSON object: file -> largest difference from the outputs beside it, or what Keras said.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

if os.environ.get("INTEROP_KERAS") == "tf_keras":
    import tf_keras as keras
else:
    import keras


def main(folder, suffix):
    found = {}
    for file in sorted(Path(folder).glob("*" + suffix)):
        try:
            model = keras.models.load_model(file, compile=False)
            with np.load(file.with_suffix(".npz")) as arrays:
                inputs = [arrays[name] for name in sorted(arrays.files) if name.startswith("x")]
                wanted = arrays["y"]
            # a batch whose masks a fused kernel does not take goes another way there, as in training
            output = np.asarray(model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0))
            found[file.name] = float(np.abs(output - wanted).max())
        except Exception as error:
            found[file.name] = type(error).__name__ + " " + " ".join(str(error).split())[:300]
    print("FOUND " + json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
