"""ReadingJob: every row once an epoch, batches of about one length, a loss and a judgement that are what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.tasks.reading.texts import FILL
from throughtime.data.columns import Columns
from throughtime.models.examples import Examples
from throughtime.models.ops_torch import TorchModel
from throughtime.models.reader import ReaderConfig
from throughtime.models.resolve import trace_of
from throughtime.models.stack import Dropout, Stack
from throughtime.tasks.classify import model as classifier
from throughtime.tasks.classify.model import WHO, ClassifierConfig, above
from throughtime.tasks.reading.job import ROWS, Epoch, Member, ReadingJob, tensors
from throughtime.tasks.reading.options import ReaderOptions

CELL = [trace_of("gru")]


@pytest.mark.parametrize(("count", "batch"), [(1, 4), (7, 7), (100, 8), (999, 16)])
def test_every_row_once_an_epoch_for_each_member(count: int, batch: int) -> None:
    lengths = [np.random.default_rng(m).integers(1, 200, count) for m in range(3)]
    epoch = Epoch(lengths, batch, 5, 2)
    assert len(epoch) == -(-count // batch)
    for m in range(3):
        rows = [epoch[i][m][0] for i in range(len(epoch))]
        assert sorted(np.concatenate(rows).tolist()) == list(range(count))
        assert all(0 < len(own) <= batch for own in rows)
        padding = sum(lengths[m][own].max() * len(own) for own in rows) / lengths[m].sum()
        if count >= 20 * batch // 2:
            assert padding < 1.3  # in a random order it would be nearly 2
    for position in (-1, len(epoch)):
        with pytest.raises(IndexError):
            epoch[position]


def test_an_epoch_is_decided_by_seed_and_number() -> None:
    lengths = [np.random.default_rng(0).integers(1, 50, 200)] * 2

    def told(seed: int, number: int, m: int = 0) -> list[Any]:
        epoch = Epoch(lengths, 16, seed, number)
        return [(rows.tolist(), rng.random()) for rows, rng in (epoch[i][m] for i in range(len(epoch)))]

    assert told(0, 0) == told(0, 0)
    assert len({number for _, number in told(0, 0)}) == 13
    for other in (told(1, 0), told(0, 1), told(0, 0, 1)):
        assert [rows for rows, _ in other] != [rows for rows, _ in told(0, 0)]
        assert not {number for _, number in other} & {number for _, number in told(0, 0)}
    sizes = [max(lengths[0][rows]) for rows, _ in told(0, 0)]
    assert sizes != sorted(sizes)  # not the short ones first


class ToldJob(ReadingJob):
    """Learns whether a text's number is odd, and tells what it was asked."""

    def __init__(self, members: list[Member], labels: np.ndarray, options: ReaderOptions) -> None:
        super().__init__(members, options, lambda arrays, note: self.told.update(kept=arrays))
        self.told: dict[str, Any] = {"labels": labels}
        self.renew: Callable[[int], list[Examples]] | None = None

    def losses(self, model: Any, output: Any, tokens: Any, rows: np.ndarray) -> Any:
        self.told["tokens"] = tokens
        own = torch.from_numpy(self.told["labels"][rows])
        return torch.nn.functional.cross_entropy(output, own, reduction="none")

    def judge(self, outputs: Any) -> float:
        self.told["outputs"] = outputs
        return 0.25

    def renewed(self, number: int) -> list[Examples] | None:
        return None if self.renew is None else self.renew(number)


def job_of(members: int = 2, sentences: bool = False, held: int = 20, **options: Any) -> tuple[ToldJob, dict[str, Any]]:
    """Members with dropout that learn texts of many lengths, and what their job was told."""
    rng = np.random.default_rng(0)
    texts = [[*rng.choice(FILL, rng.integers(1, 30)), "."] * 2 for _ in range(60 + held)]
    columns, counts = Columns.fit(texts, ("word",))
    dropout = Dropout(input=0.5, output=0.5)
    reader = ReaderConfig.stack(WHO, [("word", columns.sizes[0], 4)], CELL, 3, pieces=(0, 0), dropout=dropout)
    over = Stack.of(CELL, above(("max",), reader), 3, True).layers if sentences else ()
    config = ClassifierConfig(reader, 2, ("max",), over)
    learned = Examples.of(columns, texts[:60], sentences)
    apart = Examples.of(columns, texts[60:], sentences) if held else None
    team = []
    for m in range(members):
        parameters = classifier.initial_parameters(config, np.random.default_rng(m))
        team.append(Member(TorchModel(classifier, config, parameters, m), learned, apart, counts, f"0.{m}."))
    job = ToldJob(team, np.arange(60 + held) % 2, ReaderOptions(batch=16, seed=3, **options))
    return job, job.told


