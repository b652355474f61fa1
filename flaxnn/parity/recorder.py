# SPDX-License-Identifier: Apache-2.0
"""Records a PyTorch run step by step, without changing it.

Copy this file beside a training script; it needs PyTorch only.

    from recorder import record

    with record(model, optimizer, "run.trace"):
        train()  # the loop as it is

Nothing is drawn and no module is touched: the hooks are PyTorch's global ones.
flaxnn's guide to parity says what is written.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import json
import sys
import zlib
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch.nn.modules import module as hooks
from torch.utils._pytree import tree_flatten

MOST = 8  # calls held for a backward pass; steps that are whole as something changed
PLAIN = str | int | float | None
_TORCH = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64"
_FILES = "BOOL U8 I8 I16 I32 I64 F16 BF16 F32 F64 C64"
DTYPES: dict[str, str] = dict(zip(_TORCH.split(), _FILES.split(), strict=True))


def _hook(method: Callable) -> Callable:
    """A hook that ends the recording, never the run, when it fails."""

    @functools.wraps(method)
    def hook(self: record, *args: Any, **kwargs: Any) -> None:
        if self._active and not torch.compiler.is_compiling():
            try:
                method(self, *args, **kwargs)
            except Exception as error:
                print(f"recorder: stopped: {error!r}", file=sys.stderr)
                self._close(f"the recorder failed: {error!r}")

    return hook


class record:  # noqa: N801 (as in contextlib)
    """A context in which a run is recorded.

    Of every step of the optimiser the trace has losses, options, norms of gradients and
    checksums of the batch; of a whole one also the batch, all modules' inputs, outputs
    and gradients, and all state before and after. Of several backward passes before a
    step it is the last, of a closure's evaluations the first that is recorded whole.
    What runs under `torch.no_grad()` is not recorded.

    Args:
        model: The model, on any device.
        optimizer: Its optimiser. Where there are several, each takes a recorder.
        path: The directory to write.
        whole: The steps to record whole, as a container or a function of the number. By
            default 0, 1, 2, 4, 8, …, and up to eight more at which the batch's size
            changes, or the learning rate after it was constant.
        batches: "whole", or "all" for the tensors of every step's batch.
        limit: Bytes of tensors after which no step is whole.
        overwrite: Whether a trace that is there may be replaced.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        path: str | Path,
        *,
        whole: Container[int] | Callable[[int], bool] | None = None,
        batches: str = "whole",
        limit: int = 1 << 30,
        overwrite: bool = False,
    ) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"expected one optimizer, got a {type(optimizer).__name__}")
        parts = model.modules()
        if any(hasattr(m, "_orig_mod") or m._compiled_call_impl for m in parts):
            raise TypeError("the model is compiled: record a run without torch.compile")
        self._model, self._optimizer, self._path = model, optimizer, Path(path)
        self._whole, self._all_batches, self._limit = whole, batches == "all", limit
        self._modules = {id(module): name for name, module in model.named_modules()}
        self._parameters = dict(model.named_parameters())
        self._stack: list[tuple[torch.nn.Module, dict[str, Any]]] = []
        self._in_backward = self._in_step = self._resized = self._active = False
        self.step: int = 0
        self._size, self._rates, self._changes, self._written = None, (0, 1), 0, 0
        self._known: dict[tuple, dict[str, str]] = {}
        self._new_step()
        lines = self._path / "trace.jsonl"
        if self._path.exists() and not (overwrite and lines.is_file()):
            raise FileExistsError(f"{path} is there: overwrite=True replaces a trace")
        self._path.mkdir(parents=True, exist_ok=True)
        for file in self._path.glob("step-[0-9]*.safetensors"):
            file.unlink()
        self._lines = lines.open("wb", buffering=0)

    def __enter__(self) -> record:
        self._say(self._header())
        # Not on the modules: these would be copied and pickled with them.
        self._handles = [
            hooks.register_module_forward_pre_hook(self._before_call),
            hooks.register_module_forward_hook(self._after_call, with_kwargs=True),
            self._optimizer.register_step_pre_hook(self._before_step),
            self._optimizer.register_step_post_hook(self._after_step),
        ]
        self._original = original = torch.autograd.backward  # `Tensor.backward` uses it

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
            outermost, self._in_backward = not self._in_backward, True
            try:
                original(tensors, *args, **kwargs)
            finally:
                self._in_backward = not outermost
            if outermost:
                self._after_backward(tensors)

        torch.autograd.backward = backward
        self._active = True
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, _: Any) -> None:
        torch.autograd.backward = self._original
        for handle in self._handles:
            handle.remove()
        self._close("finished" if kind is None else f"{kind.__name__}: {error}")

    @_hook
    def batch(self, inputs: Any, targets: Any = (), indices: Any = None) -> None:
        """Records a batch before its step: for a loss that is no `torch.nn.Module`."""
        self._decide(inputs)
        _take(_leaves(inputs), "batch/input", self._now.batch)
        _take(_leaves(targets), "batch/target", self._now.batch)
        if indices is not None:
            _take(torch.as_tensor(indices), "batch/indices", self._now.batch)

    def _new_step(self) -> None:
        self._now = now = SimpleNamespace(whole=None, begun=0, backward_done=False)
        now.loss, now.forwards, now.losses, now.groups = None, [], [], []
        now.batch, now.before, now.gradients, now.norms = {}, {}, {}, {}

    def _close(self, ended: str) -> None:
        if self._active:
            self._active = False
            with contextlib.suppress(OSError):
                self._say({"kind": "end", "steps": self.step, "ended": ended})
            self._lines.close()

    def _header(self) -> dict[str, Any]:
        names = {id(parameter): name for name, parameter in self._parameters.items()}
        groups = [_plain(group) for group in self._optimizer.param_groups]
        for group, given in zip(groups, self._optimizer.param_groups, strict=True):
            group["params"] = [names.get(id(p)) for p in given["params"]]
        kind = {"kind": "header", "format": 1, "framework": "torch", "loss": None}
        return kind | {
            "version": torch.__version__,
            "modules": {n: _described(m) for n, m in self._model.named_modules()},
            "parameters": {n: _described(p) for n, p in self._parameters.items()},
            "buffers": {n: _described(b) for n, b in self._model.named_buffers()},
            "optimizer": {"class": type(self._optimizer).__name__, "groups": groups},
            "settings": {
                "default_dtype": str(torch.get_default_dtype())[6:],
                "float32_matmul_precision": torch.get_float32_matmul_precision(),
                "threads": torch.get_num_threads(),
                "capability": torch.backends.cpu.get_cpu_capability(),
                "deterministic": torch.are_deterministic_algorithms_enabled(),
            },
        }

    def _decide(self, inputs: Any) -> None:
        if self._now.whole is not None:
            return
        sizes = [len(leaf) for leaf in _leaves(inputs) if leaf.dim()] or [self._size]
        rates = [float(group["lr"]) for group in self._optimizer.param_groups]
        again, self._resized = self._resized, self._size not in (None, sizes[0])
        changed = again or self._resized or self._rates[0] == self._rates[1] != rates
        whole, chosen = self.step & (self.step - 1) == 0, self._whole
        if chosen is not None:
            whole = chosen(self.step) if callable(chosen) else self.step in chosen
        elif not whole and changed and self._changes < MOST:
            whole, self._changes = True, self._changes + 1
        self._size, self._rates = sizes[0], (self._rates[1], rates)
        self._now.whole = bool(whole) and self._written <= self._limit
        self._now.before = self._state() if self._now.whole else {}

    @_hook
    def _before_call(self, module: torch.nn.Module, args: tuple) -> None:
        now, name = self._now, self._modules.get(id(module))
        if name is None or self._in_backward:
            return
        if self._stack and self._stack[0][0] is module:
            self._stack.clear()  # An exception ended its last call.
        if not self._stack:
            if not torch.is_grad_enabled() or (self._in_step and now.backward_done):
                return
            self._decide(args)
            if now.backward_done:
                now.forwards, now.backward_done = [], False
                now.before = self._state() if now.whole else {}
            state = {"generator": torch.get_rng_state()}
            forward = SimpleNamespace(calls=[], used=False, batch={}, tensors=state)
            _take(args, "batch/input", forward.batch)
            now.forwards = [*now.forwards, forward][-MOST:]
        elif not now.whole:
            return
        call = {"module": name, "training": module.training, "begun": now.begun}
        key, tensors = f"call/{now.begun}/input", now.forwards[-1].tensors
        call |= {"depth": len(self._stack), "inputs": _take(args, key, tensors)}
        self._stack.append((module, call))
        now.begun += 1

    @_hook
    def _after_call(self, module: Any, args: tuple, kwargs: dict, output: Any) -> None:
        now, leaves = self._now, _leaves(output)
        if self._in_backward:
            return
        if not self._stack and torch.is_grad_enabled() and now.forwards:
            # A criterion has the output, and the target behind it.
            targets = [*args, *kwargs.values()][1:]
            if targets and any(leaf.requires_grad for leaf in leaves):
                now.loss = _described(module)
                _take(targets, "batch/target", now.batch)
        places = [n for n, (each, _) in enumerate(self._stack) if each is module]
        if not places:
            return
        call, forward = self._stack[places[-1]][1], now.forwards[-1]
        del self._stack[places[-1] :]  # An exception ended what is behind it.
        forward.calls.append(call)
        forward.used |= not leaves  # Of such an output nobody can tell.
        key = f"call/{call['begun']}"
        if now.whole:
            call["outputs"] = _take(leaves, f"{key}/output", forward.tensors)
            call["output_gradients"] = [None] * len(leaves)
            call["keywords"] = _take(kwargs, f"{key}/keyword", forward.tensors)["items"]
        for place, leaf in enumerate(leaves):
            if leaf.grad_fn is not None:
                hook = functools.partial(self._take_gradient, forward, call, place)
                leaf.register_hook(hook)

    @_hook
    def _take_gradient(self, forward: Any, call: Any, place: int, grad: Any) -> None:
        forward.used = True
        if "output_gradients" in call:
            key = f"call/{call['begun']}/output_gradient/{place}"
            call["output_gradients"][place] = _take(grad, key, forward.tensors)

    @_hook
    def _after_backward(self, tensors: Any) -> None:
        now = self._now
        used = any(forward.used for forward in now.forwards)
        if used or (now.batch and not now.forwards):
            now.losses += [x.item() for x in _leaves(tensors) if x.numel() == 1]
        if used and self._in_step and not now.backward_done:
            self._take_gradients()
        now.backward_done |= used

    def _take_gradients(self) -> None:
        given = [(n, p.grad) for n, p in self._parameters.items() if p.grad is not None]
        dense = {name: gradient.detach().to_dense() for name, gradient in given}
        norms = torch._foreach_norm([*dense.values()]) if dense else ()  # pyright: ignore
        self._now.norms = dict(zip(dense, map(float, norms), strict=True))
        if self._now.whole:
            self._now.gradients = {f"gradient/{n}": _copy(g) for n, g in dense.items()}

    def _state(self) -> dict[str, torch.Tensor]:
        """Parameters, buffers, and what the optimiser has of each parameter."""
        state = {f"parameter/{name}": _copy(p) for name, p in self._parameters.items()}
        state |= {f"buffer/{name}": _copy(b) for name, b in self._model.named_buffers()}
        for name, parameter in self._parameters.items():
            for key, value in self._optimizer.state.get(parameter, {}).items():
                if isinstance(value, torch.Tensor | int | float):
                    state[f"optimizer/{key}/{name}"] = _copy(torch.as_tensor(value))
        return state

    @_hook
    def _before_step(self, optimizer: Any, args: tuple, kwargs: dict) -> None:
        self._stack.clear()
        self._decide(())
        self._in_step, now = True, self._now
        now.groups = [_plain(group) for group in self._optimizer.param_groups]
        self._take_gradients()

    @_hook
    def _after_step(self, optimizer: Any, args: tuple, kwargs: dict) -> None:
        if not self._in_step:
            return  # This step called another one's, which is recorded.
        self._in_step, now = False, self._now
        forwards = [each for each in now.forwards if each.used] or now.forwards[-1:]
        batch = now.batch | (forwards[0].batch if forwards else {})
        if not forwards and not batch:
            raise RuntimeError("no call of the model was seen: is another one trained?")
        arrays = [batch[key] for key in sorted(batch) if key != "batch/indices"]
        sizes = [len(each) if each.dim() else 1 for each in arrays]
        sums = [f"{zlib.crc32(_bytes(each)):08x}" for each in arrays]
        line = {"kind": "step", "step": self.step, "whole": False, "losses": now.losses}
        line |= {"groups": now.groups, "loss": now.loss, "gradient_norms": now.norms}
        line |= {"batch": {"sizes": sizes, "checksums": sums}, "generator": None}
        tensors = dict(batch) if now.whole or self._all_batches else {}
        for forward in reversed(forwards):
            drawn = zlib.crc32(_bytes(forward.tensors["generator"]))
            line["generator"] = f"{drawn:08x}"
            tensors |= forward.tensors if now.whole else {}
        if now.whole:
            after = {f"after/{key}": tensor for key, tensor in self._state().items()}
            tensors |= now.before | now.gradients | after
        places = self._save(tensors) if tensors else None
        if places is not None:
            line |= {"whole": now.whole, "tensors": places}
            line["calls"] = [c for each in forwards if now.whole for c in each.calls]
        self._say(line)
        self.step += 1
        self._new_step()

    def _save(self, tensors: dict[str, torch.Tensor]) -> dict[str, Any] | None:
        """Writes what is new; returns where everything is, or None at the limit."""
        file = f"step-{self.step:06d}.safetensors"
        places, new, header, end = {}, [], {}, 0
        # The widest first, so that each begins at a multiple of its own width.
        for key, tensor in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
            content = hashlib.sha1(_bytes(tensor)).digest(), tensor.dtype, tensor.shape
            here = {"file": file, "key": key}
            places[key] = self._known.setdefault(content, here)
            if places[key] is here:
                start, end = end, end + tensor.nbytes
                header[key] = {"dtype": DTYPES[f"{tensor.dtype}"[6:]]}
                header[key] |= {"shape": tensor.shape, "data_offsets": [start, end]}
                new.append(tensor)
        self._written += end
        if self._written > self._limit:
            return None
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with (self._path / file).open("wb") as out:
            out.write(len(text).to_bytes(8, "little") + text)
            for tensor in new:
                out.write(_bytes(tensor))
        return places

    def _say(self, line: Mapping[str, Any]) -> None:
        data, start = json.dumps(line).encode() + b"\n", self._lines.tell()
        if self._lines.write(data) != len(data):
            self._lines.truncate(start)
            raise OSError(f"{self._path} cannot be written whole: is the disk full?")


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    copy = tensor.detach().to_dense().to("cpu", copy=True)
    return copy.resolve_conj().resolve_neg().contiguous()


