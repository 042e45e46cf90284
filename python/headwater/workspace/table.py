"""`Rows`: what answers and training sets have in common: rows in Arrow that go anywhere.

It exists so that no Arrow library is required: pyarrow, pandas and polars are loaded only by the
method that names them. It must never change a value on the way.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

from headwater.errors import InvalidError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from headwater._native import Frame

SHOWN_ROWS: Final = 10
"""Rows that a notebook shows: a screen's worth."""


class Rows:
    """Rows of named columns.

    Hands itself to any library that reads Arrow's C stream (`polars.DataFrame(rows)`,
    `pyarrow.table(rows)`, `duckdb.sql("... from rows")`).
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand over all rows as Arrow, without a copy."""
        return self._frame.__arrow_c_stream__(requested_schema)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return self._frame.column_names

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one dict a row; instants as aware datetimes in UTC, nulls as None."""
        return self._frame.to_dicts()

    def head(self, count: int) -> list[dict[str, Any]]:
        """Return the first `count` rows as dicts."""
        return self._frame.head(count).to_dicts()

    def to_ipc(self) -> bytes:
        """Return all rows as a stream of Arrow's IPC format, as files end in `.arrow`."""
        return self._frame.to_ipc()

    def to_arrow(self) -> Any:
        """Return a `pyarrow.Table`.

        Raises:
            InvalidError: `missing_extra`: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError:
            raise _missing("pyarrow", "parquet") from None
        return pa.table(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a `pandas.DataFrame`; through pyarrow where it is installed.

        Raises:
            InvalidError: `missing_extra`: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise _missing("pandas", "pandas") from None
        try:
            import pyarrow as pa
        except ImportError:
            return pd.DataFrame(self._frame.to_columns(), columns=self.column_names)
        frame: pd.DataFrame = pa.table(self).to_pandas()
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return a `polars.DataFrame`.

        Raises:
            InvalidError: `missing_extra`: polars is not installed.
        """
        try:
            import polars as pl
        except ImportError:
            raise _missing("polars", "polars") from None
        return pl.DataFrame(self)

    def __len__(self) -> int:
        return self._frame.num_rows

    def __repr__(self) -> str:
        columns = ", ".join(self.column_names)
        return f"<{type(self).__name__} of {len(self)} {self._noun()}: {columns}>"

    def _repr_html_(self) -> str:
        """Return a table of the first rows, as notebooks show it."""
        head = self._frame.head(SHOWN_ROWS)
        names = "".join(
            f"<th>{html.escape(name)}<br><small>{html.escape(kind)}</small></th>"
            for name, kind in zip(head.column_names, head.column_types, strict=True)
        )
        rows = "".join(
            "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row.values()) + "</tr>"
            for row in head.to_dicts()
        )
        return (
            f"<table><caption>{self._caption()}</caption>"
            f"<thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def _caption(self) -> str:
        shown = f", first {SHOWN_ROWS} shown" if len(self) > SHOWN_ROWS else ""
        return f"{type(self).__name__}: {len(self):,} {self._noun()}{shown}"

    def _noun(self) -> str:
        return "row" if len(self) == 1 else "rows"


def _cell(value: object) -> str:
    return "<em>null</em>" if value is None else html.escape(str(value))


def _missing(package: str, extra: str) -> InvalidError:
    return InvalidError(
        f"{package} is not installed",
        code="missing_extra",
        hint=f"pip install 'headwater[{extra}]', or read the rows with to_dicts()",
    )
