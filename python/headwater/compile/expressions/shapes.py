"""Parts of SQL with a shape of their own: IS, IN, BETWEEN, choice, casts and some of text.

What is only another way of writing something is written that way in the tree, so that equal
meanings share their state. Each function takes the walk and the parser's node.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from headwater.compile.expressions import ranges, refuse
from headwater.compile.expressions.ranges import ANY, INTS, Range, hull
from headwater.compile.expressions.refuse import Refusal
from headwater.compile.expressions.settle import settle
from headwater.compile.expressions.table import BY_NODE, CASTS
from headwater.compile.expressions.time_shapes import TIME_SHAPES
from headwater.compile.expressions.typed import Typed, bool_part, coerce, null_part, unify
from headwater.types import DataType

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwater.compile.expressions.typed import Span
    from headwater.compile.expressions.walk import Walk

FLOAT_TEXT: Final = "floats to text: engines write them differently"


def _negate(walk: Walk, part: Typed) -> Typed:
    return walk.make(BY_NODE["Not"], [part], part.span)


def _is(walk: Walk, node: Any) -> Typed:
    """`a IS NULL`; `a IS TRUE` is `a IS NOT DISTINCT FROM TRUE`."""
    span = walk.span(node)
    operand = walk.part(node.this)
    match node.expression:
        case exp.Null():
            tree = ["is_null", _typed(operand, span).tree]
            return settle(DataType.BOOL, tree, [operand], span, null=False)
        case exp.Boolean():
            truth = bool_part(bool(node.expression.this), span)
            return _negate(walk, _distinct(walk, [operand, truth], span))
    hint = "IS takes NULL, TRUE or FALSE; to compare nulls too: IS NOT DISTINCT FROM"
    raise refuse.unsupported("IS with a value is", span, hint)


def _typed(part: Typed, span: Span) -> Typed:
    """Return a part that has a type; a bare NULL has none here."""
    if part.type is None:
        raise Refusal("type_mismatch", "NULL alone has no type", span, "CAST(NULL AS int)")
    return part


def _distinct(walk: Walk, parts: list[Typed], span: Span) -> Typed:
    row = BY_NODE["NullSafeNEQ"]
    made = walk.make(row, parts, span)
    return settle(DataType.BOOL, made.tree, parts, span, null=False)


def _is_distinct(walk: Walk, node: Any) -> Typed:
    walk.only(node, ("this", "expression"))
    parts = [walk.part(node.this), walk.part(node.expression)]
    return _distinct(walk, parts, walk.span(node))


def _is_not_distinct(walk: Walk, node: Any) -> Typed:
    return _negate(walk, _is_distinct(walk, node))


def _between(walk: Walk, node: Any) -> Typed:
    """`a BETWEEN b AND c` is `a >= b AND a <= c`."""
    walk.only(node, ("this", "low", "high"))
    span = walk.span(node)
    operand, low, high = (walk.part(node.args[name]) for name in ("this", "low", "high"))
    above = walk.make(BY_NODE["GTE"], [operand, low], span)
    below = walk.make(BY_NODE["LTE"], [operand, high], span)
    return walk.make(BY_NODE["And"], [above, below], span)


def _in(walk: Walk, node: Any) -> Typed:
    """A list of literals is a set, in one order whatever the text's; else `a = b OR a = c`."""
    span = walk.span(node)
    if node.args.get("query") is not None:
        raise refuse.unsupported("a subquery is", span)
    walk.only(node, ("this", "expressions"))
    operand = walk.part(node.this)
    members = [walk.part(member) for member in node.expressions]
    kind = unify([operand, *members])
    if kind is None or not members:
        raise refuse.mismatch("a IN (...)", [operand, *members], "one type", span)
    operand = coerce(operand, kind)
    members = [coerce(member, kind) for member in members]
    if kind is DataType.BOOL or not all(member.literal for member in members):
        made = walk.make(BY_NODE["EQ"], [operand, members[0]], span)
        for member in members[1:]:
            same = walk.make(BY_NODE["EQ"], [operand, member], span)
            made = walk.make(BY_NODE["Or"], [made, same], span)
        return made
    trees = {json.dumps(member.tree): member.tree for member in members}
    ordered = sorted(trees.values(), key=_by_value)
    tree = ["in", operand.tree, *ordered]
    return settle(DataType.BOOL, tree, [operand, *members], span)


