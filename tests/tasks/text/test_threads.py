"""One language model asked by several threads, or for two texts at once: what comes is right, or it is refused."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.tasks.text.small import make
from throughtime.errors import UserError
from throughtime.tasks.text.stream import TextModel


@pytest.fixture
def model() -> TextModel:
    return make(["lstm", "gru"])


@pytest.fixture
def _hasty() -> Iterator[None]:
    """Threads change as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def written(model: TextModel, prompt: str) -> str:
    return "".join(model.write(prompt, length=30, seed=1))


def read(model: TextModel, prompt: str) -> bytes:
    model.reset()
    first = model.read(prompt[:2])
    return first.tobytes() + model.read(prompt[2:]).tobytes() + b"".join(s.tobytes() for s in model.state[0])


def elsewhere(call: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("use", [written, read])
def test_what_two_threads_get_is_right_or_refused(model: TextModel, use: Callable[[TextModel, str], object]) -> None:
    prompts = ["the quick", "jumps over"]
    wanted = {prompt: use(model, prompt) for prompt in prompts}
    found: list[str] = []

    def work(prompt: str) -> None:
        for _ in range(150):
            try:
                found.append("right" if use(model, prompt) == wanted[prompt] else "wrong")
            except UserError as error:
                found.append("refused" if "\n" not in str(error) else "too long")

    threads = [threading.Thread(target=work, args=(prompt,)) for prompt in prompts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 300
    assert set(found) <= {"right", "refused"}, found
    assert "right" in found


def test_another_thread_may_not_read_on_but_begin_anew(model: TextModel) -> None:
    model.read("the ")
    for use in (lambda: model.read("quick"), lambda: model.step(0), lambda: model.state):
        with pytest.raises(
            UserError, match=r"another thread uses this model; load one for each, or call take_over\(\)"
        ):
            elsewhere(use)
    wanted = read(model, "the quick")
    with ThreadPoolExecutor(1) as pool:  # its thread lives on, idle
        assert pool.submit(read, model, "the quick").result() == wanted
        with pytest.raises(UserError, match="another thread uses this model"):
            model.read("brown")
        model.take_over()
        brown = model.read("brown").tobytes()
    read(model, "the quick")
    assert model.read("brown").tobytes() == brown


@pytest.mark.parametrize("other", [lambda m: m.step(0), lambda m: m.reset(), lambda m: next(m.write("fox"))])
def test_a_text_ends_where_its_model_is_used_for_something_else(
    model: TextModel, other: Callable[[TextModel], object]
) -> None:
    pieces = model.write("the ", length=30, seed=1)
    next(pieces)
    other(model)
    with pytest.raises(UserError, match="used for something else while it wrote this text; load one for each text"):
        list(pieces)


def test_a_text_goes_on_in_whichever_thread_asks_for_it(model: TextModel) -> None:
    """As a web server does it: each piece in another thread of a pool."""
    wanted = written(model, "the ")
    pieces = model.write("the ", length=30, seed=1)
    got: list[str] = []
    pools = [ThreadPoolExecutor(1) for _ in range(2)]
    for i in range(100):
        piece = pools[i % 2].submit(next, pieces, None).result()
        if piece is None:
            break
        got.append(piece)
        pools[i % 2].submit(lambda: model.state).result()  # looking at it ends nothing
    for pool in pools:
        pool.shutdown()
    assert "".join(got) == wanted


@pytest.mark.usefixtures("_hasty")
def test_streams_of_one_model_may_be_fed_from_several_threads(model: TextModel) -> None:
    text = "the quick brown fox "
    alone = model.stream()
    wanted = [alone.feed(sign).tobytes() for sign in text]

    def follow() -> list[bytes]:
        stream = model.stream()
        return [stream.feed(sign).tobytes() for sign in text]

    with ThreadPoolExecutor(4) as pool:
        assert all(logits == wanted for logits in pool.map(lambda _: follow(), range(12)))
