"""Aggregates as users write them: a function, its input and its windows, before any check.

One function an aggregate, as semantics.md names them. A new one is added here, to the compiler's
table of input types, and as a family of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NoReturn

from headwater.define.pick import FeatureAttribute
from headwater.define.window import Over, Sliding, Window
from headwater.errors import DefinitionError


@dataclass(frozen=True)
class Aggregate(FeatureAttribute):
    """An aggregate of a stream; `.over(...)` gives its windows.

    `function` is the blueprint's name; `input` and `where` are SQL texts over the columns of the
    stream; `default` replaces null; `n` makes a list.
    """

    function: str
    input: Any = None
    where: str | None = None
    default: Any = None
    n: int | None = None
    distinct: bool = False
    overs: tuple[Over, ...] = ()

    def over(
        self,
        *windows: str | Window,
        resolution: str | None = None,
        delay: str | None = None,
    ) -> Aggregate:
        """Add windows; several calls add up.

        Args:
            windows: durations such as `"24h"`, or `hw.lifetime()`.
            resolution: `"exact"`, or a step of the ladder (`1s 5s 10s 30s 1m 5m 10m 30m 1h 3h
                12h 1d`) to which the windows' beginnings are floored; the default is the largest
                step of which a window holds at least 48.
            delay: not supported yet, refused when compiled.

        Returns:
            A new aggregate with these windows too.

        >>> [len(each.windows) for each in count().over("1h", "24h").over("7d").overs]
        [2, 1]
        """
        made = tuple(Sliding(each) if isinstance(each, str) else each for each in windows)
        return replace(self, overs=(*self.overs, Over(made, resolution, delay)))

    def named(self, name: str) -> Aggregate:
        """Name the output column of the last `.over(...)`, which must hold exactly one window.

        The column becomes `{view}__{name}` in place of `{view}__{feature}_{window}`.

        >>> mean("delay").over("1h").over("1h", resolution="exact").named("exact").overs[1].name
        'exact'
        """
        if not self.overs:
            return replace(self, overs=(Over((), name=name),))
        return replace(self, overs=(*self.overs[:-1], replace(self.overs[-1], name=name)))

    def by(self, column: str, *, limit: int | None = None) -> NoReturn:
        """Aggregate a category at a time: not supported yet, refused."""
        del column, limit
        raise DefinitionError(
            f"{self.function}(...).by(...) is not supported yet",
            code="not_supported",
            hint="write one feature a category, with where=",
        )


def count(x: str | None = None, *, where: str | None = None, default: Any = None) -> Aggregate:
    """Count events, or those with `x` not null; 0 where there is none.

    >>> count(where="dep_delay > 15").over("1h").function
    'count'
    """
    return Aggregate("count", x, where, default)


def sum(x: str, *, where: str | None = None, default: Any = None) -> Aggregate:  # noqa: A001
    """Sum `x` exactly; booleans count as 0 and 1. Null where there is no value.

    >>> sum("amount").over("7d").input
    'amount'
    """
    return Aggregate("sum", x, where, default)


def mean(x: str, *, where: str | None = None, default: Any = None) -> Aggregate:
    """Average `x`, rounded once; a boolean gives a share. Null where there is no value.

    >>> mean("dep_delay > 15").over("24h").function
    'mean'
    """
    return Aggregate("mean", x, where, default)


def min(x: str, *, where: str | None = None, default: Any = None) -> Aggregate:  # noqa: A001
    """Return the least `x`; strings compare by bytes. Null where there is no value.

    >>> min("price").over("24h").function
    'min'
    """
    return Aggregate("min", x, where, default)


def max(x: str, *, where: str | None = None, default: Any = None) -> Aggregate:  # noqa: A001
    """Return the greatest `x`; strings compare by bytes. Null where there is no value.

    >>> max("price").over("24h").function
    'max'
    """
    return Aggregate("max", x, where, default)


def first(
    x: str,
    *,
    n: int | None = None,
    where: str | None = None,
    default: Any = None,
    distinct: bool = False,
) -> Aggregate:
    """Return the earliest `x` that is not null. `n=` and `distinct=` are not supported yet.

    >>> first("price").over("24h").function
    'first'
    """
    return Aggregate("first", x, where, default, n, distinct)


def last(
    x: str,
    *,
    n: int | None = None,
    where: str | None = None,
    default: Any = None,
    distinct: bool = False,
) -> Aggregate:
    """Return the latest `x` that is not null; with `n=` the n latest, oldest first.

    `distinct=` is not supported yet.

    >>> last("dep_delay", n=20).over("7d").n
    20
    """
    return Aggregate("last", x, where, default, n, distinct)