def _by_value(tree: list[Any]) -> tuple[bool, Any]:
    """Order literals of one type by value, nulls last."""
    if tree[0] == "null":
        return (True, 0)
    return (False, float(tree[1]) if tree[0] == "float" else tree[1])


def _choice(branches: list[Typed], span: Span) -> tuple[DataType, list[Typed]]:
    kind = unify(branches)
    if kind is None:
        raise refuse.mismatch("a choice", branches, "branches of one type", span)
    return kind, [coerce(branch, kind) for branch in branches]


def _case(walk: Walk, node: Any) -> Typed:
    """Both forms, and `if(c, a, b)`: `CASE a WHEN b` is `CASE WHEN a = b`; no ELSE is NULL."""
    span = walk.span(node)
    if isinstance(node, exp.If):
        walk.only(node, ("this", "true", "false"))
        pairs, subject, otherwise = [(node.this, node.args["true"])], None, node.args.get("false")
    else:
        walk.only(node, ("this", "ifs", "default"))
        pairs = [(each.this, each.args["true"]) for each in node.args["ifs"]]
        subject, otherwise = node.args.get("this"), node.args.get("default")
    conditions, values = [], []
    for condition, value in pairs:
        holds = walk.part(condition)
        if subject is not None:
            holds = walk.make(BY_NODE["EQ"], [walk.part(subject), holds], span)
        if holds.type not in (DataType.BOOL, None):
            raise refuse.mismatch("a condition", [holds], "bool", holds.span)
        conditions.append(coerce(holds, DataType.BOOL))
        values.append(walk.part(value))
    values.append(null_part(span) if otherwise is None else walk.part(otherwise))
    kind, values = _choice(values, span)
    tree: list[Any] = ["case"]
    for condition, branch in zip(conditions, values, strict=False):
        tree += [condition.tree, branch.tree]
    tree.append(values[-1].tree)
    null = any(value.nullable for value in values)
    reach = _reach(values)
    return settle(kind, tree, conditions + values, span, reach, null=null)


def _reach(values: list[Typed]) -> Range:
    """Return the hull of the values; a NULL adds none."""
    return hull([value.range for value in values if value.tree[0] != "null"] or [ANY])


def _coalesce(walk: Walk, node: Any) -> Typed:
    walk.only(node, ("this", "expressions"))
    span = walk.span(node)
    parts = [walk.part(each) for each in (node.this, *node.expressions)]
    kind, parts = _choice(parts, span)
    if len(parts) == 1:
        return parts[0]
    tree: list[Any] = ["coalesce"]
    for part in parts:
        tree += part.tree[1:] if part.tree[0] == "coalesce" else [part.tree]
    null = all(part.nullable for part in parts)
    return settle(kind, tree, parts, span, _reach(parts), null=null)


def _nullif(walk: Walk, node: Any) -> Typed:
    walk.only(node, ("this", "expression"))
    span = walk.span(node)
    kind, parts = _choice([walk.part(node.this), walk.part(node.expression)], span)
    tree = ["nullif", *(part.tree for part in parts)]
    return settle(kind, tree, parts, span, parts[0].range, null=True)


