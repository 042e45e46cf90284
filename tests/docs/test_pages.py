"""Every example of the documentation runs, and prints what the page says it prints."""

import doctest
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


def test_the_pages_have_examples():
    found = [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")]
    assert {"http.md", "first-project.md", "time-and-windows.md"} <= {page.name for page in found}
