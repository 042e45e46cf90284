"""What the commands say: data on stdout, everything else on stderr.

Tables are for people, `--json` for programs. Progress is shown on a terminal only. Colour never
carries the meaning alone, and NO_COLOR is honoured (by rich).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.progress import Progress

    from headwater.errors import HeadwaterError

WIDTH_UNBOUNDED = 100_000
"""Characters of a line that no table reaches."""

_JSON_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


def say(text: str) -> None:
    """Tell the person at the terminal."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text))


def failure(error: HeadwaterError) -> None:
    """Tell what failed, in full, and what to do about it."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.detail:
        console.print(Text(error.detail))
    if error.hint:
        console.print(Text.assemble(("hint: ", "bold"), error.hint))


def as_json(document: object) -> None:
    """Write a document as JSON."""
    sys.stdout.buffer.write(orjson.dumps(document, option=_JSON_OPTIONS))
    sys.stdout.buffer.flush()


def as_lines(lines: Iterable[str]) -> None:
    """Write plain lines."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def as_table(names: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """Write a table for people: whole values, folded at the width of a terminal only."""
    table = Table(title=title or None, title_justify="left")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    # Where nobody looks, there is no width to keep to.
    width = None if sys.stdout.isatty() else WIDTH_UNBOUNDED
    Console(highlight=False, width=width).print(table)


def progress(what: str) -> Progress:
    """Return a display of done, total, rate and time left; silent when stderr is no terminal.

    Its one task (id 0) is called `what`; totals may come later.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from headwater.cli.rate import RateColumn

    console = Console(stderr=True)
    shown = Progress(
        "{task.description}",
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    shown.add_task(what, total=None)
    return shown
