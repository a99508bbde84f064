"""What every task promises of its folder: that what is saved answers the same, and what is damaged is told."""

from __future__ import annotations

import contextlib
import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import throughtime
from tests.cli.misuse import Outcome, check_refusal
from tests.fuzz.entrances import mutated
from tests.tasks.case import contents, one_line, same
from tests.tasks.checked import Checked
from throughtime import cli
from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG, WEIGHTS


class CheckFolder(Checked):
    """Saving, loading, damage."""

    def test_saved_and_loaded_it_answers_the_same(self, fitted: Any, tmp_path: Path) -> None:
        wanted = self.case.answer(fitted.fitted())
        assert fitted.save(tmp_path) is fitted
        same(self.case.answer(throughtime.load(tmp_path)), wanted)

    def test_what_is_saved_is_what_training_leaves(self, tmp_path: Path) -> None:
        learned, saved = tmp_path / "learned", tmp_path / "saved"
        model = self.case.fit(out=learned)
        model.save(saved)
        same(contents(saved), contents(learned, run=False))
        same(self.case.answer(throughtime.load(learned)), self.case.answer(model.fitted()))
        model.save(learned)  # over what is there
        same(contents(learned), contents(saved))

    def test_the_options_stand_in_the_folder(self, fitted: Any, tmp_path: Path) -> None:
        case = self.case
        fitted.save(tmp_path)
        record = case.learner.schema.read(tmp_path)
        assert record.options == fitted.record.options
        written = json.loads((tmp_path / CONFIG).read_text("utf-8"))["options"]
        assert set(written) == {one.name for one in case.options_class.declared() if one.rule.stored}
        for name, value in case.options.items():
            one = case.options_class.option(name)
            assert written[name] == one.plain(one.checked("", value))

    @pytest.mark.parametrize("how", ["gone", "empty", "half", "garbage", "a folder"])
    def test_a_damaged_file_is_told(
        self, fitted: Any, made: tuple[Path, Path, Any, str], tmp_path: Path, how: str
    ) -> None:
        fitted.save(tmp_path / "sound")
        names = sorted({path.name for path in (tmp_path / "sound").iterdir() if path.is_file()} - self.case.beside)
        assert {CONFIG, WEIGHTS} <= set(names)
        for name in names:
            fitted.save(tmp_path / name)
            path = tmp_path / name / name
            raw = path.read_bytes()
            path.unlink()
            if how == "a folder":
                path.mkdir()
            elif how != "gone":
                path.write_bytes({"empty": b"", "half": raw[: len(raw) // 2], "garbage": bytes(range(256)) * 9}[how])
            with pytest.raises(UserError) as caught:
                throughtime.load(tmp_path / name)
            assert str(tmp_path / name) in one_line(caught.value)
            calls = [["run", str(tmp_path / name), *self.case.run]]
            calls += [["evaluate", str(tmp_path / name), str(made[0]), *self.case.evaluate]]
            if name == CONFIG:  # before anything is said of options, which depend on the task
                calls += [["report", str(tmp_path / name)], [*calls[1], "--no-such-option"]]
                calls += [["evaluate", flag, "1", *calls[1][1:]] for flag, _ in self.numeric("evaluate")]
            for call in calls:
                check_refusal(Outcome(2, *self.captured(call, status=2)), [str(tmp_path / name)])

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as the commands do: numbers that overflow are told
    def test_a_changed_configuration_is_told_or_runs(self, made: tuple[Path, Path, Any, str], tmp_path: Path) -> None:
        file, folder, _, _ = made
        throughtime.load(folder)  # what is sound runs
        for path in folder.iterdir():
            if path.is_file():
                (tmp_path / path.name).write_bytes(path.read_bytes())
        sound, chance = json.loads((folder / CONFIG).read_text("utf-8")), random.Random(0)
        refused = 0
        for number in range(100):
            (tmp_path / CONFIG).write_text(json.dumps(mutated(sound, chance.randrange)))
            try:
                self.case.answer(throughtime.load(tmp_path))
            except UserError as error:
                one_line(error)
                refused += 1
            if number % 10 == 0:
                for call in (["report", str(tmp_path)], ["evaluate", str(tmp_path), str(file), *self.case.evaluate]):
                    self.told_or_done(call)
        assert 20 < refused < 100

    def told_or_done(self, arguments: list[str]) -> None:
        """Run a command that may be refused."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.invoke(arguments)
        assert status in (0, 2), err.getvalue()
        if status == 2:
            assert err.getvalue().splitlines()[-1].startswith("throughtime: ")
            assert "Traceback" not in err.getvalue()

    def test_weights_that_are_no_numbers_are_told(self, fitted: Any, tmp_path: Path) -> None:
        fitted.save(tmp_path)
        arrays = load_file(tmp_path / WEIGHTS)
        for value in (np.nan, np.inf):
            for name in (min(arrays), max(arrays)):
                broken = {key: array.copy() for key, array in arrays.items()}
                broken[name].flat[-1] = value
                save_file(broken, tmp_path / WEIGHTS)
                with pytest.raises(UserError, match="NaN or infinite") as caught:
                    throughtime.load(tmp_path)
                assert name in one_line(caught.value)
        save_file({name: array for name, array in arrays.items() if name != min(arrays)}, tmp_path / WEIGHTS)
        with pytest.raises(UserError, match="missing"):
            throughtime.load(tmp_path)
        save_file({**arrays, "more": np.zeros(3, np.float32)}, tmp_path / WEIGHTS)
        with pytest.raises(UserError, match="more unknown"):
            throughtime.load(tmp_path)
