"""Large training sets in parts: label rows that a server takes, and one answer of all of them.

Every part is answered from the log up to one epoch, so that the whole has one knowledge, as an
answer to a single request has. Must never give rows of two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from headwater._native import Frame
from headwater.errors import ConflictError, HeadwaterError, InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Json = dict[str, Any]

METADATA_KEY: Final = "headwater"
"""The text of a schema that tells what stands behind a training set."""

FOUND_ROWS_MAX: Final = 10_000
STATUSES_MAX: Final = 1_000
"""Most rows whose `found` is listed, and most statuses: as in the answer to a single request."""

OF_ROWS: Final = frozenset({"found", "found_rows"})
"""What metadata tells of a view for the rows of a part; the rest holds for all of them."""


def answered(
    parts: Sequence[tuple[bytes, int]], ask: Callable[[bytes, int | None], Frame]
) -> Frame:
    """Ask for each part of the labels; return the rows of all of them in order.

    Args:
        parts: bodies, each with its number of rows.
        ask: asks for a part, from the log up to the epoch of this number; None: the newest.

    Raises:
        ConflictError: `knowledge_changed`: definitions or archive changed between two parts.
        HeadwaterError: what the server says of a part, its rows counted over all of them.
    """
    if len(parts) == 1:
        return ask(parts[0][0], None)
    answers: dict[int, Frame] = {}
    early: dict[int, HeadwaterError] = {}
    epoch = None
    for number in range(len(parts)):
        try:
            answers[number] = _asked(parts, number, epoch, ask)
        except InvalidError as refused:
            # As of arrival: nothing had arrived by the last label of this part.
            if refused.code != "no_arrivals":
                raise
            early[number] = refused
        else:
            epoch = _metadata(answers[number])["epoch"]["sequence"] if epoch is None else epoch
    if not answers:
        raise early[len(parts) - 1]
    # What is a part of labels for which something had arrived is answered with the rest.
    answers |= {number: _asked(parts, number, epoch, ask) for number in early}
    frames = [answers[number] for number in range(len(parts))]
    told = _told([(_metadata(frame), frame.num_rows) for frame in frames])
    texts = {**frames[0].schema_metadata, METADATA_KEY: orjson.dumps(told).decode()}
    return Frame.joined(frames, texts)


def _asked(
    parts: Sequence[tuple[bytes, int]],
    number: int,
    epoch: int | None,
    ask: Callable[[bytes, int | None], Frame],
) -> Frame:
    try:
        return ask(parts[number][0], epoch)
    except HeadwaterError as error:
        if error.row is not None:
            row = error.row + sum(rows for _, rows in parts[:number])
            error.message = error.message.replace(f"row {error.row}:", f"row {row}:", 1)
            error.row = row
        raise


def _metadata(frame: Frame) -> Json:
    document: Json = orjson.loads(frame.schema_metadata[METADATA_KEY])
    return document


def _told(parts: Sequence[tuple[Json, int]]) -> Json:
    """Return what can be said of all rows, from what was said of each part and its rows."""
    whole, before = parts[0]
    common = _common(whole)
    for told, rows in parts[1:]:
        if _common(told) != common:
            raise ConflictError(
                "the server's definitions or archive changed between two parts of the labels",
                code="knowledge_changed",
                hint="ask for the training set again",
            )
        for name, view in whole["views"].items():
            view["found_rows"] += told["views"][name]["found_rows"]
            view["found"] = view.get("found", []) + told["views"][name].get("found", [])
        whole["status"] += [{**each, "row": each["row"] + before} for each in told["status"]]
        whole["status_values"] += told["status_values"]
        before += rows
    if before > FOUND_ROWS_MAX:
        for view in whole["views"].values():
            del view["found"]
    whole["status"] = whole["status"][:STATUSES_MAX]
    return whole


def _common(told: Json) -> Json:
    """Return what must be the same in all parts: epoch, archive, versions, meaning, notes."""
    views = {
        name: {each: value for each, value in view.items() if each not in OF_ROWS}
        for name, view in told["views"].items()
    }
    rest = {name: each for name, each in told.items() if name not in {"status", "status_values"}}
    return {**rest, "views": views}
