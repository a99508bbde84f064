"""Models and their outputs as Keras itself makes them: runs in an environment of benchmarks/interop_environments.sh,
with the Keras that is there, and imports nothing of ours.

    python interop_writers.py OUT [CASE ...]

Of each case it writes OUT/<case>.h5 (or .keras, or a SavedModel's folder) and OUT/<case>.npz: inputs x0, x1, ..., and
outputs y0, y1, ... in the order of calls; `calls` says how many calls there were.
"""

import collections
import collections.abc
import inspect
import os
import sys

import numpy as np

for _name in ("Callable", "Iterable", "Mapping", "MutableMapping", "Sequence"):
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))
if not hasattr(inspect, "getargspec"):
    _Spec = collections.namedtuple("_Spec", "args varargs keywords defaults")

    def _spec(function):
        found = inspect.getfullargspec(function)
        return _Spec(found.args, found.varargs, found.varkw, found.defaults)

    inspect.getargspec = _spec
for _name, _kind in (("bool", bool), ("int", int), ("float", float), ("object", object)):
    if not hasattr(np, _name):
        setattr(np, _name, _kind)
sys.setrecursionlimit(20000)

if os.environ.get("INTEROP_KERAS") == "tf_keras":
    import tf_keras as keras
else:
    import keras

VERSION = tuple(int(part) for part in keras.__version__.split("-")[0].split(".")[:3])
if os.environ.get("INTEROP_KERAS") == "tf_keras":
    VERSION = (2, 99, 0)
OLD = VERSION[0] == 1
layers = keras.layers
SEED = 7
T, WIDTH, H = 6, 3, 5


def rnn(kind, units=H, first=False, steps=None, **options):
    """A recurrent layer, its options in the words of this Keras."""
    if OLD:
        words = {"recurrent_activation": "inner_activation", "implementation": "consume_less"}
        options = {words.get(name, name): value for name, value in options.items()}
        if "consume_less" in options:
            options["consume_less"] = {1: "mem", 2: "gpu"}[options["consume_less"]]
        options["output_dim"] = units
    else:
        options["units"] = units
        if VERSION[0] == 3 or VERSION >= (2, 99):
            options.pop("implementation", None)
    if first:
        options["input_shape"] = (steps, WIDTH)
    return getattr(layers, kind)(**options)


def dense(units, **options):
    """A dense layer."""
    return layers.Dense(**{"output_dim" if OLD else "units": units}, **options)


def chain(*parts):
    """A sequential model."""
    model = keras.models.Sequential()
    for part in parts:
        model.add(part)
    return model


def series(seed, masked=False, batch=3, steps=T):
    """Values (B, T, WIDTH); masked: some steps are zero, at the end, at the start and inside."""
    x = np.random.RandomState(seed).randn(batch, steps, WIDTH).astype("float32")
    if masked:
        x[0, -2:] = 0
        x[1, :2] = 0
        x[2, 2] = 0
    return x


def tokens(seed):
    """Numbers (B, T), some zero."""
    x = np.random.RandomState(seed).randint(1, 9, (3, T)).astype("int32")
    x[0, -2:] = 0
    x[1, 3:] = 0
    return x


def functional(inputs, outputs):
    """A functional model."""
    words = {"input": inputs, "output": outputs} if OLD else {"inputs": inputs, "outputs": outputs}
    return keras.models.Model(**words)


def branches():
    """Two recurrent layers over one input, side by side."""
    x = layers.Input(shape=(T, WIDTH))
    a, b = rnn("LSTM")(x), rnn("GRU", go_backwards=True)(x)
    if OLD:
        from keras.layers import merge

        both = merge([a, b], mode="concat")
    else:
        both = layers.Concatenate()([a, b]) if VERSION >= (2, 0, 9) else layers.concatenate([a, b])
    return functional(x, dense(2)(both))


