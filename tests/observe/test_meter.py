"""The line that tells how far something long has come: on a terminal, and nowhere else."""

import io

from headwater.observe import Meter


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self):
        return True


def terminal_of(monkeypatch):
    """A terminal in place of stderr; asked for within a test, since pytest sets its own before."""
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    return shown


def test_done_total_rate_and_time_left_are_on_one_line_that_goes_at_the_end(monkeypatch):
    terminal = terminal_of(monkeypatch)
    with Meter("filling") as meter:
        meter(0, 5_000_000, 0.0, None)
        meter(1_200_000, 5_000_000, 812_345.6, 4.7)
        meter(1_300_000, 5_000_000, 10.0, 370_000.0)
    assert terminal.getvalue().split("\r\x1b[K") == [
        "",
        "headwater: filling: 0 of 5,000,000 events, 0 a second",
        "headwater: filling: 1,200,000 of 5,000,000 events, 812,346 a second, 0:05 left",
        "headwater: filling: 1,300,000 of 5,000,000 events, 10 a second, 102:46:40 left",
        "",
    ]


def test_what_never_took_long_enough_shows_nothing(monkeypatch):
    terminal = terminal_of(monkeypatch)
    with Meter("filling") as meter:
        before = terminal.getvalue()
    assert (before, terminal.getvalue()) == ("", "")
    with meter:
        meter(1, 2, 3.0, 4.0)
    assert terminal.getvalue() != ""


def test_where_stderr_is_no_terminal_nothing_is_shown(capsys):
    with Meter("filling") as meter:
        meter(1, 2, 3.0, 4.0)
    assert capsys.readouterr() == ("", "")
