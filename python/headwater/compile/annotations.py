"""What an annotation means as a column type.

Annotations are objects, or strings under `from __future__ import annotations`; strings are parsed
and names looked up, never evaluated, so classes inside functions and notebook cells work too.
"""

from __future__ import annotations

import ast
import builtins
import sys
import types
import typing
from dataclasses import dataclass, replace

from headwater.types import DataType, Timestamp, TimeUnit

_PLAIN: dict[object, DataType] = {
    bool: DataType.BOOL,
    int: DataType.INT,
    float: DataType.FLOAT,
    str: DataType.STR,
    Timestamp: DataType.TIMESTAMP,
}
_BY_NAME: dict[str, object] = {"Timestamp": Timestamp, "Optional": typing.Optional}
_UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A resolved annotation."""

    type: DataType
    nullable: bool = False
    unit: TimeUnit = TimeUnit.MICROSECONDS


def resolve(annotation: object, module: str) -> ColumnType | None:
    """Return the type that an annotation means, or None where it means no column type.

    Args:
        annotation: an object or its text.
        module: the name of the module in which texts are looked up.

    >>> resolve("float | None", "builtins")
    ColumnType(type=<DataType.FLOAT: 'float'>, nullable=True, unit=<TimeUnit.MICROSECONDS: 'us'>)
    """
    if isinstance(annotation, str):
        try:
            tree = ast.parse(annotation.strip(), mode="eval")
        except SyntaxError:
            return None
        return _from_tree(tree.body, module)
    return _from_object(annotation, module)


def shown(annotation: object) -> str:
    """Return an annotation as a message shows it."""
    if isinstance(annotation, type):
        return annotation.__name__
    return annotation if isinstance(annotation, str) else repr(annotation)


def _from_object(annotation: object, module: str) -> ColumnType | None:
    if isinstance(annotation, Timestamp):
        return ColumnType(DataType.TIMESTAMP, annotation.nullable, annotation.unit)
    if isinstance(annotation, typing.ForwardRef):
        return resolve(annotation.__forward_arg__, module)
    if typing.get_origin(annotation) is typing.Annotated:
        return resolve(typing.get_args(annotation)[0], module)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return _union([resolve_or_none(each, module) for each in typing.get_args(annotation)])
    try:
        plain = _PLAIN.get(annotation)
    except TypeError:  # not hashable
        return None
    return None if plain is None else ColumnType(plain)


def resolve_or_none(annotation: object, module: str) -> ColumnType | type[None] | None:
    """Return `NoneType` for None, else what `resolve` returns."""
    if annotation is None or annotation is type(None):
        return type(None)
    return resolve(annotation, module)


def _union(members: list[ColumnType | type[None] | None]) -> ColumnType | None:
    """A type or None; every other union has no single type."""
    kept = [each for each in members if each is not type(None)]
    if len(kept) != 1 or not isinstance(kept[0], ColumnType):
        return None
    return replace(kept[0], nullable=kept[0].nullable or len(members) > len(kept))


def _from_tree(node: ast.expr, module: str) -> ColumnType | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([_member(node.left, module), _member(node.right, module)])
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return resolve(node.value, module)
    if isinstance(node, ast.Subscript):
        return _from_subscript(node, module)
    if isinstance(node, ast.Call):
        return _from_call(node, module)
    found = _looked_up(node, module)
    return None if found is _UNKNOWN or isinstance(found, str) else _from_object(found, module)


def _from_subscript(node: ast.Subscript, module: str) -> ColumnType | None:
    """`Optional[float]` and `Annotated[float, ...]`."""
    outer = _looked_up(node.value, module)
    if outer is typing.Optional:
        return _union([_from_tree(node.slice, module), type(None)])
    if outer is typing.Annotated and isinstance(node.slice, ast.Tuple):
        return _from_tree(node.slice.elts[0], module)
    return None


def _member(node: ast.expr, module: str) -> ColumnType | type[None] | None:
    if isinstance(node, ast.Constant) and node.value is None:
        return type(None)
    return _from_tree(node, module)


def _from_call(node: ast.Call, module: str) -> ColumnType | None:
    """`hw.Timestamp("ms")`, the only call that an annotation may hold."""
    given = [*node.args, *(each.value for each in node.keywords if each.arg == "unit")]
    known = {each.value for each in TimeUnit}
    if _looked_up(node.func, module) is not Timestamp or len(given) != 1:
        return None
    value = given[0].value if isinstance(given[0], ast.Constant) else None
    return ColumnType(DataType.TIMESTAMP, unit=TimeUnit(value)) if value in known else None


def _looked_up(node: ast.expr, module: str) -> object:
    """Look a dotted name up in the module; names of a function are known by their last part."""
    if isinstance(node, ast.Name):
        names = vars(sys.modules[module]) if module in sys.modules else {}
        found = names.get(node.id, getattr(builtins, node.id, _UNKNOWN))
        return _BY_NAME.get(node.id, _UNKNOWN) if found is _UNKNOWN else found
    if isinstance(node, ast.Attribute):
        owner = _looked_up(node.value, module)
        found = _UNKNOWN if owner is _UNKNOWN else getattr(owner, node.attr, _UNKNOWN)
        return _BY_NAME.get(node.attr, _UNKNOWN) if found is _UNKNOWN else found
    return _UNKNOWN
