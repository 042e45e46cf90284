"""A server killed with -9 thirty times loses nothing, doubles nothing and answers nothing wrong."""

import os

from tests.crash.campaign import campaign

ROUNDS = int(os.environ.get("HEADWATER_CRASH_ROUNDS", "30"))


def test_killed_servers_keep_what_they_acknowledged():
    tally = campaign(ROUNDS, seed=11, talk=False)
    assert tally == {"rounds": ROUNDS, "lost": 0, "doubled": 0, "wrong": 0}
