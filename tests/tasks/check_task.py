"""What every task promises, as tests: a task's own test module makes a Case and a class for pytest to find.

    class TestContract(CheckTask):
        case = Case("text", ...)

Nothing here knows a task's name.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import math
import os
import random
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

import numpy as np
import pytest
import torch
import typer.main
from safetensors.numpy import load_file, save_file

import throughtime
from tests.cli.misuse import Outcome, check_refusal, snapshot
from tests.fuzz.entrances import mutated
from tests.tasks.case import Case as Case
from tests.tasks.case import Followed as Followed
from tests.tasks.case import Page, as_typed, contents, headed, header, one_line, same
from throughtime import cli
from throughtime.cli import task
from throughtime.errors import UserError
from throughtime.options import Declared
from throughtime.storage.folder import CHECKPOINT, CONFIG, HISTORY, WEIGHTS
from throughtime.tasks import TASKS, part
from throughtime.tasks.train import train
from throughtime.training import loop
from throughtime.training.lock import locked

ABSURD = (str(10**12), str(2**200))
NEVER = ("", "abc", "nan", "inf", "-inf", "1e400", "-1", "0x10")
"""No option that is a number takes these, ABSURD aside, which some lower to what there is."""


@contextlib.contextmanager
def at_step(number: int, act: Callable[[], None]) -> Iterator[None]:
    """Inside, something happens in the middle of a training step, counted from 1, of several members the first's."""
    step, count, first = torch.optim.AdamW.step, 0, None

    def counted(self: Any, *arguments: Any) -> Any:
        nonlocal count, first
        first = first or self
        count += self is first
        if count == number and self is first:
            act()
        return step(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", counted)
        yield


@contextlib.contextmanager
def renames(act: Callable[[int], None]) -> Iterator[None]:
    """Inside, something happens before a written file takes its place; it is told the number, from 1."""
    replace, count = os.replace, 0

    def counted(*arguments: Any, **named: Any) -> None:
        nonlocal count
        count += 1
        act(count)
        replace(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", counted)
        yield


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class CheckTask:
    """The tests; a subclass says of what."""

    case: ClassVar[Case]

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls) -> Any:
        """A model that learned in memory."""
        return cls.case.fit()

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
        """The folder of a training that nothing disturbed, with a checkpoint after every step; and how often a file was
        renamed for it."""
        folder, seen = tmp_path_factory.mktemp("whole") / "m", [0]
        with renames(lambda number: seen.append(number)):
            cls.case.fit(out=folder, checkpoint_seconds=0.0)
        return folder, seen[-1]

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any], str]:
        """What `throughtime train` made: the data's file, the model's folder, what was printed, and what was said."""
        place = tmp_path_factory.mktemp("made")
        file, folder = cls.case.write(cls.case.data, place), place / "m"
        out, err = cls.captured(["train", cls.case.task, str(file), "--out", str(folder), *cls.case.typed, "--json"])
        assert out.count("\n") == 1
        return file, folder, json.loads(out), err

    @staticmethod
    def captured(arguments: list[str], status: int = 0) -> tuple[str, str]:
        """What a command prints and says."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            found = cli.invoke(arguments)
        assert found == status, err.getvalue()
        return out.getvalue(), err.getvalue()

    # Learning.

    def test_the_same_seed_gives_the_same_model(self, fitted: Any, capfd: pytest.CaptureFixture[str]) -> None:
        case = self.case
        again = case.learner().fit(case.data, quiet=True, **case.options)  # options may be given to either
        assert capfd.readouterr() == ("", "")
        same(dict(again.fitted().parameters), dict(fitted.fitted().parameters))
        same(case.answer(again.fitted()), case.answer(fitted.fitted()))
        other = case.fit(seed=123)
        assert any(not np.array_equal(a, fitted.fitted().parameters[n]) for n, a in other.fitted().parameters.items())

    def test_progress_is_shown_unless_nobody_wants_it(self, capfd: pytest.CaptureFixture[str]) -> None:
        case = self.case
        case.learner(**case.options).fit(case.data)
        out, err = capfd.readouterr()
        assert out == ""
        assert f"{case.options['steps']} steps on 1 threads" in err
        assert "step " in err

    def test_it_says_what_it_is(self, fitted: Any) -> None:
        case = self.case
        name = TASKS[case.task].estimator
        assert repr(case.learner()) == f"<{name}(): not fitted>"
        said = repr(fitted)
        assert said.startswith(f"<{name}(")
        assert f"steps={case.options['steps']}" in said
        assert f"{fitted.record.parameters:,} parameters" in said
        assert "\n" not in said

    def test_before_it_has_learned_it_says_so(self) -> None:
        with pytest.raises(UserError, match="call fit first"):
            self.case.learner().fitted()
        with pytest.raises(UserError, match="call fit first"):
            self.case.learner().save("nowhere")
        assert not Path("nowhere").exists()

    def test_the_threads_of_torch_are_put_back(self) -> None:
        before = torch.get_num_threads()
        self.case.fit(threads=before + 1, steps=1)
        assert torch.get_num_threads() == before

    def test_as_scikit_learn_asks(self) -> None:
        case = self.case
        model = case.learner(**case.options)
        assert case.learner(**model.get_params()).options == model.options
        assert model.set_params(seed=5).get_params()["seed"] == 5
        with pytest.raises(UserError, match="unknown option 'hiden'"):
            model.set_params(hiden=3)

    # Going on.

    def test_a_run_that_goes_on_equals_one_that_was_not_stopped(self, whole: tuple[Path, int], tmp_path: Path) -> None:
        case, folder = self.case, tmp_path / "m"
        with at_step(case.options["steps"] // 2, interrupt):
            stopped = case.fit(out=folder, checkpoint_seconds=0.0)
        assert stopped.outcome.ended == "interrupted"
        assert stopped.outcome.steps < case.options["steps"]
        assert (folder / WEIGHTS).is_file()
        case.answer(throughtime.load(folder))
        case.learner().fit(case.data, out=folder, resume=True, quiet=True)
        same(contents(folder), contents(whole[0]))

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_run_that_was_killed_goes_on(self, whole: tuple[Path, int], tmp_path: Path, share: float) -> None:
        case, folder = self.case, tmp_path / "m"
        moment = max(1, round(share * whole[1]))

        def kill(number: int) -> None:
            if number == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking where threads are: they are idle
            child = os.fork()
        if not child:
            try:
                with renames(kill):
                    case.fit(out=folder, checkpoint_seconds=0.0)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        there = (folder / CHECKPOINT).is_file()
        if there:
            case.learner().fit(case.data, out=folder, resume=True, quiet=True)
        else:
            case.learner(**case.options, checkpoint_seconds=0.0).fit(case.data, out=folder, force=True, quiet=True)
        assert there or share < 0.5
        same(contents(folder), contents(whole[0]))

    def test_a_larger_budget_goes_on(self, tmp_path: Path) -> None:
        case, steps = self.case, self.case.options["steps"]
        case.fit(out=tmp_path)
        more = case.learner().fit(case.data, out=tmp_path, resume=True, quiet=True, steps=steps + 3)
        assert more.outcome.steps == steps + 3
        assert json.loads((tmp_path / CONFIG).read_text("utf-8"))["options"]["steps"] == steps + 3

    def test_what_cannot_be_gone_on_with(self, whole: tuple[Path, int], tmp_path: Path) -> None:
        case, folder = self.case, whole[0]
        before = snapshot(folder)
        for arguments, says in (
            ({"out": tmp_path / "none"}, "no run to go on with"),
            ({"out": None}, "the folder of the run"),
            ({"out": folder, "seed": case.options.get("seed", 0) + 1}, "keeps its seed"),
        ):
            with pytest.raises(UserError, match=says) as caught:
                case.learner().fit(case.data, resume=True, quiet=True, **arguments)
            one_line(caught.value)
        with pytest.raises(UserError, match=r"learns|learned") as caught:
            case.learner().fit(case.another, out=folder, resume=True, quiet=True)
        one_line(caught.value)
        assert snapshot(folder) == before
        assert not (tmp_path / "none").exists()

    def test_a_model_is_not_overwritten_unasked(self, tmp_path: Path) -> None:
        case = self.case
        case.fit(out=tmp_path)
        before = snapshot(tmp_path)
        with pytest.raises(UserError, match="--resume or overwrite it with --force"):
            case.fit(out=tmp_path)
        assert snapshot(tmp_path) == before
        case.learner(**{**case.options, "steps": 3}).fit(case.data, out=tmp_path, force=True, quiet=True)
        lines = [json.loads(line) for line in (tmp_path / HISTORY).read_text("utf-8").splitlines()]
        assert max(line["step"] for line in lines) == 3

    # The folder.

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

    # Following.

    def follow(self, model: Any) -> tuple[Any, Followed]:
        if self.case.stream is None or self.case.followed is None:
            pytest.skip("this task's models follow nothing")
        return self.case.stream(model), self.case.followed(model)

    def test_a_stream_gives_what_a_batch_gives(self, fitted: Any, tmp_path: Path) -> None:
        fitted.save(tmp_path)
        stream, (parts, answers, join) = self.follow(fitted.fitted())
        for part_, wanted in zip(parts, answers, strict=True):
            same(stream.feed(part_), wanted, 1e-4)
        cuts = [*range(len(parts) + 1)]
        chance = random.Random(1)
        for _ in range(6):
            places = sorted({0, len(parts), *chance.sample(cuts, 3)})
            stream.reset()
            middle = chance.choice(places[:-1])
            for first, end in itertools.pairwise(places):
                if first == middle:  # elsewhere, from what was saved
                    saved = stream.save()
                    assert isinstance(saved, bytes)
                    stream = self.follow(throughtime.load(tmp_path))[0]
                    stream.restore(saved)
                pieces = parts[first:end]
                for piece in [join(pieces)] if join else pieces:
                    found = stream.feed(piece)
                same(found, answers[end - 1], 1e-4)

    def test_a_stream_goes_on_bit_for_bit(self, fitted: Any, tmp_path: Path) -> None:
        fitted.save(tmp_path)
        stream, (parts, _, _) = self.follow(fitted.fitted())
        found = [stream.feed(one) for one in parts]
        stream.reset()
        for number, one in enumerate(parts):
            saved = stream.save()
            if number % 5 == 2:
                stream = self.follow(throughtime.load(tmp_path))[0]
            stream.restore(saved)
            same(stream.feed(one), found[number])

    def test_two_streams_of_a_model_do_not_disturb_each_other(self, fitted: Any) -> None:
        one, (parts, _, _) = self.follow(fitted.fitted())
        wanted = [one.feed(each) for each in parts]
        one.reset()
        other, _ = self.follow(fitted.fitted())
        for number, each in enumerate(parts):
            other.feed(parts[-1 - number])
            same(one.feed(each), wanted[number])

    def test_a_state_of_something_else_is_refused(self, fitted: Any) -> None:
        stream, (parts, _, _) = self.follow(fitted.fitted())
        for one in parts[: len(parts) // 2]:
            stream.feed(one)
        good, rest = stream.save(), parts[len(parts) // 2]
        wanted = stream.feed(rest)
        kind = json.loads(header(good))["__metadata__"]["stream"]
        text, others = header(good).decode(), ("another", kind + "s", "")
        bad = [
            b"",
            b"nonsense",
            good[:-1],
            good[: 8 + len(text) // 2],
            headed(good, "[" * len(text)),
            headed(good, "{}"),
        ]
        bad += [headed(good, text.replace(f'"stream":"{kind}"', f'"stream":"{other}"')) for other in others]
        bad += [
            headed(good, text.replace('"__metadata__"', '"__metadat__"')),
            headed(good, text.replace("rest", "rast")),
        ]
        bad += [headed(good, text.replace('"rest":"', '"rest":"['))]
        bad += [good.replace(b"F32", b"I32")] if b"F32" in good else []
        if self.case.other is not None:
            another = self.follow(self.case.fit(**self.case.other, steps=1).fitted())[0]
            another.feed(parts[0])
            bad.append(another.save())
        for data in bad:
            assert data != good
            stream.restore(good)
            with pytest.raises(UserError, match="stream") as caught:
                stream.restore(data)
            one_line(caught.value)
            same(stream.feed(rest), wanted)  # nothing has changed

    # Options.

    def test_options_that_cannot_be_are_refused(self) -> None:
        case = self.case
        for one in case.options_class.declared():
            for value in self.wrong(one):
                with pytest.raises(UserError, match=one.name) as caught:
                    case.learner(**{one.name: value})
                one_line(caught.value)
        with pytest.raises(UserError, match=r"unknown option 'hiden', perhaps (.*, )?hidden"):
            case.learner(hiden=3)
        with pytest.raises(UserError, match="unknown option 'pace'"):
            case.learner().fit(case.data, quiet=True, pace=3)
        for cell in ("ltsm", "", 3, None, object(), [], ["lstm", None], "gone.py:Cell"):
            with pytest.raises(UserError, match=r"cell|layer") as caught:
                case.learner(**{**case.options, "cell": cell}).fit(case.data, quiet=True)
            one_line(caught.value)

    @staticmethod
    def wrong(one: Declared) -> list[Any]:
        """Values that an option cannot have, by what it declares."""
        if one.rule.check is not None or one.kind is Any:
            return []
        values: list[Any] = [] if one.optional else [None]
        if one.kind in (int, float):
            values += ["3", True, math.nan, math.inf, -math.inf, 1j, [], {}, object()]
            rule = one.rule
            values += [] if rule.at_least is None else [rule.at_least - 1]
            values += [] if rule.at_most is None else [rule.at_most + 1]
            values += [bound for bound in (rule.above, rule.below) if bound is not None]
            values += [1.5] if one.kind is int else []
        elif one.kind is bool:
            values += [0, 1, "yes", [], object()]
        elif one.kind is str:
            values += [3, True, [], object(), *(["no such choice"] if one.rule.choices else [])]
        else:
            values += [3, 1.5, True, object(), *([["no such choice"]] if one.rule.choices else [])]
        return values

    def numeric(self, verb: str) -> list[tuple[str, str]]:
        """Options of a command that take a number: as typed, and in Python."""
        found = []
        for each in task.command(self.case.task, verb).registered_commands:
            for name, hint in get_type_hints(each.callback, include_extras=True).items():
                kind = get_args(hint)[0] if get_args(hint) else None
                if {int, float} & {kind, *get_args(kind)}:
                    declared = getattr(hint.__metadata__[0], "param_decls", None)
                    found.append(((declared or [f"--{name.replace('_', '-')}"])[0], name))
        if verb == "train":  # one or several: a text for the shell
            texts = [one for one in self.case.options_class.declared() if one.rule.shell and one.rule.parse is not None]
            for one in texts:
                usual = one.command_default
                first = usual[0] if isinstance(usual, tuple) and usual else usual
                if type(first) in (int, float):
                    found.append((as_typed(one, 0)[0], one.name))
        return found

    @pytest.mark.parametrize("verb", ["train", "run", "evaluate", "report"])
    def test_numbers_that_commands_cannot_take(
        self, made: tuple[Path, Path, Any, str], verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Accepted(BaseException):
            """Training would begin."""

        def accept(*_: Any, **__: Any) -> None:
            raise Accepted

        monkeypatch.setattr(loop, "train", accept)
        for module, name in ((task, "command"), (typer.main, "get_command")):  # made once for hundreds of calls
            monkeypatch.setattr(module, name, functools.cache(getattr(module, name)))
        case, (file, folder, _, _) = self.case, made
        calls = {
            "train": ["train", case.task, str(file), "--out", str(tmp_path / "new"), *case.typed],
            "run": ["run", str(folder), *case.run],
            "evaluate": ["evaluate", str(folder), str(file), *case.evaluate],
            "report": ["report", str(folder)],
        }
        before = snapshot(file.parent)
        for flag, name in self.numeric(verb):
            for value in (*NEVER, "0", *ABSURD):
                if (value == "0" and name in case.zero) or (value in ABSURD and name in case.unlimited):
                    continue
                out, err = self.captured([*calls[verb], flag, value], status=2)
                check_refusal(Outcome(2, out, err), [])
        assert snapshot(file.parent) == before
        assert not (tmp_path / "new").exists()

    # Starting from a model.

    def test_a_training_starts_from_a_model(self, whole: tuple[Path, int], tmp_path: Path) -> None:
        """What was learned is there at the start: with a rate of about nothing it answers as before; and the folder it
        starts from is as it was."""
        case, old = self.case, whole[0]
        before = contents(old)
        same_budget = {"steps": 1, "learning_rate": 1e-12, "threads": 1}
        model = case.learner().fit(case.data, out=tmp_path / "m", start=old, quiet=True, **same_budget)
        same(contents(old), before)
        one, two = dict(throughtime.load(old).parameters), dict(model.fitted().parameters)
        same(two, one, 1e-6)
        same(case.answer(throughtime.load(tmp_path / "m")), case.answer(model.fitted()))
        assert model.record.start.folder == str(old)
        assert json.loads((tmp_path / "m" / CONFIG).read_text("utf-8"))["start"]["sha256"] == model.record.start.sha256
        assert model.record.options.start == str(old)

    def test_a_start_is_told_and_goes_on(self, made: tuple[Path, Path, dict[str, Any], str], tmp_path: Path) -> None:
        file, old, _, _ = made
        calls = ["train", self.case.task, str(file), "--from", str(old), "--steps", "4", "--threads", "1"]
        with at_step(2, interrupt):
            _, said = self.captured([*calls, "--out", str(tmp_path / "m")], status=130)
        assert f"started from {old}" in said
        self.captured([*calls, "--out", str(tmp_path / "m"), "--resume"])
        out, _ = self.captured([*calls, "--out", str(tmp_path / "n"), "--json"])
        assert f"started from {old}" in json.loads(out)["start"]["sentence"]
        same(dict(throughtime.load(tmp_path / "m").parameters), dict(throughtime.load(tmp_path / "n").parameters))
        assert "What it started from" in (tmp_path / "n" / "report.html").read_text("utf-8")

    def test_a_start_that_cannot_be(self, whole: tuple[Path, int], tmp_path: Path) -> None:
        case, old = self.case, whole[0]
        few = {"steps": 1, "threads": 1, "quiet": True}
        for out in (old, old / "next"):
            with pytest.raises(UserError, match="never written"):
                case.learner().fit(case.data, out=out, start=old, force=True, **few)
        with pytest.raises(UserError, match=r"has cell .* and what starts"):
            case.learner(cell="min_lstm").fit(case.data, start=old, **few)
        shutil.copytree(old, tmp_path / "other")
        config = json.loads((tmp_path / "other" / CONFIG).read_text("utf-8"))
        other = next(task for task in reversed(TASKS) if task not in (case.task, *case.learner.starts))
        (tmp_path / "other" / CONFIG).write_text(json.dumps({**config, "task": other}), "utf-8")
        with pytest.raises(UserError, match=f"expected a model of the task {case.task}.*its task is {other}"):
            case.learner().fit(case.data, start=tmp_path / "other", **few)
        with pytest.raises(UserError, match="expected a model folder"):
            case.learner().fit(case.data, start=tmp_path / "gone", **few)

    # The shell.

    def test_what_train_prints(self, made: tuple[Path, Path, dict[str, Any], str]) -> None:
        _, folder, summary, said = made
        assert summary["directory"] == str(folder)
        assert (summary["ended"], summary["steps"]) == ("budget", self.case.options["steps"])
        assert summary["parameters"] == sum(array.size for array in load_file(folder / WEIGHTS).values())
        assert Path(summary["report"]) == folder / "report.html"
        assert "Traceback" not in said
        assert f"{self.case.options['steps']} steps on 1 threads" in said
        last = json.loads((folder / HISTORY).read_text("utf-8").splitlines()[-1])
        if summary.get("evaluation"):
            assert last["evaluation"] == summary["evaluation"]
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        assert (config["task"], config["parameters"]) == (self.case.task, summary["parameters"])
        assert config["environment"]["threads"] == 1

    def test_the_commands_use_it(self, made: tuple[Path, Path, dict[str, Any], str], tmp_path: Path) -> None:
        file, folder, case = made[0], tmp_path / "m", self.case
        shutil.copytree(made[1], folder)  # what a command leaves in a folder is no part of the training's
        out, _ = self.captured(["run", str(folder), *case.run])
        assert out.strip()
        scored = ["evaluate", str(folder), str(file), *case.evaluate]
        assert self.captured(scored)[0].strip()
        values = json.loads(self.captured([*scored, "--json"])[0])
        assert values
        for verb in ("train", "run", "evaluate", "report"):
            arguments = [verb, case.task if verb == "train" else str(folder), "--help"]
            assert "--json" in self.captured(arguments)[0]

    def test_the_report_is_one_file(
        self, made: tuple[Path, Path, dict[str, Any], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = made[1]
        out, _ = self.captured(["report", str(folder), "--json"])
        path = Path(json.loads(out)["report"])
        html = path.read_text("utf-8")
        page = Page()
        page.feed(html)
        assert page.loaded
        assert all(address.startswith("data:") for address in page.loaded)
        for word in ("http://", "https://", "@import", "url(", "<script"):
            assert word not in html
        assert html.rstrip().endswith("</html>")
        monkeypatch.setattr(part(self.case.task, "report"), "write_report", {folder: path}.__getitem__)
        assert self.captured(["report", str(folder)])[0] == f"{path}\n"

    def test_python_and_the_shell_train_the_same_model(
        self, made: tuple[Path, Path, dict[str, Any], str], tmp_path: Path
    ) -> None:
        file, folder, summary, _ = made
        options = {n: v for n, v in self.case.options.items() if self.case.options_class.option(n).rule.shell}
        again = train(self.case.task, str(file), tmp_path / "m", quiet=True, **options)
        same(contents(tmp_path / "m"), contents(folder))
        assert again["validation_loss"] == summary["validation_loss"]

    def test_another_training_in_the_folder_is_refused(self, tmp_path: Path) -> None:
        with locked(tmp_path / "m"), pytest.raises(UserError, match="another training is at work"):
            self.case.fit(out=tmp_path / "m")
