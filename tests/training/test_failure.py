"""A loss that goes wrong: the diagnosis names what broke, what came before, and what to try."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.test_saving import Told
from tests.training.toy import Line
from throughtime.errors import UserError
from throughtime.training import failure
from throughtime.training.loop import train
from throughtime.training.settings import Settings


def parameters(**gradients: list[float]) -> dict[str, torch.Tensor]:
    found = {}
    for name, values in gradients.items():
        found[name] = torch.ones(len(values), requires_grad=True)
        found[name].grad = torch.tensor(values)
    return found


def test_a_gradient_that_explodes() -> None:
    before = [(2.0, 1.0), (2.1, 1.2), (2.0, 0.9), (9.0, 400.0)]
    found = failure.diagnose(math.nan, 31, 0.5, None, parameters(a=[1.0], W_hh=[math.nan], b=[math.inf]), before)
    assert found["gradients"] == ["W_hh", "b"]
    assert found["weights"] == []
    assert found["norms"] == [1.0, 1.2, 0.9, 400.0]
    said = failure.sentence(found, "the model of step 20 is kept")
    assert said == (
        "training: the loss became nan at step 31 (learning rate 0.5); the gradient exploded; gradient norms before: "
        "1, 1.2, 0.9, 400; not finite: gradient of W_hh, b; the model of step 20 is kept; try --learning-rate 0.05 "
        "--clip 1, or a gated cell (lstm, gru)"
    )


@pytest.mark.parametrize(
    ("change", "cause", "advice"),
    [
        ({"step": 1, "before": []}, "from the first step", "the cell's own arithmetic"),
        ({"fill": math.nan}, "already broke the weights", "--learning-rate 0.05"),
        ({"fill": 1e9}, "the weights have grown to 1e+09", "--learning-rate 0.05"),
        ({}, "overflowed", "a cell whose state is bounded"),
        ({"clip": 1.0}, "overflowed", "try --learning-rate 0.05, or"),
    ],
)
def test_causes(change: dict[str, Any], cause: str, advice: str) -> None:
    given = parameters(a=[1.0, 2.0], W=[math.nan])
    if "fill" in change:
        given["W"].data.fill_(change["fill"])
    found = failure.diagnose(
        1.0, change.get("step", 9), 0.5, change.get("clip", 5.0), given, change.get("before", [(1.0, 1.0)] * 4)
    )
    assert found["what"] == "gradient"
    assert cause in found["cause"]
    assert advice in found["advice"]


def test_it_is_in_the_history_and_the_run_can_go_on_slower(tmp_path: Path) -> None:
    chosen = Settings(steps=40, validations=4, log_every=4, checkpoint_seconds=0.0)
    with pytest.raises(UserError, match=r"at step 30 .*the checkpoint of step 29, to go on from with --resume"):
        train(Line(bad=30), chosen, tmp_path)
    told = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert told[-1]["failure"]["step"] == 30
    assert told[-1]["failure"]["loss"] is None
    assert len(told[-1]["failure"]["norms"]) == failure.REMEMBERED
    outcome = train(Line(), chosen, tmp_path, resume=True)
    assert outcome.steps == 40
    assert not any("failure" in line for line in outcome.history)


def test_a_validation_loss_that_rises_is_told_once(tmp_path: Path) -> None:
    job, told = Line(validation=[5.0, 4.0, 4.1, 4.2, 4.4, 4.8, 5.0]), Told()
    outcome = train(job, Settings(steps=60, validations=6), tmp_path, progress=told)
    assert [step for step, _, _ in job.kept] == [4, 10]
    assert len(outcome.warnings) == 1
    assert "not been better than 4.0000, of step 10, for 3 validations and is 4.4000" in outcome.warnings[0]
    assert outcome.warnings[0] in told.notes
    assert [line["step"] for line in outcome.history if "warning" in line] == [40]