def encoder():
    """A decoder that begins with an encoder's states."""
    x, y = layers.Input(shape=(T, WIDTH)), layers.Input(shape=(4, WIDTH))
    _, h, c = rnn("LSTM", return_state=True)(x)
    out = rnn("LSTM", return_sequences=True)(y, initial_state=[h, c])
    return functional([x, y], layers.TimeDistributed(dense(2, activation="softmax"))(out))


def stacked():
    """A layer of two cells."""
    cells = [layers.LSTMCell(4, name="low"), layers.GRUCell(H, name="high")]
    return chain(layers.RNN(cells, return_sequences=True, input_shape=(None, WIDTH)))


def nested():
    """A model inside a model."""
    inner = chain(rnn("GRU", first=True, steps=T, return_sequences=True), dense(4, activation="tanh"))
    return chain(inner, rnn("SimpleRNN"))


def masked_between():
    """A functional model whose mask goes through layers without time, which Keras 3 writes as operations."""
    x = layers.Input(shape=(T, WIDTH))
    here = rnn("LSTM", return_sequences=True)(layers.Masking()(x))
    here = rnn("GRU", return_sequences=True)(layers.Dropout(0.1)(dense(4)(here)))
    return functional(x, layers.GlobalAveragePooling1D()(here))


def every_step():
    """A model at every step."""
    inner = chain(layers.Dense(4, activation="relu", input_shape=(WIDTH,)), layers.Dense(3))
    return chain(layers.TimeDistributed(inner, input_shape=(T, WIDTH)), rnn("LSTM"))


def twice():
    """A model inside a model, called twice."""
    inner = chain(rnn("LSTM", first=True, steps=T))
    x, y = layers.Input(shape=(T, WIDTH)), layers.Input(shape=(T, WIDTH))
    first, second = inner(x), inner(y)
    return functional([x, y], layers.Subtract()([second, first]))


def different_axes():
    """A sequence and a vector, added."""
    x = layers.Input(shape=(T, WIDTH))
    return functional(x, layers.Add()([rnn("LSTM", return_sequences=True)(x), rnn("GRU")(x)]))


S = {"return_sequences": True}
MASK = {"mask_value": 0.0, "input_shape": (T, WIDTH)}


def cases():
    """Case -> (model, inputs of each call, keep the state)."""
    embed = {"mask_zero": True}
    made = {
        "simple_rnn": lambda: chain(rnn("SimpleRNN", first=True)),
        "simple_rnn_relu": lambda: chain(rnn("SimpleRNN", first=True, activation="relu", **S)),
        "lstm": lambda: chain(rnn("LSTM", first=True, **S)),
        "lstm_hard": lambda: chain(rnn("LSTM", first=True, recurrent_activation="hard_sigmoid")),
        "lstm_sigmoid": lambda: chain(rnn("LSTM", first=True, recurrent_activation="sigmoid", implementation=2)),
        "lstm_unrolled": lambda: chain(rnn("LSTM", first=True, steps=T, unroll=True, activation="softsign", **S)),
        "gru": lambda: chain(rnn("GRU", first=True, **S)),
        "gru_fused": lambda: chain(rnn("GRU", first=True, implementation=2, activation="relu")),
        "gru_backwards": lambda: chain(rnn("GRU", first=True, go_backwards=True, **S)),
        "bidirectional": lambda: chain(layers.Bidirectional(rnn("LSTM", **S), input_shape=(T, WIDTH))),
        "bidirectional_sum": lambda: chain(
            layers.Bidirectional(rnn("GRU"), merge_mode="sum", input_shape=(T, WIDTH)), dense(2)
        ),
        "time_distributed": lambda: chain(
            rnn("LSTM", first=True, steps=T, **S), layers.TimeDistributed(dense(2, activation="softmax"))
        ),
        "norm": lambda: chain(
            layers.BatchNormalization(input_shape=(T, WIDTH)),
            rnn("GRU", **S),
            layers.Dropout(0.5),
            layers.Flatten(),
            dense(2),
        ),
        "masked": lambda: chain(layers.Masking(**MASK), rnn("LSTM", **S)),
        "masked_last": lambda: chain(layers.Masking(**MASK), rnn("GRU", **S), rnn("SimpleRNN")),
        "masked_both": lambda: chain(layers.Masking(**MASK), layers.Bidirectional(rnn("LSTM", **S), merge_mode="ave")),
        "embedding": lambda: chain(
            layers.Embedding(9, 4, input_length=T, **embed) if VERSION[0] < 3 else layers.Embedding(9, 4, **embed),
            rnn("GRU"),
            dense(3),
            layers.Activation("softmax"),
        ),
        "branches": branches,
        "stateful": lambda: chain(rnn_stateful("LSTM")),
    }
    if VERSION >= (2, 1):
        made |= {"encoder": encoder, "stacked": stacked, "nested": nested}
    if VERSION >= (2, 2):
        made |= {
            "gru_after": lambda: chain(rnn("GRU", first=True, reset_after=True, **S)),
            "gru_before": lambda: chain(rnn("GRU", first=True, reset_after=False, **S)),
        }
        made |= {"every_step": every_step, "twice": twice, "different_axes": different_axes}
        made["masked_between"] = masked_between
    if OLD:
        made["time_distributed_dense"] = lambda: chain(
            rnn("LSTM", first=True, steps=T, **S), layers.TimeDistributedDense(2)
        )
    return made


