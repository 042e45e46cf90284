"""The errors that Headwater raises, and where in the user's code a problem stands.

One class a kind, the same through Python, the extension and HTTP. An error says what happened,
then details, then what to do about it. It must never import a heavy library or another room.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NEAR_NAMES_MAX = 3
"""How many near names a hint lists: more are noise."""

NAMES_SHOWN_MAX = 20
"""How many names a hint lists where none is near."""


class HeadwaterError(Exception):
    """What every error of Headwater is.

    Args:
        message: what happened, in lower case and without a full stop.
        code: a stable word for programs, such as `unknown_column`.
        detail: more about it, one or several lines.
        hint: what to do about it.
        row: the row of the user's input that it concerns, counted from 0, or None.
    """

    kind: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        detail: str = "",
        hint: str = "",
        row: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.detail = detail
        self.hint = hint
        self.row = row

    def __str__(self) -> str:
        lines = [self.message]
        if self.detail:
            lines.append(self.detail)
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not pickle by themselves; worker pools need it.
        return _rebuild, (type(self), self.__dict__)


def _rebuild(kind: type[HeadwaterError], state: dict[str, object]) -> HeadwaterError:
    error = kind.__new__(kind, state["message"])
    error.__dict__.update(state)
    return error


class InvalidError(HeadwaterError):
    """What the user gave is wrong: a definition, a setting, an argument, a body."""

    kind = "invalid"


class NotFoundError(HeadwaterError):
    """A name that nothing has."""

    kind = "not_found"


class ConflictError(HeadwaterError):
    """The state of things forbids it: another owner, a changed column, before the horizon."""

    kind = "conflict"


class UnavailableError(HeadwaterError):
    """Not now: a queue is full, a deadline passed, a server does not answer. Try again."""

    kind = "unavailable"


class DataError(HeadwaterError):
    """Stored bytes that cannot be read or do not add up."""

    kind = "data"


class ClosedError(HeadwaterError):
    """The workspace has been closed."""

    kind = "closed"


class InternalError(HeadwaterError):
    """A fault of Headwater itself; please report it."""

    kind = "internal"


@dataclass(frozen=True, slots=True)
class Location:
    """A line of the user's code.

    `file` is a path, or a name such as `<notebook cell 3>`; `line` counts from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which definition something is about, and how to find its line once an error needs it.

    `definition` names it as a message does: `view CarrierPunctuality, feature late_share`.
    `locate` is called only when an error is made, since it reads source files.
    """

    definition: str
    locate: Callable[[], Location | None] | None = None

    def location(self) -> Location | None:
        """Return the line of the definition, or None where no source is at hand."""
        return None if self.locate is None else self.locate()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a definition, as collected by a compile."""

    code: str
    definition: str
    message: str
    location: Location | None = None
    detail: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = "" if self.location is None else f"{self.location}: "
        lines = [f"{place}{self.definition}: {self.message}"]
        lines += [f"    {line}" for line in self.detail.splitlines()]
        if self.hint:
            lines.append(f"    hint: {self.hint}")
        return "\n".join(lines)


class DefinitionError(InvalidError):
    """A definition that cannot even be written down: a malformed duration, a wrong argument.

    Raised where the definition is made, so Python's traceback shows the line.
    """


class CompileError(InvalidError):
    """All that is wrong with a set of definitions, each with definition, file, line and hint.

    `problems` holds them in order of definition. The code is that of the first.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        if not self.problems:
            raise InternalError("a compile error without a problem", code="internal")
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            f"{count} {noun} in the definitions",
            code=self.problems[0].code,
            detail="\n".join(str(problem) for problem in self.problems),
        )


def near_names(name: str, known: Iterable[str]) -> str:
    """Return a hint that names what `name` may have meant, else what there is.

    Empty when nothing is known at all.

    >>> near_names("dep_dely", ["dep_delay", "carrier"])
    'did you mean dep_delay?'
    >>> near_names("x", ["a", "b"])
    'there are: a, b'
    """
    names = sorted(set(known))
    by_case = {candidate.casefold(): candidate for candidate in reversed(names)}
    near = difflib.get_close_matches(name.casefold(), by_case, n=NEAR_NAMES_MAX)
    if near:
        return f"did you mean {' or '.join(by_case[each] for each in near)}?"
    more = f" and {len(names) - NAMES_SHOWN_MAX} more" if len(names) > NAMES_SHOWN_MAX else ""
    return f"there are: {', '.join(names[:NAMES_SHOWN_MAX])}{more}" if names else ""
