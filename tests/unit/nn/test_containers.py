# SPDX-License-Identifier: Apache-2.0
"""Containers: PyTorch's lists and dictionaries of modules."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from flax import nnx

from flaxnn import nn
from flaxnn.random import Generator


def kinds(modules) -> list[str]:
    return [type(module).__name__ for module in modules]


def names(container: nn.Module) -> list[str]:
    return [name for name, _ in container.named_children()]


def through_split(module):
    return nnx.merge(*nnx.split(module))


COPIES = [
    nnx.clone,
    copy.deepcopy,
    lambda module: pickle.loads(pickle.dumps(module)),
    through_split,
]


class Listed(nn.Module):
    """Lists and dictionaries whose order sorting would change."""

    def __init__(self, *, rngs):
        self.rows = nn.ModuleList(nn.Linear(2, 2, rngs=rngs) for _ in range(12))
        self.named = nn.ModuleDict({"z": nn.ReLU(), "a": nn.Linear(2, 2, rngs=rngs)})
        self.named["m"] = nn.ModuleList([nn.Tanh(), nn.Linear(2, 1, rngs=rngs)])


@pytest.mark.parametrize("copied", COPIES)
def test_the_order_of_registration_survives_copies(copied):
    model = Listed(rngs=Generator(0))
    twin = copied(model)
    expected = [f"rows.{i}.{name}" for i in range(12) for name in ("weight", "bias")]
    expected += [f"named.{key}.{n}" for key in ("a", "m.1") for n in ("weight", "bias")]
    assert list(twin.state_dict()) == expected
    assert list(twin.named.keys()) == ["z", "a", "m"]
    assert kinds(twin.named["m"]) == ["Tanh", "Linear"]
    assert repr(twin) == repr(model)
    twin.rows.pop(0)
    assert len(twin.rows) == 11
    assert len(model.rows) == 12


def test_a_list_is_changed_as_a_list():
    modules = nn.ModuleList([nn.ReLU()])
    assert modules.append(nn.Tanh()) is modules
    modules.extend([nn.ELU(), nn.Sigmoid()])
    modules.insert(1, nn.Identity())
    assert kinds(modules) == ["ReLU", "Identity", "Tanh", "ELU", "Sigmoid"]
    assert names(modules) == ["0", "1", "2", "3", "4"]
    modules.insert(-1, nn.Softmax(0))
    assert kinds(modules[-2:]) == ["Softmax", "Sigmoid"]
    modules[0] = nn.Flatten()
    assert isinstance(modules.pop(1), nn.Identity)
    del modules[1:3]
    assert kinds(modules) == ["Flatten", "Softmax", "Sigmoid"]
    assert names(modules) == ["0", "1", "2"]
    modules += [nn.ReLU()]
    more = [nn.Tanh()]
    assert kinds(modules + more)[-2:] == ["ReLU", "Tanh"]
    assert len(modules) == 4
    assert isinstance(modules[-1], nn.ReLU)
    assert modules[3] in modules


def test_a_list_grown_past_ten_stays_in_order():
    modules = nn.ModuleList()
    for index in range(12):
        modules.append(nn.Flatten(index))
    modules.insert(0, nn.ReLU())
    assert [m.start_dim for m in list(modules)[1:]] == list(range(12))
    assert names(modules) == [str(index) for index in range(13)]


def test_a_list_refuses_what_is_no_module_or_no_index():
    modules = nn.ModuleList([nn.ReLU()])
    for wrong in (lambda: modules.append(3), lambda: modules.insert(0, None)):
        with pytest.raises(TypeError, match="is not a Module subclass"):
            wrong()
    with pytest.raises(TypeError, match="cannot assign 'int' as child module '0'"):
        modules[0] = 3
    for index in (1, -2):
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            modules[index]
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        modules["a"]
    assert kinds(modules) == ["ReLU"]


def test_a_module_that_stands_twice_in_a_list_is_one():
    shared = nn.Linear(2, 2, rngs=Generator(0))
    modules = nn.ModuleList([shared, nn.ReLU(), shared])
    assert len(modules) == 3
    assert [name for name, _ in modules.named_parameters()] == ["0.weight", "0.bias"]
    twin = nnx.clone(modules)
    assert twin[0] is twin[2]


def test_a_dictionary_is_changed_as_a_dictionary():
    modules = nn.ModuleDict([("b", nn.ReLU()), ("a", nn.Tanh())])
    modules["c"] = nn.ELU()
    modules["b"] = nn.Sigmoid()
    assert list(modules) == ["b", "a", "c"] == list(modules.keys())
    assert kinds(modules.values()) == ["Sigmoid", "Tanh", "ELU"]
    assert [key for key, _ in modules.items()] == ["b", "a", "c"]
    assert "a" in modules
    assert "z" not in modules
    assert len(modules) == 3
    assert isinstance(modules.pop("b"), nn.Sigmoid)
    modules.update(OrderedDict(z=nn.ReLU(), a=nn.Flatten()))
    modules.update(nn.ModuleDict({"y": nn.ReLU()}))
    assert list(modules) == ["a", "c", "z", "y"]
    assert isinstance(modules["a"], nn.Flatten)
    assert modules.a is modules["a"]
    del modules["c"]
    with pytest.raises(KeyError, match="c"):
        del modules["c"]
    modules.clear()
    assert len(modules) == 0
    assert repr(modules) == "ModuleDict()"
    modules["keys_"] = nn.ReLU()
    assert list(modules) == ["keys_"]


def test_a_sequential_can_be_named_and_changed():
    rngs = Generator(0)
    model = nn.Sequential(
        OrderedDict(out=nn.Linear(2, 2, rngs=rngs), act=nn.ReLU(), end=nn.Flatten(0))
    )
    assert list(model.state_dict()) == ["out.weight", "out.bias"]
    assert repr(model[1:]) == (
        "Sequential(\n  (act): ReLU()\n  (end): Flatten(start_dim=0, end_dim=-1)\n)"
    )
    assert model(np.ones((1, 2), np.float32)).shape == (2,)
    model.append(nn.Tanh())
    assert names(model) == ["out", "act", "end", "3"]
    model.pop(0)
    assert names(model) == ["0", "1", "2"]
    model.insert(0, nn.Identity())
    assert kinds(model) == ["Identity", "ReLU", "Flatten", "Tanh"]
    assert kinds(model + nn.Sequential(nn.ELU())) == [*kinds(model), "ELU"]
    with pytest.raises(ValueError, match="only objects of Sequential class"):
        model + kinds(model)
    with pytest.raises(IndexError, match="Index out of range: 9"):
        model.insert(9, nn.ELU())


def test_modules_that_a_subclass_adds_take_part_as_in_pytorch():
    class Extended(nn.Sequential):
        def __init__(self):
            super().__init__(nn.ReLU())
            self.extra = nn.Flatten(0)

    assert len(Extended()) == 2
    assert Extended()(np.ones((2, 2), np.float32)).shape == (4,)


def test_flax_lists_and_dictionaries_work_as_before():
    class Mixed(nn.Module):
        def __init__(self, rngs):
            self.layers = nnx.List([nn.Linear(1, 1, rngs=rngs) for _ in range(2)])
            self.named = nnx.Dict(b=nn.Linear(1, 1, rngs=rngs), a=nn.ReLU())

    model = Mixed(Generator(0))
    assert "layers.1.bias" in model.state_dict()
    assert "named.b.weight" in model.state_dict()
