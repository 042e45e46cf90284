"""Scalar SQL in definitions: from the user's text to a canonical typed tree.

sqlglot parses and nothing more; names, types, casts and refusals are ours, from one table, so that
an expression has one meaning in every engine. Must never print the user's text as another
dialect, and must not load sqlglot before something is compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.errors import Origin
    from headwater.types import Column, DataType

__all__ = ["Expression", "compile_expression"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        tree: canonical JSON, `[head, setting?, argument...]`; equal meanings spelled alike are
            equal trees, and the text's blanks, comments and letter case leave no trace.
        type: the type of its result.
        fallible: can a row fail (integer overflow, CAST, a float out of the range of its scale)?
        nullable: can the result be null?
        columns: the columns it reads, sorted.
        scale_exponent: sums of it round to multiples of 2^scale_exponent: a column alone keeps
            its own, anything computed has the default.
        local_only: what in it Flink and Spark are refused for, each said in words.
        text: what the user wrote.
    """

    tree: list[Any]
    type: DataType
    fallible: bool
    nullable: bool
    columns: tuple[str, ...]
    scale_exponent: int
    local_only: tuple[str, ...]
    text: str


def compile_expression(text: str, columns: Mapping[str, Column], *, where: Origin) -> Expression:
    """Compile one scalar SQL expression over the given columns.

    Args:
        text: the expression, such as `dep_delay > 15`.
        columns: what it may name, by name.
        where: the definition that holds it, for errors.

    Returns:
        Its canonical tree with type and properties.

    Raises:
        InvalidError: it does not parse, names what is not there, mixes types, or asks for what
            has no single meaning; the detail shows the place in the text.

    >>> from headwater.errors import Origin
    >>> from headwater.types import Column, DataType
    >>> columns = {"dep_delay": Column("dep_delay", DataType.FLOAT, nullable=True)}
    >>> compile_expression("dep_delay > 15", columns, where=Origin("view V, feature late")).tree
    ['gt', ['col', 'dep_delay'], ['float', '15.0']]
    """
    # The parser takes 0.2 s to load: only what compiles an expression pays for it.
    from headwater.compile.expressions.compiler import compile_text

    return compile_text(text, columns, where)
