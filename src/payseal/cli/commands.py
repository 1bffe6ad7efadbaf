"""Commands and groups that do not quote what they cannot take: it may be a secret, given in the wrong place."""

from __future__ import annotations

import difflib
from typing import Any

import click

__all__ = ["Command", "Group"]


class Command(click.Command):
    """A command that counts the arguments it has too many of."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            raise click.UsageError(f"{len(rest)} argument{'s' if len(rest) > 1 else ''} too many", ctx)
        return rest


class Group(click.Group):
    """A group that answers a name it does not have with one that it has."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0][:80], names, 1)
            raise click.UsageError(f"there is no such command: {f'did you mean {near[0]}?' if near else ', '.join(names)}", ctx)
        found: Any = super().resolve_command(ctx, args)
        return found[0], found[1], found[2]