def _cast(walk: Walk, node: Any) -> Typed:
    """CAST and TRY_CAST among bool, int, float and str."""
    span = walk.span(node)
    operand = walk.part(node.this)
    lenient = isinstance(node, exp.TryCast)
    name = node.args["to"].this
    target = CASTS.get(getattr(name, "name", str(name)))
    if operand.type is DataType.TIMESTAMP or "TIME" in str(name) or "DATE" in str(name):
        hint = "epoch(t) gives seconds since 1970; declare a column of the stream as an instant"
        raise refuse.unsupported("a cast from or to an instant is", span, hint)
    if target is None:
        written = str(node.args["to"].sql()).lower()
        hint = "CAST takes bool, int, float and str"
        raise refuse.unsupported(f"a cast to {written} is", span, hint)
    if operand.type is None:
        return coerce(operand, target)
    if operand.type is target:
        return operand
    if operand.type is DataType.INT and target is DataType.FLOAT:
        return coerce(operand, target)
    fails = _cast_fails(operand, target)
    infinite = operand.type is DataType.STR and target is DataType.FLOAT
    return settle(
        target,
        ["try_cast" if lenient and fails else "cast", target.value, operand.tree],
        [operand],
        span,
        _cast_reach(operand, target),
        null=operand.nullable or (lenient and fails) or infinite,
        fails=fails and not lenient,
        local=[FLOAT_TEXT] if (operand.type, target) == (DataType.FLOAT, DataType.STR) else [],
    )


def _cast_fails(operand: Typed, target: DataType) -> bool:
    """Return whether some value has no counterpart: any text may, and a float beyond 64 bits."""
    if operand.type is DataType.STR:
        return True
    beyond = not operand.range.within(-(2.0**63), ranges.MOST) or operand.range.high >= 2.0**63
    return operand.type is DataType.FLOAT and target is DataType.INT and beyond


def _cast_reach(operand: Typed, target: DataType) -> Range:
    match (operand.type, target):
        case (DataType.BOOL, DataType.INT | DataType.FLOAT):
            return Range(0, 1) if target is DataType.INT else Range(0.0, 1.0)
        case (DataType.FLOAT, DataType.INT):
            return Range(int(operand.range.low), int(operand.range.high)).cut(INTS.low, INTS.high)
        case (_, DataType.INT):
            return INTS
        case (_, DataType.FLOAT):
            return ranges.FLOATS
    return ANY


def _round(walk: Walk, node: Any) -> Typed:
    if node.args.get("decimals") is not None:
        raise refuse.unsupported("rounding to digits is", walk.span(node), "round(x * 100) / 100")
    return walk.by_row(BY_NODE["Round"], node)


def _trim(walk: Walk, node: Any) -> Typed:
    if node.args.get("position") or node.args.get("expression"):
        hint = "trim(s) strips spaces (U+0020) at both ends"
        raise refuse.unsupported("trimming anything else is", walk.span(node), hint)
    return walk.by_row(BY_NODE["Trim"], node)


def _substring(walk: Walk, node: Any) -> Typed:
    made = walk.by_row(BY_NODE["Substring"], node)
    for argument, least in zip(made.tree[2:], (1, 0), strict=False):
        if argument[0] == "int" and argument[1] < least:
            what = "a start below 1" if least else "a negative length"
            raise refuse.unsupported(f"substring with {what} is", made.span)
    return made


def _escape(walk: Walk, node: Any) -> Typed:
    raise refuse.unsupported("LIKE with ESCAPE is", walk.span(node))


def _ilike(walk: Walk, node: Any) -> Typed:
    raise refuse.unsupported("ILIKE is", walk.span(node), "lower(s) LIKE 'pattern'")


SHAPES: Final[dict[str, Callable[[Walk, Any], Typed]]] = {
    "Is": _is,
    "NullSafeNEQ": _is_distinct,
    "NullSafeEQ": _is_not_distinct,
    "Between": _between,
    "In": _in,
    "Case": _case,
    "If": _case,
    "Coalesce": _coalesce,
    "Nullif": _nullif,
    "Cast": _cast,
    "TryCast": _cast,
    **TIME_SHAPES,
    "Round": _round,
    "Trim": _trim,
    "Substring": _substring,
    "Escape": _escape,
    "ILike": _ilike,
}
"""By class of the parser."""