@pytest.mark.parametrize("sentences", [False, True])
def test_it_is_judged_by_what_the_members_say_of_each_text(sentences: bool) -> None:
    job, told = job_of(sentences=sentences, held=ROWS + 30)
    assert job.validate() == 0.25
    assert all(one.model.training for one in job.members)  # again, afterwards
    for one, own in zip(job.members, told["outputs"], strict=True):
        assert one.held is not None
        assert len(own) > 1
        assert sorted(np.concatenate([rows for rows, _ in own]).tolist()) == list(range(ROWS + 30))
        one.model.eval()
        for rows, logits in own:
            for b in (0, len(rows) - 1):  # alone, without the company of a batch and without dropout
                given = [tensors(part) for part in one.held.inputs(rows[b : b + 1]) if part is not None]
                torch.testing.assert_close(one.model(*given)[0], logits[b], rtol=1e-5, atol=1e-6)
        assert not logits.requires_grad
    assert job_of(held=0)[0].validate() is None


def test_the_loss_is_the_mean_over_texts_and_members() -> None:
    job, told = job_of()
    for one in job.members:
        one.model.eval()
    batch = job.epoch(0)[0]
    found, count = job.loss(batch)
    assert count == len(batch[0][0]) == 16
    wanted = []
    for one, (rows, _) in zip(job.members, batch, strict=True):
        logits = one.model(tensors(one.learned.inputs(rows)[0]))
        wanted.append(torch.nn.functional.cross_entropy(logits, torch.from_numpy(told["labels"][rows])))
    assert found.item() == pytest.approx(torch.stack(wanted).mean().item(), rel=1e-5)
    assert not torch.equal(torch.from_numpy(batch[0][0]), torch.from_numpy(batch[1][0]))


def test_tokens_are_forgotten_anew_and_the_same_when_asked_again() -> None:
    job, told = job_of(members=1, word_dropout=0.3)
    epoch = job.epoch(0)
    seen = []
    for position in (0, 0, 1):
        ((rows, rng),) = epoch[position]
        job.loss([(rows, rng)])
        mask = np.arange(len(told["tokens"].ids[0]))[:, None] < told["tokens"].lengths.numpy()
        seen.append(told["tokens"].ids.numpy())
        assert 0.2 < (seen[-1][0] == 0)[mask].mean() < 0.4
    np.testing.assert_array_equal(seen[0], seen[1])
    assert seen[0].shape != seen[2].shape or not np.array_equal(seen[0], seen[2])


def test_what_is_learned_from_can_change_from_epoch_to_epoch() -> None:
    numbers = []

    def renew(number: int) -> list[Examples]:
        numbers.append(number)
        return [job.members[0].learned, other]

    job, told = job_of()
    job.renew = renew
    columns = Columns(("word",), [FILL])
    other = Examples.of(columns, [["the"] * 3] * 60)
    assert job.steps_per_epoch == 4
    epoch = job.epoch(7)
    assert numbers == [7]
    job.loss(epoch[0])
    assert told["tokens"].ids.shape == (1, 3, len(epoch[0][1][0]))  # of the last member, whose texts are others now


def test_what_a_checkpoint_needs_and_what_is_kept() -> None:
    job, told = job_of()
    names = set(job.parameters())
    assert {name[:4] for name in names} == {"0.0.", "0.1."}
    job.keep({"step": 1})
    assert told["kept"].keys() == names
    batch = [job.epoch(0)[0], job.epoch(0)[0]]
    state = {name: value.clone() for name, value in job.state().items()}
    assert state.keys() == {"0.0.generator", "0.1.generator"}
    first = job.loss(batch[0])[0].item()
    second = job.loss(job.epoch(0)[0])[0].item()
    assert first != second  # dropout
    job.restore(state)
    assert job.loss(batch[1])[0].item() == first
    with torch.no_grad():
        next(iter(job.parameters().values())).zero_()
    assert told["kept"][next(iter(job.parameters()))].any()  # a copy


def test_the_flow_of_the_gradient_is_looked_at() -> None:
    found = job_of()[0].flow()
    assert found is not None
    assert found[0]
    assert found[1] == []
    assert job_of(sentences=True)[0].flow() is None
