"""A layer as Keras's config describes it, whatever the version that wrote it."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass

from throughtime.errors import UserError
from throughtime.interop.functions import Function
from throughtime.options import Json

_DEEPEST = 20


@dataclass(frozen=True)
class Writer:
    """What wrote a file. version: (2, 2, 4), empty where it is not known. backend: "theano", "tensorflow", ... or "".
    text: the version as it stands in the file."""

    version: tuple[int, ...] = ()
    backend: str = ""
    text: str = ""

    @classmethod
    def of(cls, version: str | None, backend: str | None) -> Writer:
        """Of the words in a file."""
        numbers: list[int] = []
        for part in (version or "").split("-")[0].split(".")[:3]:
            if not re.fullmatch(r"[0-9]{1,6}", part):
                break
            numbers.append(int(part))
        return cls(tuple(numbers), (backend or "")[:40], (version or "")[:40])

    @property
    def major(self) -> int:
        """1, 2 or 3; 0 where it is not known."""
        return self.version[0] if self.version else 0


@dataclass(frozen=True)
class LayerConfig:
    """A layer, or a model among layers. name, cls: as in the file. values: its config. inbound: its calls, as they
    stand in the file. own: where it comes from, for errors. writer: what wrote it."""

    name: str
    cls: str
    values: dict[str, Json]
    inbound: Json
    own: str
    writer: Writer
    module: str = ""

    @property
    def place(self) -> str:
        """Its name, for errors."""
        return f"{self.own}: layer {self.name[:80]} ({self.cls[:60]})"

    def error(self, text: str) -> UserError:
        """An error about this layer."""
        return UserError(f"{self.place}: {text}")

    def get(self, *names: str, otherwise: Json = None) -> Json:
        """The first of some names that the config has."""
        for name in names:
            if name in self.values:
                return self.values[name]
        return otherwise

    def size(self, *names: str) -> int:
        """A positive number that has to be there."""
        value = self.get(*names)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or value < 1:
            raise self.error(f"expected {names[0]} as a positive integer, got {reprlib.repr(value)}")
        return value

    def flag(self, *names: str, otherwise: bool = False) -> bool:
        """Whether something is set."""
        value = self.get(*names, otherwise=otherwise)
        if not isinstance(value, bool | int) or value not in (0, 1):
            raise self.error(f"expected {names[0]} as true or false, got {reprlib.repr(value)}")
        return bool(value)

    def number(self, *names: str, otherwise: float) -> float:
        """A finite number; where it is a list of one, as older versions wrote, that."""
        value = self.get(*names, otherwise=otherwise)
        if isinstance(value, dict) and isinstance(value.get("config"), dict) and "value" in value["config"]:
            value = value["config"]["value"]  # an array of NumPy, as tf-keras writes it
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.error(f"expected {names[0]} as a number, got {reprlib.repr(value)}")
        return float(value)

    def activation(self, *names: str, otherwise: str | None = None) -> Function:
        """The function of a name. otherwise: where the config says nothing; None: that is refused."""
        value = self.get(*names)
        if value is None:
            if names[0] in self.values or otherwise is not None:
                return Function("identity") if otherwise is None else function(self, otherwise)
            raise self.error(f"its config has no {names[0]}; add it")
        return function(self, value)

    def inner(self, name: str = "layer") -> LayerConfig:
        """A layer inside this one."""
        value = self.get(name)
        if not isinstance(value, dict):
            raise self.error(f"expected a layer in its {name}; the config is damaged")
        return layer_config(value, self.own, self.writer, f"{self.name}/")


def layer_config(raw: Json, own: str, writer: Writer, prefix: str = "", depth: int = 0) -> LayerConfig:
    """What a config says of a layer; UserError where it is none."""
    values = raw.get("config") if isinstance(raw, dict) else None
    cls = raw.get("class_name") if isinstance(raw, dict) else None
    if not isinstance(cls, str) or (not isinstance(values, dict) and not isinstance(values, list)):
        raise UserError(f"{own}: expected a layer with class_name and config, got {reprlib.repr(raw)}; damaged")
    inside = values if isinstance(values, dict) else {"layers": values}
    name = raw.get("name") or inside.get("name") or cls.lower()
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 150:
        raise UserError(f"{own}: expected a layer's name, got {reprlib.repr(name)}; damaged")
    module = raw.get("module") or ""
    found = LayerConfig(
        prefix + name, cls, inside, raw.get("inbound_nodes", []), own, writer, module if isinstance(module, str) else ""
    )
    registered = raw.get("registered_name")
    if found.module and found.module.split(".")[0] not in ("keras", "tf_keras", "tensorflow", "builtins"):
        raise found.error(
            f"it is code of its own, from {found.module[:80]!r}, which is never run; replace it by layers"
        )
    if isinstance(registered, str) and ">" in registered and not registered.startswith(("Custom>Func", "keras")):
        raise found.error(f"it is code of its own, {registered[:80]!r}, which is never run; replace it by layers")
    return found


def plain(value: Json, depth: int = 0) -> Json:
    """A config with TensorFlow's tuples and shapes as lists."""
    if depth > 200:
        raise UserError("it is nested too deeply; damaged")
    if isinstance(value, dict):
        if value.get("class_name") in ("__tuple__", "TensorShape") and "items" in value:
            return plain(value["items"], depth + 1)
        return {name: plain(one, depth + 1) for name, one in value.items()}
    return [plain(one, depth + 1) for one in value] if isinstance(value, list) else value


