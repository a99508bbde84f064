"""C99 as text: numbers, names, and the small functions that generated code calls.

exp and tanh are written out instead of taken from libm: they are smaller than newlib's, and give the same bits on the
machine that proves a model and on the one that runs it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from throughtime.interop.functions import SELU, Function

LIBM = {"log": "logf", "sqrt": "sqrtf", "log1p": "log1pf", "erf": "erff"}
"""What is taken from libm where a model needs it."""

HELPERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "power": (
        """/* e^x as 2^k (1 + p): p goes to *p, 2^k is returned; -87 <= x <= 88 */
static float tt_power(float x, float *p)
{
    union { uint32_t bits; float value; } scale;
    const int32_t k = (int32_t)(x * 1.44269504f + (x < 0.0f ? -0.5f : 0.5f));
    const float r = (x - (float)k * 0.693359375f) + (float)k * 2.12194440e-4f;
    float sum = 1.0f / 5040.0f;
    sum = sum * r + 1.0f / 720.0f;
    sum = sum * r + 1.0f / 120.0f;
    sum = sum * r + 1.0f / 24.0f;
    sum = sum * r + 1.0f / 6.0f;
    sum = sum * r + 0.5f;
    *p = r + sum * r * r;
    scale.bits = (uint32_t)(k + 127) << 23;
    return scale.value;
}""",
        (),
    ),
    "exp": (
        """static float tt_exp(float x)
{
    float p, scale;
    if (!(x >= -87.0f)) {
        return x < 0.0f ? 0.0f : x;
    }
    if (x > 88.0f) {
        return x > 88.72284f ? INFINITY : tt_exp(x - 1.0f) * 2.71828183f;
    }
    scale = tt_power(x, &p);
    return scale * p + scale;
}""",
        ("power",),
    ),
    "expm1": (
        """static float tt_expm1(float x)
{
    float p, scale;
    if (!(x >= -87.0f)) {
        return x < 0.0f ? -1.0f : x;
    }
    if (x > 88.0f) {
        return tt_exp(x);
    }
    scale = tt_power(x, &p);
    return scale * p + (scale - 1.0f);
}""",
        ("power", "exp"),
    ),
    "tanh": (
        """static float tt_tanh(float x)
{
    const float a = x < 0.0f ? -2.0f * x : 2.0f * x;
    float p, scale, t;
    if (a > 20.0f) {
        return x < 0.0f ? -1.0f : 1.0f;
    }
    if (!(a >= 0.0f)) {
        return x;
    }
    scale = tt_power(a, &p);
    t = scale * p + (scale - 1.0f);
    t = t / (t + 2.0f);
    return x < 0.0f ? -t : t;
}""",
        ("power",),
    ),
    "sigmoid": (
        """static float tt_sigmoid(float x)
{
    return 0.5f * tt_tanh(0.5f * x) + 0.5f;
}""",
        ("tanh",),
    ),
    "max": (
        """static float tt_max(float a, float b)
{
    return a >= b || a != a ? a : b;
}""",
        (),
    ),
    "min": (
        """static float tt_min(float a, float b)
{
    return a <= b || a != a ? a : b;
}""",
        (),
    ),
    "softplus": (
        """static float tt_softplus(float x)
{
    return tt_max(x, 0.0f) + log1pf(tt_exp(x < 0.0f ? x : -x));
}""",
        ("max", "exp"),
    ),
    "dot": (
        """static float tt_dot(const float *w, const float *x, size_t n)
{
    float sum = 0.0f;
    while (n-- > 0) {
        sum += *w++ * *x++;
    }
    return sum;
}""",
        (),
    ),
    "dot8": (
        """static float tt_dot8(const int8_t *w, const float *x, size_t n)
{
    float sum = 0.0f;
    while (n-- > 0) {
        sum += (float)*w++ * *x++;
    }
    return sum;
}""",
        (),
    ),
    "mean": (
        """static float tt_mean(const float *x, size_t n)
{
    float sum = 0.0f;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum / (float)n;
}""",
        (),
    ),
    "spread": (
        """/* 1 / sqrt(variance + epsilon) */
