"""Runs the command in a process of its own, as a person or script does."""

import json
import subprocess
import sys


def run(*arguments, cwd, code=0, env=None, stdin=None):
    """Run `headwater` with arguments; return what it printed, and check its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "headwater.cli", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
        input=stdin,
        check=False,
    )
    assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
    return done


def run_json(*arguments, cwd, code=0):
    """The same with `--json`; return the document."""
    return json.loads(run(*arguments, "--json", cwd=cwd, code=code).stdout)
