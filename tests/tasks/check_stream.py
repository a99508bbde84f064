"""What every task promises of streams: the whole in any pieces, bit for bit from where they were saved."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

import throughtime
from tests.tasks.case import Followed, headed, header, one_line, same
from tests.tasks.checked import Checked
from throughtime.errors import UserError


class CheckStream(Checked):
    """Following."""

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
