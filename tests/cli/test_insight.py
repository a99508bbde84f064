"""diagnose, explain and learning-curve from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.misuse import TEXT, make_forecaster, make_model
from throughtime import cli


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_forecaster(folder)
    make_model(folder)
    return folder


def run(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capfd.readouterr()
    status = cli.invoke(arguments)
    return (status, *capfd.readouterr())


def test_diagnose_a_text_model(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(["diagnose", str(made / "m"), "--steps", "30", "--batch", "4"], capfd)
    assert status == 0
    assert "gradient per step back" in out
    values = json.loads((made / "m" / "diagnosis.json").read_text())
    assert values["layers"][0]["steps"] == 30
    page = (made / "m" / "report.html").read_text()
    assert "Gradients through time" in page
    status, out, _ = run(["diagnose", str(made / "m"), "--json", "--try", "--try-steps", "5", "--fresh"], capfd)
    assert status == 0
    assert json.loads(out)["layers"][0]["cell"] == "lstm"


def test_diagnose_a_forecaster(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(["diagnose", str(made / "f"), str(made / "series.csv"), "--json"], capfd)
    assert status == 0
    assert json.loads(out)["at_end"] is True
    assert "Gradients through time" in (made / "f" / "report.html").read_text()


def test_explain_a_text_model(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["explain", str(made / "m"), "the cat sat on"]
    status, out, _ = run([*arguments, "--gate", "f", "--unit", "3"], capfd)
    assert status == 0
    assert "Deletion check of occlusion" in out
    assert "unit 3 of f" in out
    page = (made / "m" / "explanation.html").read_text()
    assert "What the gates did" in page
    assert "background:rgba(" in page
    status, out, _ = run([*arguments, "--json", "--method", "occlusion", "--target", "t"], capfd)
    assert status == 0
    assert json.loads(out)["parts"] == list("the cat sat on")
    assert "'t' has a probability" in json.loads(out)["answer"]


def test_explain_a_forecaster(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(["explain", str(made / "f"), str(made / "series.csv"), "--json", "--step", "2"], capfd)
    assert status == 0
    values = json.loads(out)
    assert values["kind"] == "series"
    assert len(values["attributions"]["occlusion"]) == len(values["parts"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["diagnose", "nowhere"], "nowhere"),
        (["diagnose", "f"], "needs the table"),
        (["diagnose", "m", "--steps", "1"], "--steps must be from 2"),
        (["diagnose", "m", "missing.txt"], "missing.txt"),
        (["explain", "m", "t"], "at least two tokens"),
        (["explain", "m", "the ~"], "~"),
        (["explain", "m", "the cat", "--gate", "q"], "has h, c, i, f, o"),
        (["explain", "m", "the cat", "--unit", "99"], "units 0 to 7"),
        (["explain", "m", "the cat", "--layer", "4"], "layers 0 to 0"),
        (["explain", "m", "the cat", "--method", "lime"], "one of occlusion, integrated_gradients, both"),
        (["explain", "m", "the cat", "--target", "ca"], "one token"),
        (["explain", "m", "the cat", "--series", "a"], "for forecasters"),
        (["explain", "f", "series.csv", "--series", "b"], "no series 'b'"),
        (["explain", "f", "series.csv", "--target", "b"], "for models of text"),
        (["learning-curve", "music", "text.txt", "--out", "lc"], "text or forecast"),
        (["learning-curve", "text", "none.txt", "--out", "lc"], "no such file"),
        (["learning-curve", "text", "short.txt", "--out", "lc", "--steps", "2"], "too short"),
        (["learning-curve", "forecast", "short.csv", "--out", "lc", "--steps", "2"], "too short"),
    ],
)
def test_mistakes_are_one_line(
    made: Path, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    (made / "short.txt").write_text("too short")
    (made / "short.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n")
    status, out, err = run(arguments, capfd)
    assert (status, out) == (2, "")
    assert said in err.splitlines()[-1]


def test_a_learning_curve(made: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(TEXT * 3)
    arguments = ["learning-curve", "text", str(tmp_path / "long.txt"), "--out", str(tmp_path / "lc"), "--points", "3"]
    arguments += ["--seeds", "1", "--steps", "4", "--hidden", "8", "--threads", "1", "--json"]
    status, out, _ = run(arguments, capfd)
    assert status == 0
    assert len(json.loads(out)["amounts"]) == 3
    assert (tmp_path / "lc" / "learning_curve.svg").is_file()
    status, again, err = run(arguments, capfd)
    assert json.loads(again)["losses"] == json.loads(out)["losses"]
    assert "training" not in err  # what was done is not done again
    status, _, err = run([*arguments[:-1], "--hidden", "9"], capfd)
    assert status == 2
    assert "other data or settings" in err


def test_a_damaged_diagnosis_is_told(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept = (made / "m" / "diagnosis.json").read_text() if (made / "m" / "diagnosis.json").is_file() else None
    (made / "m" / "diagnosis.json").write_text('{"verdict": 3}')
    status, _, err = run(["report", str(made / "m")], capfd)
    assert status == 2
    assert "run throughtime diagnose again" in err
    if kept is None:
        (made / "m" / "diagnosis.json").unlink()
    else:
        (made / "m" / "diagnosis.json").write_text(kept)


def test_a_learning_curve_of_several_files(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from throughtime.tasks.classify import insight

    seen: list[object] = []

    def amount(data: object, share: float, seed: int, options: object) -> tuple[float, float]:
        seen.append(data)
        return 100 * share, 1 / share

    monkeypatch.setattr(insight, "amount", amount)
    (tmp_path / "some").mkdir()
    one, two = tmp_path / "a.csv", tmp_path / "some" / "b.csv"
    one.write_text("text,label\n")
    two.write_text("text,label\nx,1\n")
    start, end = ["learning-curve", "classify"], ["--points", "3", "--seeds", "1", "--json"]
    status, _, err = run([*start, str(one), str(tmp_path / "some"), "--out", str(tmp_path / "lc"), *end], capfd)
    assert status == 0, err
    assert seen[0] == [one, tmp_path / "some"]
    asked = json.loads((tmp_path / "lc" / "learning_curve.json").read_text())["asked"]
    assert (asked["data"], asked["bytes"]) == ("a.csv, some", 26)
    status, _, err = run([*start, str(one), str(tmp_path / "gone"), "--out", str(tmp_path / "no"), *end], capfd)
    assert status == 2
    assert "gone: no such file" in err
    status, _, err = run(["learning-curve", "forecast", str(one), str(two), "--out", str(tmp_path / "no"), *end], capfd)
    assert status == 2
    assert "forecast takes one file, got 2" in err
