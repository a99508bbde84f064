"""What is imported when: nothing heavy before it is used, and never torch by what only runs a model."""

from __future__ import annotations

import subprocess
import sys

import pytest

import throughtime

LIGHT = "throughtime.runtime, throughtime.models.ops_numpy, throughtime.tasks.text.estimator, throughtime.tasks.train"


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [("throughtime", {"numpy", "torch"}), (LIGHT, {"torch", "rich", "matplotlib", "tokenizers", "jinja2"})],
)
def test_heavy_modules_wait(modules: str, unwanted: set[str]) -> None:
    script = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not unwanted & set(done.stdout.split())


def test_the_package_offers_its_names() -> None:
    assert {"load", "LanguageModel"} <= set(dir(throughtime))
    assert callable(throughtime.load)
    with pytest.raises(AttributeError, match="no attribute 'loda'"):
        _ = throughtime.loda
