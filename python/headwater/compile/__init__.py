"""Definitions to blueprint: gathered, checked by rules, lowered to canonical JSON.

Pure; loaded only when something is compiled, since expressions need a parser of SQL.
"""

from headwater.compile.compiled import Compiled, Target
from headwater.compile.compiler import compile_definitions
from headwater.compile.load import load_definitions

__all__ = ["Compiled", "Target", "compile_definitions", "load_definitions"]