SAME_NAME = {"tanh", "sigmoid", "softplus", "softsign", "elu", "selu", "exponential", "mish", "softmax", "gelu"}
SAME_NAME |= {"log_softmax", "log_sigmoid", "celu"}
OTHER_NAMES = {
    "linear": Function("identity"),
    "swish": Function("silu"),
    "silu": Function("silu"),
    "hard_silu": Function("hard_silu"),
    "hard_swish": Function("hard_silu"),
    "hard_tanh": Function("hard_tanh"),
    "relu": Function("relu"),
    "relu6": Function("relu", (0.0, 6.0)),
    "leaky_relu": Function("relu", (0.2,)),
}


def function(layer: LayerConfig, value: Json) -> Function:
    """The function a config means: a name, or an object that stands for one. UserError for code of its own."""
    if isinstance(value, dict):
        cls, inside = value.get("class_name"), value.get("config")
        if cls == "function" and isinstance(inside, str):
            raise layer.error(f"activation {inside[:60]!r} is code of its own, which is never run; choose a known one")
        if isinstance(inside, dict) and isinstance(cls, str):
            found = activation_layer(layer_config(value, layer.own, layer.writer, f"{layer.name}/"))
            if found is not None:
                return found
        raise layer.error(f"activation {reprlib.repr(cls)} is none that is known here")
    if value == "hard_sigmoid":  # Keras 3 took another slope (keras/src/ops/nn.py)
        return Function("hard_sigmoid", (1 / 6, 0.5) if layer.writer.major >= 3 else (0.2, 0.5))
    if isinstance(value, str) and value in SAME_NAME:
        return Function(value)
    if isinstance(value, str) and value in OTHER_NAMES:
        return OTHER_NAMES[value]
    raise layer.error(f"activation {reprlib.repr(value)} is none that is known here; choose a known one")


def activation_layer(layer: LayerConfig) -> Function | None:
    """The function of a layer that is one; None for another layer."""
    if layer.cls == "Activation":
        return layer.activation("activation")
    if layer.cls == "LeakyReLU":
        return Function("relu", (layer.number("negative_slope", "alpha", otherwise=0.3),))
    if layer.cls == "ELU":
        return Function("elu", (layer.number("alpha", otherwise=1.0),))
    if layer.cls == "ThresholdedReLU":
        return Function("thresholded", (layer.number("theta", otherwise=1.0),))
    if layer.cls == "Softmax":
        axis = layer.get("axis", otherwise=-1)
        if isinstance(axis, list) and len(axis) == 1:
            axis = axis[0]
        if type(axis) is not int:
            raise layer.error(f"expected one axis, got {reprlib.repr(axis)}")
        return Function("softmax", (float(axis),))
    if layer.cls == "ReLU":
        ceiling = layer.get("max_value")
        most = -1.0 if ceiling is None else layer.number("max_value", otherwise=0.0)
        slope, threshold = (layer.number(name, otherwise=0.0) for name in ("negative_slope", "threshold"))
        return Function("relu", (slope, most, threshold))
    return None


MODELS = ("Sequential", "Model", "Functional", "Graph")


def is_model(layer: LayerConfig) -> bool:
    """Whether it is a model among layers."""
    return layer.cls in MODELS


def is_operation(layer: LayerConfig) -> bool:
    """Whether it is an operation of keras.ops, which may bear a layer's name. A .h5 does not say where it comes from:
    there it has not the entries that every layer has."""
    if layer.module:
        return re.search(r"\bops\b", layer.module) is not None
    own = layer.writer.major == 3 and not {"trainable", "dtype"} & layer.values.keys()
    return own and layer.cls in ("Average", "Identity", "NotEqual", "Any")


def repeated_model(layer: LayerConfig) -> LayerConfig | None:
    """The model that a TimeDistributed layer has at every step; None where there is none."""
    inner = layer.inner() if layer.cls == "TimeDistributed" and isinstance(layer.get("layer"), dict) else None
    return inner if inner is not None and is_model(inner) else None


def inner_layers(model: LayerConfig, prefix: str = "", depth: int = 0) -> list[LayerConfig]:
    """The layers of a model, in its order; UserError where they are damaged or too deeply nested."""
    if depth > _DEEPEST:
        raise model.error("models are nested too deeply; damaged")
    rows = model.get("layers")
    if not isinstance(rows, list) or not 0 < len(rows) <= 2000:
        raise model.error("expected a list of layers in its config; damaged")
    found = [layer_config(row, model.own, model.writer, prefix) for row in rows]
    names = [one.name for one in found]
    if len(set(names)) != len(names):
        raise model.error("two of its layers have the same name; damaged")
    return found


def all_layers(model: LayerConfig, prefix: str = "", depth: int = 0) -> Iterator[LayerConfig]:
    """The layers of a model and of those inside it, in order."""
    for layer in inner_layers(model, prefix, depth):
        if is_model(layer):
            yield from all_layers(layer, f"{layer.name}/", depth + 1)
        else:
            yield layer
