# SPDX-License-Identifier: Apache-2.0
"""Containers of modules, and the layer that does nothing."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tests.contract.bad import BadLayer
from tests.contract.case import spread
from tests.contract.layer import Layer, LayerCase, Part

X = spread(5, 3)
LINEAR, RELU = Part("Linear", 3, 3), Part("ReLU")
# Registered in an order that sorting would change.
NAMED = [("second", Part("Linear", 3, 2)), ("first", LINEAR), ("relu", RELU)]


def in_turn(model: Any, x: Any) -> Any:
    """Passes x through the modules of a list."""
    for module in model:
        x = module(x)
    return x


def by_name(model: Any, x: Any) -> Any:
    """Passes x through the modules of a dictionary, last one first."""
    for _, module in reversed(list(model.items())):
        x = module(x)
    return x


LAYERS = (
    Layer(
        "Identity",
        "torch.nn.Identity",
        (
            LayerCase("plain", inputs=(X,)),
            LayerCase("arguments", (54, "a"), {"unused": 0.1}, (X,)),
        ),
    ),
    Layer(
        "ModuleList",
        "torch.nn.ModuleList",
        (
            LayerCase("plain", ([LINEAR, RELU],), inputs=(X,), call=in_turn),
            LayerCase("eleven", ([LINEAR] * 11,), inputs=(X,), call=in_turn),
            LayerCase(
                "repeats",
                ([LINEAR, LINEAR, RELU, Part("Sequential", RELU, LINEAR), LINEAR],),
                inputs=(X,),
                call=in_turn,
            ),
            LayerCase("nothing", inputs=(X,), call=in_turn),
        ),
        # Sums of products in another order: 3.9e-8 was measured.
        atol=1e-7,
        differences="None in place of a module is refused.",
    ),
    Layer(
        "ModuleDict",
        "torch.nn.ModuleDict",
        (
            LayerCase("ordered", (OrderedDict(NAMED),), inputs=(X,), call=by_name),
            LayerCase(
                "nested",
                (
                    OrderedDict(
                        b=Part("ModuleDict", OrderedDict(z=LINEAR, y=RELU)),
                        a=Part("ModuleList", [LINEAR, LINEAR]),
                    ),
                ),
                inputs=(X,),
                call=lambda model, x: by_name(model["b"], in_turn(model["a"], x)),
            ),
            LayerCase("nothing", inputs=(X,), call=by_name),
        ),
        # Sums of products in another order: 3.9e-8 was measured.
        atol=1e-7,
        differences="None in place of a module is refused.",
    ),
)

BAD_LAYERS = (
    BadLayer("ModuleList", (3,), TypeError, "called with an iterable, but got int"),
    BadLayer("ModuleList", ([3],), TypeError, "int is not a Module subclass"),
    BadLayer("ModuleList", ([RELU],), NotImplementedError, "[ModuleList]", inputs=(X,)),
    BadLayer("ModuleDict", (3,), TypeError, "key/value pairs, but got int"),
    BadLayer("ModuleDict", ([3],), TypeError, "sequence element #0 should be Iterable"),
    BadLayer("ModuleDict", ([("a", RELU, 1)],), ValueError, "#0 has length 3; 2 is"),
    BadLayer("ModuleDict", ([("a", 3)],), TypeError, "int is not a Module subclass"),
    BadLayer("ModuleDict", ([(1, RELU)],), TypeError, "should be a string. Got int"),
    BadLayer(
        "ModuleDict", ([("a.b", RELU)],), KeyError, 'can\\\'t contain ".", got: a.b'
    ),
    BadLayer("ModuleDict", ([("", RELU)],), KeyError, "be empty string"),
    *(
        BadLayer("ModuleDict", ([(name, RELU)],), KeyError, f"'{name}' already exists")
        for name in ("keys", "training", "forward")
    ),
    BadLayer("ModuleDict", ([],), NotImplementedError, "[ModuleDict]", inputs=(X,)),
    BadLayer("Sequential", (3,), TypeError, "int is not a Module subclass"),
)
