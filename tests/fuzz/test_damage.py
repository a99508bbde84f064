"""Damaged and hostile files, made by hypothesis: nothing but a UserError, no hang, no gigabyte."""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.entrances import (
    ARRAY_FILES,
    GOLDEN,
    JSON_FILES,
    OLDER,
    READERS,
    TEXT,
    columns_entrance,
    config_entrance,
    folder_entrance,
    mutated,
    raw,
    reader_entrance,
    sound,
    sound_reader,
    tokenizer_entrance,
    write_folder,
)
from throughtime.data import tokenizers
from throughtime.data.text import read_text
from throughtime.errors import UserError
from throughtime.storage.folder import CONFIG, TOKENIZER, WEIGHTS
from throughtime.tasks.load import load

pytestmark = pytest.mark.long

GIGABYTE = 1 << 30
FEW = settings(max_examples=60, deadline=30_000, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=250)


@pytest.fixture(autouse=True, scope="module")
def limited() -> Iterator[None]:
    """At most a gigabyte more than the process has; NumPy's warnings about overflowing weights are no failures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        if not sys.platform.startswith("linux"):
            yield
            return
        import resource

        before = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + GIGABYTE, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)


def test_the_sound_model_loads_and_most_mutations_do_not() -> None:
    config, _, tokenizer = sound()
    assert config_entrance(config)
    assert folder_entrance(CONFIG, json.dumps(config).encode())
    assert tokenizer_entrance(tokenizer, TEXT)
    for task in READERS:
        about, reader = sound_reader(task)
        assert reader_entrance(about["model"]["readers"][0], task)
        assert columns_entrance(reader.columns.to_json())
        for name in (*JSON_FILES, *ARRAY_FILES):
            assert folder_entrance(name, raw(name, task), task)
    for older in OLDER:
        assert folder_entrance(CONFIG, (GOLDEN / older / CONFIG).read_bytes(), older)


@MANY
@given(st.randoms(use_true_random=False))
def test_a_mutated_configuration(random: Any) -> None:
    config_entrance(mutated(sound()[0], random.randrange))


@FEW
@given(st.randoms(use_true_random=False))
def test_a_mutated_configuration_in_its_folder(random: Any) -> None:
    folder_entrance(CONFIG, json.dumps(mutated(sound()[0], random.randrange)).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@FEW
@given(st.sampled_from([CONFIG, TOKENIZER]), JSON)
def test_any_json_as_a_file_of_the_folder(name: str, data: Any) -> None:
    folder_entrance(name, json.dumps(data).encode())


@FEW
@given(
    st.sampled_from([CONFIG, WEIGHTS, TOKENIZER]), st.binary(max_size=200), st.integers(0, 4000), st.integers(0, 300)
)
def test_bytes_written_into_a_file_of_the_folder(name: str, patch: bytes, at: int, removed: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        raw = (write_folder(Path(place)) / name).read_bytes()
    at %= len(raw) + 1
    folder_entrance(name, raw[:at] + patch + raw[at + removed :])


@FEW
@given(st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_of_the_header(flips: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        raw = bytearray((write_folder(Path(place)) / WEIGHTS).read_bytes())
    for at, value in flips:
        raw[at % len(raw)] = value
    folder_entrance(WEIGHTS, bytes(raw))


KINDS = [tokenizers.fit(kind, TEXT).to_json() for kind in ("characters", "bytes", "words")]
BPE = tokenizers.fit("bpe", TEXT, 262).to_json()


@MANY
@given(st.sampled_from([*KINDS, BPE]), st.randoms(use_true_random=False), st.text(max_size=20))
def test_a_mutated_tokenizer(data: Any, random: Any, text: str) -> None:
    tokenizer_entrance(mutated(data, random.randrange), text)


@FEW
@given(
    st.binary(max_size=300), st.sampled_from(["utf-8", "utf-16", "latin-1", "gb18030", "utf-7", "cp1252", "hex", "\0"])
)
def test_any_bytes_as_a_text_file(content: bytes, encoding: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "text.txt"
        path.write_bytes(content)
        try:
            read_text(path, encoding).encode("utf-8")
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017 - it may raise, or not


@FEW
@given(st.text(st.characters(), max_size=30) | st.text("the cat\n", max_size=30))
def test_any_prompt(prompt: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        model = load(write_folder(Path(place)))
    try:
        "".join(model.write(prompt, length=2))
    except UserError as error:
        assert "not in the vocabulary" in str(error)  # noqa: PT017


TASKS = st.sampled_from([*READERS])


@MANY
@given(TASKS, st.randoms(use_true_random=False))
def test_mutated_sizes_of_a_model_that_reads_texts(task: str, random: Any) -> None:
    reader_entrance(mutated(sound_reader(task)[0]["model"]["readers"][0], random.randrange), task)


@MANY
@given(TASKS, st.sampled_from(JSON_FILES), st.randoms(use_true_random=False))
def test_mutated_json_of_a_model_that_reads_texts(task: str, name: str, random: Any) -> None:
    folder_entrance(name, json.dumps(mutated(json.loads(raw(name, task)), random.randrange)).encode(), task)


@FEW
@given(TASKS, st.randoms(use_true_random=False))
def test_what_a_model_has_decided_mutated(task: str, random: Any) -> None:
    config = sound_reader(task)[0]
    section = ("decided", "data", "options")[random.randrange(3)]
    changed = {**config, section: mutated(config[section], random.randrange)}
    folder_entrance(CONFIG, json.dumps(changed).encode(), task)


@MANY
@given(st.sampled_from(OLDER), st.randoms(use_true_random=False))
def test_a_mutated_configuration_of_an_older_folder(name: str, random: Any) -> None:
    config = json.loads((GOLDEN / name / CONFIG).read_text("utf-8"))
    folder_entrance(CONFIG, json.dumps(mutated(config, random.randrange)).encode(), name)


@FEW
@given(TASKS, st.sampled_from(JSON_FILES), JSON)
def test_any_json_as_a_file_of_a_model_that_reads_texts(task: str, name: str, data: Any) -> None:
    folder_entrance(name, json.dumps(data).encode(), task)


@FEW
@given(
    TASKS,
    st.sampled_from((*JSON_FILES, *ARRAY_FILES)),
    st.binary(max_size=200),
    st.integers(0, 4000),
    st.integers(0, 300),
)
def test_bytes_written_into_a_model_that_reads_texts(task: str, name: str, patch: bytes, at: int, removed: int) -> None:
    whole = raw(name, task)
    at %= len(whole) + 1
    folder_entrance(name, whole[:at] + patch + whole[at + removed :], task)


@MANY
@given(
    TASKS,
    st.sampled_from(ARRAY_FILES),
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_flipped_bytes_of_a_model_that_reads_texts(task: str, name: str, flips: list[tuple[int, int]]) -> None:
    changed = bytearray(raw(name, task))
    for at, value in flips:
        changed[at % len(changed)] = value
    folder_entrance(name, bytes(changed), task)


@MANY
@given(TASKS, st.randoms(use_true_random=False))
def test_mutated_columns(task: str, random: Any) -> None:
    columns_entrance(mutated(sound_reader(task)[1].columns.to_json(), random.randrange))
