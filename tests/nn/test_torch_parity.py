"""What PyTorch's own tests ask of its recurrent layers, asked of ours.

PyTorch's test/test_nn.py and test/nn/ test of RNN, LSTM, GRU and their cells:

    results, states, gradients, gradients of gradients     test_modules.py, test_functional.py
    layers, directions, bias, batch_first, proj_size       test_modules.py, test_cells.py
    packed, unbatched, dropout between layers              test_modules.py; dropout 0 and 1, changed later: here
    wrong sizes, dtypes, counts of states                  test_modules.py (torch's messages); devices: here
    proj_size on RNN and GRU, unknown nonlinearity         test_modules.py
    copies, pickles, state_dict, the same seed             test_modules.py; old pickles, shared memory: here
    weight norm, old and new                               test_modules.py; spectral norm: here
    replaced, tied and frozen weights                      test_modules.py; tied, set to None: here
    flatten_parameters, hooks, repr, apply                 here
    half, bfloat16, double and back                        here
    non-contiguous and expanded inputs and states          here
    no steps, no rows, input of size zero                  test_modules.py; size zero: refused, here
    meta and fake tensors, jit, export                     test_modules.py, test_choice.py
    compile, vmap                                          test_compile.py, test_transforms.py
    cuDNN                                                  test_cuda.py
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch

import throughtime.nn
from tests.nn.helpers import KINDS, assert_gradients, assert_outputs, compare, flat, gradients, initial, pair

# torch.nn.LSTM says this of itself
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")


def data(*shape: int) -> Any:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.usefixtures("only_engine")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_dropout_of_nothing_and_of_everything(kind: str, share: float) -> None:
    ours, theirs = pair(kind, num_layers=2, dropout=share)
    x = data(4, 3, 5)
    compare(ours, theirs, x, None, [x])
    if share:
        zeroed = ours(x * 100)
        assert_outputs(ours(x)[0], zeroed[0])  # nothing of the input passes the second layer
    ours.dropout = theirs.dropout = 0.5  # changed later
    compare(ours, theirs, x, None, [x])


@pytest.mark.usefixtures("only_engine")
@pytest.mark.parametrize("kind", KINDS)
def test_views_of_all_sorts(kind: str) -> None:
    ours, theirs = pair(kind, num_layers=2)
    x = data(5, 3, 4).transpose(0, 2)  # (4, 3, 5), the last axis not contiguous
    compare(ours, theirs, x, initial(ours, 3), [])
    wide = data(8, 6, 10)[::2, ::2, ::2]
    compare(ours, theirs, wide, initial(ours, 3), [])
    same = data(1, 1, 5).expand(4, 3, 5)
    states = initial(ours, 1)
    states = tuple(s.expand(2, 3, -1) for s in states) if ours.mode == "LSTM" else states.expand(2, 3, -1)
    compare(ours, theirs, same, states, [])
    flipped = data(4, 3, 5).flip(0)
    compare(ours, theirs, flipped, None, [])


@pytest.mark.usefixtures("only_engine")
def test_weights_that_are_views() -> None:
    ours, theirs = pair("lstm")
    x = data(4, 3, 5)
    for module in (ours, theirs):
        whole = torch.linspace(-1, 1, 36 * 10, dtype=torch.float64).view(10, 36)
        module.weight_ih_l0 = torch.nn.Parameter(whole.T[:, ::2])
    compare(ours, theirs, x, None, [x])


@pytest.mark.usefixtures("only_engine")
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_tied_weights(kind: str) -> None:
    ours, theirs = pair(kind, 5, 9, num_layers=3)
    x = data(4, 3, 5)
    for module in (ours, theirs):
        module.weight_hh_l1 = module.weight_hh_l0
        module.weight_ih_l2 = module.weight_ih_l1
    a, b = ours(x), theirs(x)
    assert_outputs(a, b)
    assert len(list(ours.parameters())) == 10
    assert_gradients(gradients(a, list(ours.parameters())), gradients(b, list(theirs.parameters())))


@pytest.mark.usefixtures("only_engine")
def test_spectral_norm() -> None:
    ours, theirs = pair("gru")
    x = data(4, 3, 5)
    for module in (ours, theirs):
        torch.manual_seed(1)
        torch.nn.utils.parametrizations.spectral_norm(module, "weight_hh_l0")
    ours.eval(), theirs.eval()  # no power iteration between the two runs
    compare(ours, theirs, x, None, [x])


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_apply_and_repr(kind: str) -> None:
    ours, theirs = pair(kind, num_layers=2, bidirectional=True, dropout=0.1)
    assert repr(ours) == repr(theirs)
    assert [type(m) for m in ours.modules()] == [type(ours)]
    seen: list[str] = []
    ours.register_forward_pre_hook(lambda module, arguments: seen.append("before"))
    ours.register_forward_hook(lambda module, arguments, result: seen.append("after"))
    ours.register_full_backward_hook(lambda module, *rest: seen.append("backward"))
    x = data(4, 3, 5)
    flat(ours(x))[0].sum().backward()
    assert seen == ["before", "after", "backward"]
    grown: list[Any] = []
    ours.weight_hh_l1.register_hook(lambda gradient: grown.append(gradient) or gradient * 2)
    first = ours.weight_hh_l1.grad.clone()
    torch.manual_seed(0)
    ours.zero_grad()
    flat(ours.eval()(x))[0].sum().backward()
    assert torch.equal(ours.weight_hh_l1.grad, 2 * grown[0])
    assert first.shape == grown[0].shape
    ours.apply(lambda module: [p.data.fill_(0.0) for p in module.parameters()])
    assert not flat(ours.double()(x))[0].any()


@pytest.mark.parametrize("kind", KINDS)
def test_flatten_parameters_and_moves_keep_the_parameters(kind: str) -> None:
    ours, theirs = pair(kind, num_layers=2)
    x = data(4, 3, 5)
    before = list(ours.parameters())
    ours.flatten_parameters()
    ours.cpu(), ours.to("cpu"), ours.double(), ours.share_memory()
    assert all(a is b for a, b in zip(before, ours.parameters(), strict=True))
    assert all(parameter.is_shared() for parameter in ours.parameters())
    compare(ours, theirs, x, None, [x])
    assert_outputs(pickle.loads(pickle.dumps(ours))(x), theirs(x))


@pytest.mark.parametrize("kind", ["rnn", "relu", "lstm", "gru"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_lower_precision_is_torchs(kind: str, dtype: Any) -> None:
    ours, theirs = pair(kind, dtype=torch.float32)
    ours, theirs = ours.to(dtype), theirs.to(dtype)
    x = torch.randn(4, 3, 5).to(dtype)
    results: list[Any] = []
    for module in (ours, theirs):
        try:
            results.append([t.float() for t in flat(module(x))])
        except RuntimeError as error:  # what a processor lacks, it lacks for both
            results.append(str(error))
    if isinstance(results[1], str):
        assert results[0] == results[1]
    else:
        assert_outputs(*results)


def test_old_state_dicts_and_old_pickles() -> None:
    ours, theirs = pair("lstm", dtype=torch.float32)
    x = torch.randn(4, 3, 5)
    expected = theirs(x)
    old = copy.deepcopy(theirs.state_dict())
    old["weight_ih_l0"] = old.pop("weight_ih_l0").t().contiguous().t()  # stored in another order
    assert_outputs(_loaded(old)(x), expected)
    state = ours.__getstate__() if hasattr(ours, "__getstate__") else dict(ours.__dict__)
    state = {key: value for key, value in state.items() if key not in ("proj_size", "_flat_weight_refs")}
    fresh = throughtime.nn.LSTM.__new__(throughtime.nn.LSTM)
    fresh.__setstate__(state)  # torch 1.7 knew no proj_size
    assert_outputs(fresh(x), expected)
    with pytest.raises(RuntimeError, match="weight_hh_l1"):
        throughtime.nn.LSTM(5, 9, 2).load_state_dict(old)


def _loaded(state: Any) -> Any:
    module = throughtime.nn.LSTM(5, 9)
    module.load_state_dict(state)
    return module


@pytest.mark.filterwarnings("ignore:dropout option adds dropout after all but last")
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"dropout": -0.1},
        {"dropout": 1.1},
        {"dropout": True},
        {"dropout": "0.1"},
        {"input_size": 0},
        {"hidden_size": 0},
        {"hidden_size": -1},
        {"hidden_size": 4.0},
        {"num_layers": 0},
        {"proj_size": -1},
        {"proj_size": 4},
        {"surprise": 1},
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_in_torchs_words(name: str, arguments: Any) -> None:
    arguments = {"input_size": 3, "hidden_size": 4, **arguments}
    said = []
    for package in (torch.nn, throughtime.nn):
        with pytest.raises((ValueError, TypeError)) as caught:
            getattr(package, name)(**arguments)
        said.append(str(caught.value))
    assert said[0] == said[1]


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_other_devices_than_the_weights(kind: str) -> None:
    ours, theirs = pair(kind)
    said = []
    for module in (ours, theirs):
        try:
            module(torch.zeros(4, 3, 5, device="meta", dtype=torch.float64))
            said.append("")
        except Exception as error:
            said.append(type(error).__name__)
    assert said[0] == said[1]


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_the_input_and_the_states_are_left_alone(kind: str) -> None:
    ours, _ = pair(kind, num_layers=2, bidirectional=True)
    x, hx = torch.randn(4, 3, 5, dtype=torch.float64), initial(ours, 3)
    before = [t.detach().clone() for t in flat([x, hx])]
    output, state = ours(x, hx)
    flat(output)[0].sum().backward()
    with torch.no_grad():
        for part in flat([output.detach(), state]):
            part.zero_()  # results share no memory with what was given
    assert all(torch.equal(a, b) for a, b in zip(before, flat([x, hx]), strict=True))


@pytest.mark.filterwarnings("ignore:.*lazy modules:UserWarning")
def test_inside_other_modules() -> None:
    model = torch.nn.ModuleDict({"a": throughtime.nn.GRU(3, 4), "b": torch.nn.ModuleList([throughtime.nn.LSTM(4, 2)])})
    assert len(model.state_dict()) == 8
    assert not any(p.requires_grad for p in model.requires_grad_(False).parameters())
    x = torch.randn(5, 2, 3)
    assert model["b"][0](model["a"](x)[0])[0].shape == (5, 2, 2)
