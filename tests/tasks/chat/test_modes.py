"""Where replies come from: by the data, by what was said, by the validation part; what is known, and what is not."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import throughtime
from tests.tasks.chat import test_contract as contract
from tests.tasks.chat.test_contract import CHOOSING, conversations, faq
from throughtime import Chat, cli
from throughtime.data.pairs import Pairs
from throughtime.errors import UserError
from throughtime.tasks.chat import insight, rule
from throughtime.tasks.chat.data import apart, to_write, turns_of
from throughtime.tasks.chat.data import read as pairs_read
from throughtime.tasks.chat.model import CHOOSER, ChatConfig
from throughtime.tasks.chat.options import ChatOptions
from throughtime.tasks.chat.score import score
from throughtime.tasks.chat.stream import UNKNOWN, UNKNOWN_ZH, said_of
from throughtime.tasks.choosing.chooser import FILE, fingerprint
from throughtime.tasks.choosing.options import ChooserOptions
from throughtime.tasks.reading.data import Parts
from throughtime.tasks.sequence.options import SequenceOptions
from throughtime.tasks.sequence.stream import Answered, Wishes


@cache
def chosen() -> Any:
    """A model that chooses among the answers of a FAQ."""
    return Chat(**{**CHOOSING, "steps": 40}).fit(*faq(40), quiet=True)


@cache
def both() -> Any:
    """A model that learned from conversations, where nobody said how."""
    return contract.TestContract.case.fit()


@pytest.mark.parametrize(
    ("pairs", "mode"),
    [
        (Pairs(["a", "b", "c"], ["x", "y", "x"]), "choose"),
        (Pairs(["a", "b", "c"], ["x", "x", "x"]), "generate"),
        (Pairs(["a", "b", "c"], ["x", "y", "z"], groups=[0, 0, 1]), "both"),
        (Pairs(["a", "b", "c"], ["x", "x", "x"], groups=[0, 0, 1]), "generate"),
    ],
)
def test_the_rule_says_where_replies_come_from(pairs: Pairs, mode: str) -> None:
    assert rule.mode(pairs).value == mode


def test_the_mode_and_what_the_validation_part_says() -> None:
    assert chosen().record.options.mode == "choose"
    assert chosen().fitted().generator is None
    record = both().record
    assert record.options.mode == "both"
    assert record.decided.mode in ("choose", "generate", "both")
    assert both().fitted().mode == record.decided.mode
    said = contract.TestContract.case.fit(mode="both")
    assert (said.record.decided.mode, said.fitted().mode) == ("", "both")


def test_a_chooser_is_learned_as_it_was_measured() -> None:
    """As the encoders of a chooser by itself, whose options benchmarks are measured with."""
    many = Pairs([str(i) for i in range(1000)], [str(i) for i in range(1000)])
    said, usual = {one.name: one.value for one in rule.of_chooser(many, ChatOptions())}, ChooserOptions()
    names = ("hidden", "embedding", "dropout", "batch", "learning_rate", "average", "weight_decay", "beta_2")
    assert {name: said[name] for name in names} == {name: getattr(usual, name) for name in names}
    for name in ("clip", "final_fraction", "validations", "layers", "chrono"):
        assert getattr(ChatOptions(), name) == getattr(usual, name)
    assert chosen().record.options.cell == usual.cell
    assert chosen().record.options.weight_decay == usual.weight_decay
    options, config = both().record.options, both().fitted().config
    assert (options.cell, options.weight_decay) == (SequenceOptions().cell, SequenceOptions().weight_decay)
    assert config.chooser.context.layers[0][0].name == usual.cell
    assert config.generator.encoder.layers[0][0].name == options.cell
    assert config.chooser.dropout.input == contract.TestContract.case.options["dropout"]
    assert Chat(**{**CHOOSING, "cell": "lstm"}).fit(*faq(), quiet=True).record.options.cell == "lstm"


def test_a_choice_reads_more_turns_than_what_is_written() -> None:
    talk = [f"turn {i}" for i in range(9)]
    read = pairs_read([talk], None, None, "utf-8", ChatOptions().most_turns)
    assert turns_of(read.sources[-1]) == talk[:8]
    parts = Parts(read, read, read, None, False, None, "", [])
    assert turns_of(to_write(parts, ChatOptions()).learned.sources[-1]) == talk[5:8]
    assert to_write(parts, ChatOptions(turns=5)).learned.sources[-1] == read.sources[-1]
    model = both().fitted()
    assert (model.turns, model.written) == (100, 3)
    assert model.latest("\n".join(talk)) == "turn 6\nturn 7\nturn 8"
    said = contract.TestContract.case.fit(turns=2, steps=1).fitted()
    assert (said.turns, said.written) == (2, 2)
    assert said.latest("\n".join(talk)) == "\n".join(talk)


def test_all_answers_of_a_faq_can_be_given() -> None:
    model = Chat(**{**CHOOSING, "holdout": 0.2}).fit(*faq(40), quiet=True)
    assert sorted(model.fitted().chooser.answers) == sorted(faq(40)[1])
    assert len(model.examples.test) >= 4


def test_it_knows_its_own_questions_and_no_others() -> None:
    model, (asked, told) = chosen().fitted(), faq(40)
    answers = list(model.answer(asked))
    right = [one.outputs[0].text == wanted for one, wanted in zip(answers, told, strict=True)]
    assert np.mean(right) >= 0.9
    assert np.mean([not one.why for one in answers]) >= 0.8
    foreign = next(model.answer(["What is the capital of France?"]))
    assert foreign.why == "unsure"
    assert said_of(foreign) == UNKNOWN
    assert chosen().reply(["What is the capital of France?"]) == ""
    assert next(model.answer(["zzz qqq"], Wishes(at_least=0.0))).text
    assert next(model.answer([asked[0]], Wishes(at_least=1.0))).why == "unsure"
    assert next(model.answer([" \n "])).outputs == []


def test_it_says_that_it_does_not_know_in_the_language_of_the_question() -> None:
    assert said_of(Answered("你好吗", [], why="unsure")) == UNKNOWN_ZH
    assert said_of(Answered("これは何", [], why="unsure")) == UNKNOWN
    assert said_of(Answered("what", [], why="unsure")) == UNKNOWN


def test_what_is_asked_in_vain_is_told() -> None:
    model = chosen().fitted()
    with pytest.raises(UserError, match="needs no beam"):
        next(model.answer(["where is it?"], Wishes(beam=3)))
    with pytest.raises(UserError, match=r"diagnose: this model chooses replies.*--mode"):
        chosen().diagnose()
    with pytest.raises(UserError, match="a list of texts"):
        model.reply("where is it?")


def test_folders_of_before_have_a_generator_alone() -> None:
    config = both().fitted().config
    alone = ChatConfig(config.generator)
    assert ChatConfig.from_json(config.generator.to_json()) == alone
    assert alone.to_json() == config.generator.to_json()
    assert ChatConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert {name.startswith(CHOOSER) for name in config.shapes} == {True, False}
    with pytest.raises(UserError, match="a generator, a chooser"):
        ChatConfig.from_json({"generator": None})


def test_another_answer_in_the_folder_is_told(tmp_path: Path) -> None:
    chosen().save(tmp_path)
    kept = json.loads((tmp_path / FILE).read_text("utf-8"))
    kept["answers"][0] += "!"
    (tmp_path / FILE).write_text(json.dumps(kept), "utf-8")
    with pytest.raises(UserError, match=r"chooser\.json.*not the one that config\.json names"):
        throughtime.load(tmp_path)
    files = chosen().fitted().chooser.files(encoders=False)
    assert fingerprint(files) == chosen().record.decided.chooser


def test_it_runs_without_torch_in_a_conversation(tmp_path: Path) -> None:
    chosen().save(tmp_path)
    code = "import sys; sys.modules['torch'] = None; from throughtime.cli import main; main()"
    asked, told = faq(40)
    done = subprocess.run(
        [sys.executable, "-c", code, "run", str(tmp_path), "--at-least", "0"],
        input=f"{asked[3]}\n{asked[3]}\n\n{asked[5]}\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.split("\n")
    assert (lines[0], lines[2], lines[3]) == (told[3], "", told[5])
    assert lines[1] not in ("", told[3])


def test_scores_of_chosen_replies() -> None:
    asked, told = faq(40)
    learned, given = Pairs(asked[:28], told[:28]), Pairs(asked[28:], told[28:])
    found = score(chosen().fitted(), given, learned)
    assert 0 <= found["among_ten"] <= 100
    assert 0 <= found["baselines"]["TF-IDF"]["among_ten"] <= 100
    assert "TF-IDF" in found["verdict"]["sentence"]
    assert found["foreign_refused"] == pytest.approx(found["refused"])
    assert found["asked_otherwise"]["questions"] == 28
    assert 0 < found["distinct"] <= 1
    assert len(found["sentences"]) == 3
    for other in (score(chosen().fitted(), given, None), score(both().fitted(), both().examples.learned, None)):
        assert "refused" in other


def test_why_an_answer_was_chosen() -> None:
    pytest.importorskip("captum")
    asked, told = faq(40)
    found = insight.explain(chosen(), asked[0])
    assert len(found.parts) == len(next(iter(found.attributions.values())))
    assert found.parts[0] == "where"
    assert told[0] in found.answer
    assert found.seen
    with pytest.raises(UserError, match="--target must be one of the 40 answers"):
        insight.explain(chosen(), asked[0], target="no such answer")


def test_turns() -> None:
    pairs = apart(Pairs(["Hi.\nHello!\nHow much?", "Bye."], ["Two.", "See you."]))
    assert (pairs.context(0), pairs.context(1)) == (("Hi.", "Hello!", "How much?"), ("Bye.",))
    assert turns_of("a\n \nb") == ["a", "b"]


def test_the_command_says_where_replies_come_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "said.jsonl"
    file.write_text("".join(json.dumps({"turns": turns}) + "\n" for turns in conversations()), "utf-8")
    typed = contract.TestContract.case.typed
    assert cli.invoke(["train", "chat", str(file), "--out", str(tmp_path / "m"), "--mode", "choose", *typed]) == 0
    out = capsys.readouterr()
    assert "of what is said is answered with not knowing" in out.out
    assert json.loads((tmp_path / "m" / "config.json").read_text("utf-8"))["options"]["mode"] == "choose"
    assert "Replies are chosen" in (tmp_path / "m" / "report.html").read_text("utf-8")
    assert cli.invoke(["train", "chat", str(file), "--out", str(tmp_path / "n"), "--mode", "sing"]) == 2
    assert "choose, generate, both" in capsys.readouterr().err


def test_a_reply_goes_by_the_turns_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = chosen().fitted(), []
    monkeypatch.setattr(model, "answer", lambda texts, wishes: asked.extend(texts) or [Answered("", [])])
    monkeypatch.setattr(model, "turns", 2)
    model.reply(["one", "two", "three"])
    assert [turns_of(text) for text in asked] == [["two", "three"]]
