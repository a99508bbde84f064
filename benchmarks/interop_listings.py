"""The two listings of the introductions, trained in the Keras that is there: runs in an environment of
benchmarks/interop_environments.sh and imports nothing of ours.

    python interop_listings.py OUT

Of each it writes OUT/<name>.keras, or .h5 with tf-keras, and OUT/<name>.npz with inputs x0 and Keras's own outputs y0;
of the text also OUT/characters.json.
"""

import codecs
import json
import os
import sys
from pathlib import Path

import numpy as np

if os.environ.get("INTEROP_KERAS") == "tf_keras":
    import tf_keras as keras
else:
    import keras
layers = keras.layers
SUFFIX = ".h5" if os.environ.get("INTEROP_KERAS") == "tf_keras" else ".keras"


def text(out):
    """Embedding, LSTM, Dense softmax: the next character."""
    import this

    words = codecs.decode(this.s, "rot13")
    numbers = {character: n for n, character in enumerate(sorted(set(words)))}
    ids = np.array([numbers[character] for character in words])
    x = np.stack([ids[k : k + 20] for k in range(len(ids) - 20)])
    model = keras.models.Sequential(
        [layers.Embedding(len(numbers), 16), layers.LSTM(64), layers.Dense(len(numbers), activation="softmax")]
    )
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(0.01))
    model.fit(x, ids[20:], epochs=12, batch_size=32, verbose=0)
    (out / "characters.json").write_text(json.dumps(numbers))
    return model, x[:32]


def series(out):
    """LSTM returning sequences, TimeDistributed(Dense): the next value at every step."""
    t = np.arange(30)[None] * 0.3 + np.random.RandomState(1).rand(200, 1) * 6
    wave = np.sin(t)[..., None].astype("float32")
    model = keras.models.Sequential(
        [layers.Input((None, 1)), layers.LSTM(32, return_sequences=True), layers.TimeDistributed(layers.Dense(1))]
    )
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(0.01))
    model.fit(wave[:, :-1], wave[:, 1:], epochs=20, batch_size=32, verbose=0)
    return model, wave[:8, :-1]


def main(out):
    keras.utils.set_random_seed(7)
    for make in (text, series):
        model, x = make(out)
        np.savez(out / f"{make.__name__}.npz", x0=x, y0=np.asarray(model.predict(x, verbose=0)))
        model.save(str(out / f"{make.__name__}{SUFFIX}"))
    print("FOUND " + json.dumps(keras.__version__))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
