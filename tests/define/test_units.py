"""Durations and sizes have one form each."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.errors import InvalidError
from headwater.types import DURATION_MAX_US, duration_us, size_bytes

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("1s", 1), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)],
)
def test_a_duration_is_an_integer_and_a_unit(text: str, seconds: int) -> None:
    """In microseconds."""
    assert duration_us(text) == seconds * SECOND


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "24",
        "1.5h",
        "-1h",
        "01h",
        "1 h",
        "1H",
        "1M",
        "1y",
        "1h30m",
        24,
        None,
        "\N{ARABIC-INDIC DIGIT ONE}h",
    ],
)
def test_anything_else_is_no_duration(text: Any) -> None:
    """One form everywhere."""
    with pytest.raises(InvalidError) as caught:
        duration_us(text)
    assert str(caught.value) == (
        f"{text!r} is not a duration\n"
        'hint: a duration is an integer and a unit out of s, m, h, d, w, such as "24h"'
    )


def test_the_longest_duration_is_the_span_of_instants() -> None:
    """At the edge."""
    days = DURATION_MAX_US // (86_400 * SECOND)
    assert duration_us(f"{days}d") == DURATION_MAX_US
    with pytest.raises(InvalidError, match="longer than the 229 years"):
        duration_us(f"{days + 1}d")


@pytest.mark.parametrize(
    ("text", "size"),
    [("64 MiB", 2**26), ("64MiB", 2**26), ("1 KiB", 1024), ("10", 10), (10, 10), ("3 B", 3)],
)
def test_a_size_is_an_integer_and_a_binary_unit(text: Any, size: int) -> None:
    """In bytes."""
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["64 MB", "1.5 GiB", "-1", "MiB", -1, True, None])
def test_anything_else_is_no_size(text: Any) -> None:
    """MB means two things."""
    with pytest.raises(InvalidError) as caught:
        size_bytes(text)
    assert str(caught.value) == (
        f"{text!r} is not a size\n"
        'hint: a size is an integer and a unit out of B, KiB, MiB, GiB, TiB, such as "64 MiB"'
    )
