"""State_dicts of PyTorch: modules as people write them give the same numbers here; what is not said is asked for."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from throughtime import cli
from throughtime.errors import UserError
from throughtime.interop import folder, layers
from throughtime.interop.conversion import Conversion
from throughtime.interop.convert import convert, load
from throughtime.interop.model import ImportedModel
from throughtime.interop.pytorch.reference import quiet

X = torch.from_numpy(np.random.default_rng(2).standard_normal((3, 6, 4)).astype("float32"))
TOKENS = torch.from_numpy(np.random.default_rng(2).integers(0, 9, (3, 6)))


def net(**modules: nn.Module) -> nn.Module:
    """Modules under their names."""
    torch.manual_seed(1)
    made = nn.Module()
    for name, module in modules.items():
        setattr(made, name, module)
    for one in made.parameters():
        nn.init.normal_(one, std=0.4)
    return made.eval()


def saved(module: nn.Module, file: Path) -> Path:
    """A file with its state_dict."""
    torch.save(module.state_dict(), file)
    return file


def recurrent(kind: str, **options: Any) -> Any:
    """A recurrent module of 4 inputs and 5 units."""
    return getattr(nn, kind)(4, 5, batch_first=True, **options)


RECURRENT: list[tuple[str, Any, str]] = [
    ("lstm", recurrent("LSTM"), "lstm"),
    ("lstm no bias", recurrent("LSTM", bias=False, num_layers=2), "lstm"),
    ("lstm projected", recurrent("LSTM", proj_size=3, num_layers=2, bidirectional=True), "lstm"),
    ("lstm both", recurrent("LSTM", bidirectional=True, num_layers=3), "lstm"),
    ("gru", recurrent("GRU", num_layers=2), "gru"),
    ("gru both", recurrent("GRU", bidirectional=True, bias=False), "gru"),
    ("tanh", recurrent("RNN", num_layers=2, bidirectional=True), "rnn_tanh"),
    ("relu", recurrent("RNN", nonlinearity="relu"), "rnn_relu"),
]


@pytest.mark.parametrize(("module", "kind"), [r[1:] for r in RECURRENT], ids=[r[0] for r in RECURRENT])
def test_recurrent_modules(tmp_path: Path, module: Any, kind: str) -> None:
    made = net(rnn=module)
    conversion = convert(saved(made, tmp_path / "a.pt"), layers=f"rnn={kind}")
    proof = conversion.proof()
    assert proof.good, str(proof)
    assert all(layer.compared for layer in proof.layers)
    with torch.no_grad(), quiet():
        np.testing.assert_allclose(conversion.model.predict(X), module(X)[0], rtol=0, atol=1e-5)


HEADS: list[tuple[str, Callable[[Any], Any]]] = [
    ("rnn=lstm, last, fc=linear, softmax", lambda m: m.fc(m.rnn(X)[0][:, -1]).softmax(-1)),
    ("rnn=lstm, final, fc=linear", lambda m: m.fc(torch.cat(list(m.rnn(X)[1][0][-2:]), -1))),
    ("rnn=lstm, fc=linear, log_softmax", lambda m: m.fc(m.rnn(X)[0]).log_softmax(-1)),
    ("rnn=lstm, dropout, mean, fc=linear, leaky_relu:0.2", lambda m: nn.LeakyReLU(0.2)(m.fc(m.rnn(X)[0].mean(1)))),
    ("rnn=lstm, fc=linear, max, gelu", lambda m: nn.GELU()(m.fc(m.rnn(X)[0]).amax(1))),
]


@pytest.mark.parametrize(("text", "truth"), HEADS, ids=[text for text, _ in HEADS])
def test_what_comes_behind(tmp_path: Path, text: str, truth: Callable[[Any], Any]) -> None:
    made = net(rnn=recurrent("LSTM", bidirectional=True, num_layers=2), fc=nn.Linear(10, 3))
    conversion = convert(saved(made, tmp_path / "a.pth"), layers=text)
    assert conversion.proof().good
    with torch.no_grad():
        np.testing.assert_allclose(conversion.model.predict(X), truth(made), rtol=0, atol=1e-5)


def test_tokens_norms_and_cells(tmp_path: Path) -> None:
    made = net(
        embed=nn.Embedding(9, 4, padding_idx=0), norm=nn.LayerNorm(4), cell=nn.GRUCell(4, 5), bn=nn.BatchNorm1d(5)
    )
    made.bn.running_mean = torch.linspace(-1, 1, 5)  # type: ignore[union-attr]
    text = "embed=embedding, norm=layer_norm:1e-5, cell=gru, last, bn=batch_norm:1e-5, hardtanh"
    conversion = convert(saved(made, tmp_path / "a.pt"), layers=text)
    assert conversion.proof().good
    with torch.no_grad():
        h = torch.zeros(3, 5)
        for t in range(6):
            h = made.cell(made.norm(made.embed(TOKENS[:, t])), h)  # type: ignore[operator]
        wanted = nn.Hardtanh()(made.bn(h))  # type: ignore[operator]
    np.testing.assert_allclose(conversion.model.predict(TOKENS.numpy()), wanted, rtol=0, atol=1e-5)


def test_safetensors_and_a_file_with_the_steps(tmp_path: Path) -> None:
    made = net(rnn=recurrent("GRU"), fc=nn.Linear(5, 2))
    save_file(made.state_dict(), tmp_path / "a.safetensors")
    (tmp_path / "steps.json").write_text(json.dumps(["rnn=gru", "fc=linear"]))
    model = load(tmp_path / "a.safetensors", tmp_path / "steps.json")
    with torch.no_grad():
        np.testing.assert_allclose(model.predict(X), made.fc(made.rnn(X)[0]), rtol=0, atol=1e-5)  # type: ignore[operator]
    stream = model.stream()
    whole = model.predict(X)[0]
    assert np.array_equal(np.concatenate([stream.feed(X[0, :2]), stream.feed(X[0, 2:])]), whole)


def test_one_lstm_needs_no_description(tmp_path: Path) -> None:
    torch.save(recurrent("LSTM", num_layers=2).state_dict(), tmp_path / "a.pt")
    assert convert(tmp_path / "a.pt").model.graph.names == ("x", "lstm.l0", "lstm.l1")


def test_a_checkpoint(tmp_path: Path) -> None:
    made = net(rnn=recurrent("GRU"))
    adam = torch.optim.Adam(made.parameters())
    made.rnn(X)[0].sum().backward()  # type: ignore[operator]
    adam.step()
    state = {"model": made.state_dict(), "optimizer": adam.state_dict(), "epoch": 3}
    torch.save(state, tmp_path / "a.pt")
    model = convert(tmp_path / "a.pt", layers="rnn=gru").model
    assert model.origin["left"] == ["entry 'optimizer'", "entry 'epoch'"]
    torch.save(state | {"ema": made.state_dict()}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="several state_dicts, model, ema"):
        convert(tmp_path / "a.pt", layers="rnn=gru")


def test_what_is_not_said_is_asked_for(tmp_path: Path) -> None:
    file = saved(net(embed=nn.Embedding(9, 4), rnn=recurrent("RNN"), fc=nn.Linear(5, 2)), tmp_path / "a.pt")
    for text, words in (
        (None, "--layers 'embed=embedding|linear, rnn=rnn_tanh|rnn_relu, fc=linear'"),
        ("embed=embedding, rnn=rnn, fc=linear", "say rnn_tanh or rnn_relu"),
        ("embed=embedding, rnn=rnn_tanh", "2 arrays belong to no step of the description, fc.weight, fc.bias"),
        ("embed=embedding, rnn=lstm, fc=linear", "is no lstm"),
        ("embed=embedding, rnn=rnn_tanh, fc=linear, last, last", "last needs a sequence"),
        ("embed=embedding, rnn=rnn_tanh, fc=linear, final", "final stands behind a recurrent module"),
        ("embed=embedding, fc=linear, rnn=rnn_tanh", r"fc.weight is \(2, 5\), expected \(any, 4\)"),
        ("embed=embedding, rnn=rnn_tanh, out=linear", "there is no out.weight"),
        ("embed=embedding, rnn=rnn_tanh, fc=conv", "one of lstm, gru"),
        ("embed=embedding, rnn=rnn_tanh, fc=linear, a=tanh", "tanh has no arrays"),
        ("embed=embedding, rnn=rnn_tanh, fc=linear, tanh:3", "at most 0 numbers"),
        ("embed=embedding, rnn=rnn_tanh, fc=layer_norm", "does not say the epsilon"),
        ("tanh, embed=embedding", "embedding, a recurrent or a linear module first, got tanh"),
    ):
        with pytest.raises(UserError, match=words.replace("|", r"\|") if text is None else words):
            convert(file, layers=text)


def test_code_is_never_run(tmp_path: Path) -> None:
    torch.save(recurrent("GRU"), tmp_path / "a.pt")
    with pytest.raises(
        UserError, match=r"code of its own \(torch.nn.modules.rnn.GRU\), which is never run; .*state_dict"
    ):
        convert(tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "b.pt", "w") as archive:
        archive.writestr("b/constants.pkl", b"")
    with pytest.raises(UserError, match=r"a compiled program .*torch\.save\(model\.state_dict\(\), FILE\)"):
        convert(tmp_path / "b.pt")


def test_files_that_are_damaged(tmp_path: Path) -> None:
    file = saved(recurrent("GRU"), tmp_path / "a.pt")
    whole = file.read_bytes()
    for part in (0, 3, 300, len(whole) - 200):
        file.write_bytes(whole[:part])
        with pytest.raises(UserError, match=r"a\.pt"):
            convert(file)
    for value, words in (
        ([1, 2], "expected a state_dict, got list"),
        ({"a": 1}, "'a' is no array"),
        ({"a": torch.zeros(2, dtype=torch.complex64)}, "expected plain numbers"),
        ({"a": torch.zeros(1).expand(1 << 34)}, "GB it may take"),
        ({"a": torch.zeros(2, dtype=torch.int64)}, "expected floating point"),
    ):
        torch.save(value, file)
        with pytest.raises(UserError, match=words):
            convert(file)


def sabotaged(conversion: Conversion) -> list[ImportedModel]:
    """The model with two gates exchanged, a bias gone, a direction lost."""
    model = conversion.model
    found = []
    for a, b in (("W_xr", "W_xz"), ("b_xn", "b_hn"), ("W_hr", "W_hn")):
        keys = [f"1.ahead.0.{a}", f"1.ahead.0.{b}"]
        values = dict(zip(keys, [model.parameters[k] for k in reversed(keys)], strict=True))
        found.append(ImportedModel(model.graph, {**model.parameters, **values}))
    lost = {k.replace(".back.", ".ahead."): k for k in model.parameters if ".back." in k}
    found.append(ImportedModel(model.graph, {**model.parameters, **{k: model.parameters[v] for k, v in lost.items()}}))
    return found


def test_sabotage_is_caught(tmp_path: Path) -> None:
    made = net(rnn=recurrent("GRU", bidirectional=True), fc=nn.Linear(10, 2))
    conversion = convert(saved(made, tmp_path / "a.pt"), layers="rnn=gru, fc=linear")
    for wrong in sabotaged(conversion):
        assert conversion.proof(wrong).deviates == "rnn"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = saved(net(rnn=recurrent("LSTM"), fc=nn.Linear(5, 2)), tmp_path / "a.pt")
    assert cli.invoke(["import", str(file), "--out", str(tmp_path / "m")]) == 2
    assert "--layers 'rnn=lstm, fc=linear'" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
    how = ["--layers", "rnn=lstm, last, fc=linear"]
    assert cli.invoke(["import", str(file), "--out", str(tmp_path / "m"), *how]) == 0
    assert isinstance(folder.load(tmp_path / "m").graph.layers[1], layers.Recurrent)
    assert cli.invoke(["verify", str(tmp_path / "m"), str(file), *how]) == 0
    assert cli.invoke(["verify", str(tmp_path / "m"), str(file), "--layers", "rnn=lstm, fc=linear"]) == 2


@pytest.mark.parametrize("wrapped", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "rnn"])
def test_names_of_wrappers_do_not_matter(tmp_path: Path, wrapped: str) -> None:
    """What DataParallel and torch.compile put before names may be said or not, also for one module alone."""
    made = net(rnn=recurrent("LSTM"), fc=nn.Linear(5, 2))
    state = made.state_dict()
    named = {
        (name.replace("rnn.", "rnn._orig_mod.") if wrapped == "rnn" else wrapped + name): value
        for name, value in state.items()
    }
    torch.save({"epoch": 3, "checkpoint": {"model": named, "optimizer": optimizer_of(made)}}, tmp_path / "a.pt")
    before = "" if wrapped == "rnn" else wrapped
    with torch.no_grad():
        wanted = made.fc(made.rnn(X)[0])  # type: ignore[operator]
    for prefix in ("", before):
        conversion = convert(tmp_path / "a.pt", layers=f"{prefix}rnn=lstm, {prefix}fc=linear")
        np.testing.assert_allclose(conversion.model.predict(X), wanted, rtol=0, atol=1e-5)


def optimizer_of(made: nn.Module) -> Any:
    """What Adam keeps after a step, which looks like a state_dict for each parameter."""
    optimizer = torch.optim.Adam(made.parameters())
    sum(one.sum() for one in made.parameters()).backward()  # type: ignore[union-attr]
    optimizer.step()
    optimizer.zero_grad()
    return optimizer.state_dict()


def test_wrappers_are_left_where_names_would_fall_together(tmp_path: Path) -> None:
    made = net(rnn=recurrent("GRU"))
    state = {f"rnn.{name}": value for name, value in made.rnn.state_dict().items()}  # type: ignore[union-attr]
    again = {name.replace("rnn.", "rnn._orig_mod."): value for name, value in state.items()}
    torch.save(state | again, tmp_path / "a.pt")
    with pytest.raises(UserError, match="arrays belong to no step"):
        convert(tmp_path / "a.pt", layers="rnn=gru")