static float tt_spread(const float *x, float mean, float epsilon, size_t n)
{
    float sum = 0.0f;
    size_t i;
    for (i = 0; i < n; i++) {
        sum += (x[i] - mean) * (x[i] - mean);
    }
    return 1.0f / sqrtf(sum / (float)n + epsilon);
}""",
        (),
    ),
    "softmax": (
        """static void tt_softmax(float *x, size_t n)
{
    float top = x[0], sum = 0.0f;
    size_t i;
    for (i = 1; i < n; i++) {
        top = tt_max(top, x[i]);
    }
    for (i = 0; i < n; i++) {
        x[i] = tt_exp(x[i] - top);
        sum += x[i];
    }
    for (i = 0; i < n; i++) {
        x[i] /= sum;
    }
}""",
        ("max", "exp"),
    ),
    "log_softmax": (
        """static void tt_log_softmax(float *x, size_t n)
{
    float top = x[0], sum = 0.0f;
    size_t i;
    for (i = 1; i < n; i++) {
        top = tt_max(top, x[i]);
    }
    for (i = 0; i < n; i++) {
        sum += tt_exp(x[i] - top);
    }
    top += logf(sum);
    for (i = 0; i < n; i++) {
        x[i] -= top;
    }
}""",
        ("max", "exp"),
    ),
}
"""Name -> its text and the others that it calls; in an order in which callers come later."""

STEP: dict[str, tuple[str, tuple[str, ...]]] = {
    "sigmoid": ("tt_sigmoid({0})", ("sigmoid",)),
    "tanh": ("tt_tanh({0})", ("tanh",)),
    "relu": ("tt_max({0}, 0.0f)", ("max",)),
    "exp": ("tt_exp({0})", ("exp",)),
    "log": ("logf({0})", ()),
    "sqrt": ("sqrtf({0})", ()),
    "softplus": ("tt_softplus({0})", ("softplus",)),
    "neg": ("-{0}", ()),
    "add": ("{0} + {1}", ()),
    "sub": ("{0} - {1}", ()),
    "mul": ("{0} * {1}", ()),
    "div": ("{0} / {1}", ()),
    "maximum": ("tt_max({0}, {1})", ("max",)),
    "minimum": ("tt_min({0}, {1})", ("min",)),
    "greater": ("{0} > {1} ? 1.0f : 0.0f", ()),
}
"""Operation of a step -> its expression over named values, and the functions that calls."""


def number(value: float) -> str:
    """A float32 as C writes it, all its bits kept."""
    one = float(np.float32(value))
    if math.isinf(one):
        return "INFINITY" if one > 0 else "(-INFINITY)"
    text = f"{one:.9g}"
    text = text if set(text) & set(".e") else text + ".0"
    return f"({text}f)" if one < 0 else text + "f"


def identifier(text: str, otherwise: str = "v") -> str:
    """A piece of a C name made of any text: letters, digits and single underscores, at most 24."""
    found = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", text))[:24].strip("_")
    return found if found and not found[0].isdigit() else f"{otherwise}{found}"


def comment(text: str) -> str:
    """A text that may stand inside a C comment, whatever a stranger put into it."""
    return re.sub(r"[^A-Za-z0-9_ .,:+-]", "_", text)[:60]


def equation(text: str) -> str:
    """An equation that may stand inside a C comment; other characters than those of equations are left out."""
    found = re.sub(r"[^A-Za-z0-9_ .,:+*/=()'>-]", "", text)[:200]
    return re.sub(r"\*+/|/\*+", " ", found)


def helpers(names: set[str]) -> list[str]:
    """The texts of functions and of those that they call."""
    needed, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += HELPERS[name][1]
    return [text for name, (text, _) in HELPERS.items() if name in needed]


def _relu(slope: float, ceiling: float, threshold: float) -> tuple[str, tuple[str, ...]]:
    moved = f"(x - {number(threshold)})" if threshold else "x"
    found = f"x >= {number(threshold)} ? x : {number(slope)} * {moved}"
    return (f"tt_min({found}, {number(ceiling)})", ("min",)) if ceiling >= 0 else (found, ())


def _elu(alpha: float, scale: float = 1.0, width: float = 1.0) -> tuple[str, tuple[str, ...]]:
    inner = f"x / {number(width)}" if width != 1 else "x"
    return f"{number(scale)} * (x > 0.0f ? x : {number(alpha)} * tt_expm1({inner}))", ("expm1",)


def _clip(inner: str, low: float, high: float) -> str:
    return f"tt_min(tt_max({inner}, {number(low)}), {number(high)})"


def value_of(f: Function) -> tuple[str, tuple[str, ...]] | None:
    """The expression of a function of one float x, and the functions it calls; None for one of several values."""
    a: Sequence[float] = f.arguments
    both = ("max", "min")
    half, root = number(0.5), number(math.sqrt(2 / math.pi))
    plain: dict[str, tuple[str, tuple[str, ...]]] = {
        "identity": ("x", ()),
        "tanh": ("tt_tanh(x)", ("tanh",)),
        "sigmoid": ("tt_sigmoid(x)", ("sigmoid",)),
        "softplus": ("tt_softplus(x)", ("softplus",)),
        "softsign": ("x / (1.0f + (x < 0.0f ? -x : x))", ()),
        "selu": _elu(SELU[1], SELU[0]),
        "exponential": ("tt_exp(x)", ("exp",)),
        "silu": ("x * tt_sigmoid(x)", ("sigmoid",)),
        "hard_silu": (f"x * {_clip(f'x * {number(1 / 6)} + 0.5f', 0, 1)}", both),
        "mish": ("x * tt_tanh(tt_softplus(x))", ("tanh", "softplus")),
        "log_sigmoid": ("-tt_softplus(-x)", ("softplus",)),
        "absolute": ("x < 0.0f ? -x : x", ()),
        "sqrt": ("sqrtf(x)", ()),
        "reciprocal": ("1.0f / x", ()),
        "negative": ("-x", ()),
        "logarithm": ("logf(x)", ()),
        "erf": ("erff(x)", ()),
    }
    if f.name in plain:
        return plain[f.name]
    if f.name == "hard_sigmoid":
        return _clip(f"x * {number(a[0])} + {number(a[1])}", 0, 1), both
    if f.name == "hard_tanh":
        return _clip("x", a[0], a[1]), both
    if f.name == "relu":
        return _relu(*a)
    if f.name in ("elu", "celu"):
        return _elu(a[0], 1.0, a[0] if f.name == "celu" else 1.0)
    if f.name == "gelu" and a[0]:
        return f"{half} * x * (1.0f + tt_tanh({root} * (x + {number(0.044715)} * x * x * x)))", ("tanh",)
    if f.name == "gelu":
        return f"{half} * x * (1.0f + erff(x * {number(math.sqrt(0.5))}))", ()
    if f.name == "thresholded":
        return f"x > {number(a[0])} ? x : 0.0f", ()
    if f.name == "affine":
        return f"{number(a[0])} * x + {number(a[1])}", ()
    return None