def rnn_stateful(kind):
    """A layer that goes on."""
    if VERSION[0] == 3:
        return getattr(layers, kind)(H, stateful=True, return_sequences=True)
    words = {"output_dim": H} if OLD else {"units": H}
    return getattr(layers, kind)(stateful=True, batch_input_shape=(3, T, WIDTH), return_sequences=True, **words)


def calls(name):
    """The inputs of each call."""
    if name == "embedding":
        return [[tokens(1)]]
    if name == "twice":
        return [[series(1), series(2)]]
    if name == "encoder":
        return [[series(1), series(2, steps=4)]]
    if name == "stateful":
        return [[series(1)], [series(2)]]
    return [[series(1, masked=name.startswith("masked"))]]


def main(out, wanted):
    os.makedirs(out, exist_ok=True)
    for name, make in cases().items():
        if wanted and name not in wanted:
            continue
        try:
            write(out, name, make)
            print("made", name)
        except Exception as error:
            print("FAILED", name, type(error).__name__, str(error)[:150].replace("\n", " "))


def write(out, name, make):
    """One case."""
    np.random.seed(SEED)  # noqa: NPY002
    model = make()
    inputs = calls(name)
    if VERSION[0] == 3 and not model.built:
        model(inputs[0][0])
    draw = np.random.RandomState(SEED)
    model.set_weights(
        [
            (abs(draw.randn(*w.shape)) + 0.2 if w.ndim == 1 and name == "norm" else draw.randn(*w.shape) * 0.4).astype(
                "float32"
            )
            for w in model.get_weights()
        ]
    )
    if name == "stateful":
        model.reset_states() if VERSION[0] < 3 else [layer.reset_state() for layer in model.layers]
    found = {}
    for number, each in enumerate(inputs):
        found[f"y{number}"] = np.asarray(model.predict(each if len(each) > 1 else each[0], batch_size=3))
        for k, x in enumerate(each):
            found[f"x{number}_{k}"] = x
    np.savez_compressed(os.path.join(out, name + ".npz"), **found)
    model.save(os.path.join(out, name + ".h5"))
    if VERSION[0] == 3 or VERSION >= (2, 99):
        model.save(os.path.join(out, name + ".keras"))
    if VERSION >= (2, 99) and VERSION[0] == 2:
        model.save(os.path.join(out, name + "_saved"), save_format="tf")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
