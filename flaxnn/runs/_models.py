# SPDX-License-Identifier: Apache-2.0
"""Models by name, and classes of a user's own file."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flax import nnx

from flaxnn import models, nn
from flaxnn.random import Generator
from flaxnn.runs._catalogue import INFERRED
from flaxnn.runs._errors import ConfigError
from flaxnn.runs._nearest import did_you_mean
from flaxnn.runs._options import as_arguments, option_faults, parameters

# How the modules of users' files are called.
_MODULE = "flaxnn_user_model"


def file_of(name: str) -> Path | None:
    """The file of ``FILE.py:CLASS``, None for a name of `flaxnn.models`."""
    return Path(name.rpartition(":")[0] or name).expanduser() if ".py" in name else None


def find_class(name: str, folder: Path | None = None) -> Callable[..., Any]:
    """Returns the class of a name, or what makes a model in its place.

    Args:
        name: One of `flaxnn.models`, or ``FILE.py:CLASS``; ``FILE.py`` alone where
            there is one class of modules in it.
        folder: Where modules that the file imports are looked for, besides its own.

    Raises:
        FileNotFoundError: There is no such file.
        ConfigError: The file raises, or has no such class.
    """
    file = file_of(name)
    if file is None:
        return getattr(models, name)
    if not file.is_file():
        raise FileNotFoundError(
            f"model.name: there is no file {file}; expected FILE.py:CLASS, or one of "
            + ", ".join(models.__all__)
        )
    module = _run(file, folder)
    own = {
        key: value
        for key, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, nnx.Module)
        and value.__module__ == module.__name__
    }
    wanted = name.rpartition(":")[2] if ":" in name and file.suffix == ".py" else ""
    wanted = "" if wanted.endswith(".py") else wanted
    if not wanted:
        if len(own) == 1:
            return next(iter(own.values()))
        raise ConfigError(
            f"model.name: say which class of {file} is meant, {file}:CLASS; "
            + did_you_mean("", own)
        )
    found = getattr(module, wanted, None)
    if found is None:
        raise ConfigError(
            f"model.name: {file} has no class {wanted!r}; {did_you_mean(wanted, own)}"
        )
    if not callable(found):
        raise ConfigError(f"model.name: {wanted} of {file} is no class, but {found!r}")
    return found


def source_digest(name: str) -> str | None:
    """The SHA-256 of the file that a model is from."""
    file = file_of(name)
    return None if file is None else hashlib.sha256(file.read_bytes()).hexdigest()


def inferred(
    factory: Callable[..., Any],
    given: Mapping[str, Any],
    shape: tuple[int, ...],
    classes: int | None,
) -> dict[str, Any]:
    """Arguments of a model that the data decide.

    Args:
        factory: The class.
        given: Those that are given.
        shape: Of one row.
        classes: How many classes there are, None where the target has none.
    """
    known = parameters(factory)
    features = shape[0] if len(shape) == 1 else None
    channels = shape[0] if len(shape) == 3 else None
    from_data = dict(zip(INFERRED, (features, channels, classes), strict=True))
    # A default of the user's own stands; in_features has no other value that works.
    return {
        name: value
        for name, value in from_data.items()
        if name in known
        and name not in given
        and value is not None
        and (name == "in_features" or known[name].default is inspect.Parameter.empty)
    }


def model_faults(
    name: str, factory: Callable[..., Any], options: Mapping[str, Any]
) -> list[str]:
    """What is wrong with the arguments of a model."""
    return option_faults("model", name.rpartition("/")[2], factory, options)


def build(factory: Callable[..., Any], options: Mapping[str, Any], rngs: Any) -> Any:
    """Returns a model, drawn from a Generator.

    Raises:
        ConfigError: What it is called with is refused, or it is no module.
    """
    given = as_arguments(options)
    takes = inspect.signature(
        factory.__init__ if isinstance(factory, type) else factory
    ).parameters
    any_names = any(each.kind is each.VAR_KEYWORD for each in takes.values())
    if "rngs" in takes or any_names:
        given["rngs"] = _streams(factory, rngs)
    try:
        model = factory(**given)
    except Exception as error:
        name = getattr(factory, "__name__", repr(factory))
        raise ConfigError(f"model: {name} cannot be made: {_where(error)}") from error
    if not isinstance(model, nnx.Module):
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        raise ConfigError(
            f"model.name: expected {inspect.getsourcefile(factory)} to make a "
            f"flaxnn.nn.Module or another Flax NNX module, got {kind}"
        )
    return model


def _streams(factory: Callable[..., Any], rngs: Any) -> Any:
    """What a class draws from: Flax's own layers draw from JAX's keys only."""
    foreign = inspect.isclass(factory) and not issubclass(factory, nn.Module)
    if not foreign or not isinstance(rngs, Generator):
        return rngs
    return nnx.Rngs(rngs.initial_seed() % (1 << 32))


def _run(file: Path, folder: Path | None) -> Any:
    """The module of a file, which is run; beside it may lie what it imports."""
    digest = hashlib.sha256(str(file.absolute()).encode()).hexdigest()
    name = f"{_MODULE}_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(name, file.absolute())
    if spec is None or spec.loader is None:
        raise ConfigError(f"model.name: {file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    sys.path[:0] = [str(place) for place in (file.absolute().parent, folder) if place]
    # Dataclasses and others look a class' module up.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigError(f"model.name: {file} cannot be run: {_where(error)}") from (
            error
        )
    finally:
        sys.path[:] = before
    return module


def _where(error: BaseException) -> str:
    """An error with the file and the line in which it was raised."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{text.split(' (')[0]} ({error.filename}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "flaxnn_user" not in frame.filename]
    user = [
        f for f in own if "importlib" not in f.filename and "/flaxnn/" not in f.filename
    ]
    if not user:
        return text
    return f"{text} ({user[-1].filename}, line {user[-1].lineno})"
