"""Every example of the documentation runs, and prints what the page says it prints."""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("README.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # In Markdown the fence ends an example, which doctest knows only of a blank line.
    text = page.read_text(encoding="utf-8").replace("\n```", "\n\n```")
    parser = doctest.DocTestParser()
    examples = parser.get_doctest(text, {"__name__": "__main__"}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    told: list[str] = []
    runner.run(examples, out=told.append)
    assert runner.failures == 0, "".join(told)


def test_the_commands_of_the_first_project_work(tmp_path):
    page = (ROOT / "docs" / "first-project.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    commands = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    assert len(commands) > 5
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", "\n".join(commands)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "shop" / "train.csv").exists()


def test_the_pages_have_examples():
    found = [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")]
    assert {"http.md", "first-project.md", "time-and-windows.md"} <= {page.name for page in found}
