# SPDX-License-Identifier: Apache-2.0
"""``flaxnn doctor``: what on this machine makes runs slow or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaxnn.cli._exit import NO, OK
from flaxnn.cli._screen import screen

if TYPE_CHECKING:
    from rich.console import Console

    from flaxnn._diagnosis import Finding

_MARKS = {"error": "[red]✗[/red]", "slow": "[yellow]![/yellow]", "note": "[dim]·[/dim]"}


def doctor(
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=1,
            help="How long JAX may take to start.",
        ),
    ] = 60,
) -> None:
    """Say what JAX runs on here, how precisely, and what slows it down.

    Devices, the precision of products and the compilation cache are tried out in a
    process of its own. Exits with 0 when nothing is in the way of a run, and with 1
    when something gives no results, wrong ones or late ones; notes do not count.

    Examples:
      flaxnn doctor
      flaxnn doctor --json > machine.json
    """
    from flaxnn._diagnosis import advice, facts

    found = facts(timeout)
    findings = advice(found)
    serious = [finding for finding in findings if finding.level != "note"]
    if json:
        from flaxnn.report import print_json

        listed = [asdict(finding) for finding in findings]
        print_json(found | {"ok": not serious, "findings": listed})
    else:
        _show(found, findings, screen(100))
    raise typer.Exit(NO if serious else OK)


def _show(found: dict[str, Any], findings: list[Finding], console: Console) -> None:
    from rich.table import Table

    table = Table("", "", box=None, show_header=False, pad_edge=False)
    table.columns[0].style = "dim"
    for name, value in _rows(found):
        table.add_row(name, value)
    console.print(table)
    console.print()
    lines = Table("", "", box=None, show_header=False, pad_edge=False)
    for finding in findings:
        lines.add_row(_MARKS[finding.level], _plain(finding.what))
        lines.add_row("", f"[dim]→[/dim] {_plain(finding.do)}")
    console.print(lines)
    serious = sum(finding.level != "note" for finding in findings)
    thing = "thing is" if serious == 1 else "things are"
    said = (
        f"{serious} {thing} in the way" if serious else "nothing is in the way of a run"
    )
    console.print(f"[bold]{said}[/bold]")


def _plain(text: str) -> str:
    """A text that rich takes for no markup."""
    from rich.markup import escape

    return escape(text)


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The facts, a line each."""
    jax, cores = found["jax"], found["cores"]
    environment = jax.get("environment", {})
    if environment:
        names = ("flaxnn", "python", "jax", "jaxlib", "flax", "optax", "numpy")
        versions = ", ".join(f"{name} {environment[name]}" for name in names)
        yield "versions", versions
        yield "numbers of", environment["reference"]
        count, kind = environment["devices"], environment["device_kind"]
        where = f"{count} × {environment['platform']}"
        where += "" if kind == environment["platform"] else f" ({kind})"
        yield "devices", f"{where}, started in {jax['start_seconds']:.1f} s"
        precision = jax["precision"]
        asked = f"flaxnn's layers {precision['flaxnn']}, else {precision['default']}"
        yield "products of float32", asked
        yield "float64", "everywhere" if environment["x64"] else "where asked for"
    there = [f"{count} × {kind}" for kind, count in found["accelerators"].items()]
    there += [
        f"{gpu['name']}, {_gib(gpu['free'])} of {_gib(gpu['memory'])} free"
        for gpu in found["gpus"]
    ]
    yield "accelerators", "; ".join(there) or "none seen"
    plugins = (f"{name} {version}" for name, version in found["plugins"].items())
    yield "plugins", ", ".join(plugins) or "none"
    if environment:
        flavour = environment["cpu_flavour"]
        yield "processor", f"{flavour}; PyTorch's runs are from {found['goldens']}"
    threads = jax.get("threads")
    yield (
        "processors",
        f"{cores['allowed']} of {cores['machine']}"
        + (f", container {cores['quota']:g}" if "quota" in cores else "")
        + (f"; XLA has {threads} threads" if threads else ""),
    )
    yield "memory available", _gib(found["available_memory"])
    if "cache" in jax:
        yield "compilation cache", _cache(jax["cache"]["directory"], found.get("cache"))
    set_ = (f"{name}={value}" for name, value in found["variables"].items())
    yield "variables", _plain(" ".join(set_)) or "none set"


def _cache(directory: str | None, state: dict[str, Any] | None) -> str:
    if directory is None:
        return "off"
    if state is None:
        return _plain(directory)
    size = state["bytes"] / 2**20
    return _plain(f"{directory}, {state['entries']} programs, {size:.1f} MiB")


def _gib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 2**30:.1f} GiB"
