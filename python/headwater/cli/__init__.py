"""The command `headwater`: what people and scripts call from a terminal.

Data goes to stdout, talk to stderr; exits are 0, 1 (failed) and 2 (usage). Commands are thin: the
verbs are the workspace's. Must never be imported by another room.
"""

from headwater.cli.main import main

__all__ = ["main"]
