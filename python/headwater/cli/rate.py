"""The column of a progress display that shows rows a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import ProgressColumn
from rich.text import Text

if TYPE_CHECKING:
    from rich.progress import Task


class RateColumn(ProgressColumn):
    """Rows a second, once there is a rate."""

    def render(self, task: Task) -> Text:
        """Return the text of a task's rate."""
        return Text("" if task.speed is None else f"{task.speed:,.0f} rows/s")
