"""ONNX files as Keras 3 and tf2onnx write them, and what the model gave: runs in an environment of
benchmarks/interop_environments.sh (with tf2onnx 1.17 and onnx), and imports nothing of ours.

    python interop_onnx_writers.py OUT [CASE ...]        INTEROP_KERAS=tf_keras: tf-keras by tf2onnx, else Keras 3
"""

import os
import sys

import numpy as np

TF_KERAS = os.environ.get("INTEROP_KERAS") == "tf_keras"
if TF_KERAS:
    import tf_keras as keras
else:
    import keras

layers = keras.layers
S = {"return_sequences": True}
WIDTH, H = 3, 5


def start(*shape, **options):
    """An input layer."""
    return layers.InputLayer(shape, **options) if TF_KERAS else layers.Input(shape, **options)


def cases():
    """Case -> its layers."""
    numbers, tokens = start(None, WIDTH), start(None, dtype="int32")
    head = layers.Dense(2)
    return {
        "embedding_lstm": [tokens, layers.Embedding(9, 4), layers.LSTM(H), head],
        "embedding_gru": [tokens, layers.Embedding(9, 4), layers.GRU(H), head],
        "embedding_masked": [tokens, layers.Embedding(9, 4, mask_zero=True), layers.LSTM(H), head],
        "embedding_mean": [tokens, layers.Embedding(9, 4), layers.GlobalAveragePooling1D(), head],
        "gru": [numbers, layers.GRU(H, **S), head],
        "gru_before": [numbers, layers.GRU(H, reset_after=False), head],
        "gru_twice": [numbers, layers.GRU(H, **S), layers.GRU(4), head],
        "gru_backwards": [numbers, layers.GRU(H, go_backwards=True, **S), head],
        "gru_both": [numbers, layers.Bidirectional(layers.GRU(H, **S)), head],
        "rnn": [numbers, layers.SimpleRNN(H, **S), head],
        "rnn_last": [numbers, layers.SimpleRNN(H), head],
        "lstm_both": [numbers, layers.Bidirectional(layers.LSTM(H, **S)), head],
        "lstm_hard": [numbers, layers.LSTM(H, recurrent_activation="hard_sigmoid"), head],
        "lstm_norm": [numbers, layers.LSTM(H, **S), layers.BatchNormalization(), layers.GlobalMaxPooling1D(), head],
        "lstm_every_step": [numbers, layers.LSTM(H, **S), layers.TimeDistributed(layers.Dense(2))],
    }


def main(out, wanted):
    os.makedirs(out, exist_ok=True)
    for name in wanted or cases():
        model = keras.Sequential(cases()[name])
        draw = np.random.RandomState(7)
        model.set_weights(
            [(draw.randn(*w.shape) * 0.4).astype("float32") ** (1 + (w.ndim == 1)) for w in model.get_weights()]
        )
        x = draw.randint(0, 9, (3, 7)).astype("int32") if "embedding" in name else draw.randn(3, 7, WIDTH)
        x = x if x.dtype == np.int32 else x.astype("float32")
        np.savez_compressed(os.path.join(out, name + ".npz"), x0=x, y0=model.predict(x, verbose=0))
        path = os.path.join(out, name + ".onnx")
        if TF_KERAS:
            import tensorflow
            import tf2onnx

            given = [tensorflow.TensorSpec(one.shape, one.dtype) for one in model.inputs]
            tf2onnx.convert.from_keras(model, input_signature=given, opset=17, output_path=path)
        else:
            model.export(path, format="onnx", verbose=False)
        print("made", name)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
