"""The examples in docstrings of definitions, compiler and settings run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import headwater.compile
import headwater.config
import headwater.define

MODULES = ["headwater.errors", "headwater.types"] + [
    each.name
    for room in (headwater.define, headwater.compile, headwater.config)
    for each in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_run(module: str) -> None:
    """As they are printed."""
    assert doctest.testmod(importlib.import_module(module)).failed == 0
