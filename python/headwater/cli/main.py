"""The group of all commands, and how failures end: one message on stderr, exit 1."""

from __future__ import annotations

from typing import Any

import click

from headwater import __version__
from headwater.cli import talk
from headwater.cli.commands import COMMANDS
from headwater.errors import HeadwaterError

EXIT_FAILED = 1


class _Group(click.Group):
    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except HeadwaterError as error:
            talk.failure(error)
            context.exit(EXIT_FAILED)


@click.group(
    cls=_Group,
    commands=list(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="headwater")
def main() -> None:
    """Define features once, serve and train on the same values."""
