# SPDX-License-Identifier: Apache-2.0
"""How commands are found and how their help is laid out, on top of typer's classes."""

from __future__ import annotations

import difflib
from typing import Any, NoReturn

from typer import Context
from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    """A command whose help keeps indented paragraphs and groups its options."""

    def __init__(self, *args: Any, help: str | None = None, **options: Any):
        super().__init__(*args, help=help and keep_indented(help), **options)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes arguments and options, a section for each panel."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                kind = f"{parameter.param_type_name.capitalize()}s"
                title = getattr(parameter, "rich_help_panel", None) or kind
                # Typer adds the type behind the name, such as <list[str]>.
                what = record[0].partition(" <")[0]
                sections.setdefault(title, []).append((what, record[1]))
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


class Group(TyperGroup):
    """A group that shows its help when nothing is asked of it, and suggests names."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes no arguments for ``--help``."""
        asked = args or ctx.resilient_parsing
        return super().parse_args(ctx, args if asked else ["--help"])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Finds a command, or names the nearest."""
        name = args[0]
        if not ctx.resilient_parsing and self.get_command(ctx, name) is None:
            _refuse(ctx, name, self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def summaries(self, ctx: Any) -> list[tuple[str, str]]:
        """Each command and the first line of its help."""
        named = self.commands.items()
        return [(name, (one.help or "").partition("\n")[0]) for name, one in named]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Writes the commands with whole lines; click's are cut short."""
        with formatter.section("Commands"):
            formatter.write_dl(self.summaries(ctx))


def keep_indented(text: str) -> str:
    r"""Marks paragraphs that have indented lines, which click then does not fill.

    Example:
        >>> keep_indented("A b.\n\nExamples:\n  flaxnn doctor")
        'A b.\n\n\x08\nExamples:\n  flaxnn doctor'
    """
    paragraphs = text.split("\n\n")
    return "\n\n".join(f"\b\n{p}" if "\n " in p else p for p in paragraphs)


def _refuse(ctx: Context, name: str, known: list[str]) -> NoReturn:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    ctx.fail(f"No such command '{name}'. {hint}Commands are: {', '.join(known)}")