def _take(value: Any, key: str, tensors: dict[str, torch.Tensor]) -> Any:
    """Copies the tensors of a value; returns it in lists, with keys for the tensors."""
    if isinstance(value, torch.Tensor):
        tensors[key] = _copy(value)
        return key
    if isinstance(value, list | tuple):
        return [_take(each, f"{key}/{n}", tensors) for n, each in enumerate(value)]
    if isinstance(value, Mapping):
        items = {str(k): _take(v, f"{key}/{k}", tensors) for k, v in value.items()}
        return {"items": items}
    return {"value": value} if isinstance(value, PLAIN) else None


def _leaves(value: Any) -> list[torch.Tensor]:
    return [x for x in tree_flatten(value)[0] if isinstance(x, torch.Tensor)]


def _bytes(tensor: torch.Tensor) -> Any:
    size, place = tensor.nbytes, tensor.data_ptr()
    return (ctypes.c_char * size).from_address(place) if size else b""


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The public options that are numbers, text, or sequences of them."""
    plain = {}
    for name, value in options.items():
        if isinstance(value, torch.Tensor) and value.numel() == 1:
            value = value.item()
        parts = value if isinstance(value, list | tuple) else [value]
        if name[0] != "_" and all(isinstance(part, PLAIN) for part in parts):
            plain[name] = value
    return plain


def _described(each: torch.nn.Module | torch.Tensor) -> dict[str, Any]:
    if isinstance(each, torch.nn.Module):
        return {"class": type(each).__name__, "options": _plain(vars(each))}
    size = {"dtype": str(each.dtype)[6:], "shape": each.shape}
    return size | {"requires_grad": each.requires_grad}
