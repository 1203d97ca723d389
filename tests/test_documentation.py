"""What the pages say is so: their code runs and prints what they show, commands exist, links lead somewhere.

A page's blocks of Python are one script, run in order. A block of text that follows one is what it prints. A block that
begins with the name of a file goes to that file. Comments before a block: ``<!-- RDataFrame -->`` puts it into
another script, run where ROOT is installed; ``<!-- not run: REASON -->`` leaves it out.
"""

import contextlib
import doctest
import importlib
import importlib.metadata
import io
import os
import re
import runpy
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from hepcol.cli import commands

CHECKOUT = Path(__file__).parent.parent
DOCS = CHECKOUT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
LINKED = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *PAGES]
ELSEWHERE = {"corrections.md"}  # in test_examples, with its files
DOCUMENTED = ("calib.egamma", "hepcol.variations", "hepcol.random", "hepcol.sums", "hepcol.histograms")
MARK = "@@ block {} @@"


class Block(NamedTuple):
    """A fenced block of a page."""

    comment: str
    language: str
    text: str
    shown: str | None  # what it prints, if the page tells


def blocks(page):
    fences = list(
        re.finditer(r"(?:<!-- ([^\n]*?) -->\n)?^```(\w*)\n(.*?)^```$", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    )
    text = page.read_text()
    found = []
    for one, following in pairwise([*fences, None]):
        comment, language, code = one.groups()
        adjacent = following is not None and not text[one.end() : following.start()].strip()
        shown = following[3] if adjacent and following[2] == "text" and not following[1] else None
        found.append(Block(comment or "", language, code, shown))
    return found


def scripts(page):
    """The script of a page in Python, and that of RDataFrame; blocks that are files, by their names."""
    ours, rdataframe, files = [], [], {}
    for block in blocks(page):
        if block.language != "python" or block.comment.startswith("not run: "):
            continue
        named = re.match(r"# (\S+\.py)\n", block.text)
        if named:
            files[named[1]] = block.text
        else:
            (rdataframe if block.comment == "RDataFrame" else ours).append(block)
    return ours, rdataframe, files


def script_of(some):
    return "\n".join(f"print({MARK.format(number)!r})\n{block.text}" for number, block in enumerate(some))


def check(some, printed):
    printed = re.sub(r"^.*━.*\n", "", printed, flags=re.MULTILINE)  # bars of coffea's Runner
    parts = re.split("|".join(re.escape(MARK.format(number)) + "\n" for number in range(len(some))), printed)[1:]
    for block, part in zip(some, parts, strict=True):
        if block.shown is not None:
            assert part == block.shown, block.text


WITH_CODE = [page for page in PAGES if page.name not in ELSEWHERE and scripts(page)[0]]
WITH_ROOT = [page for page in PAGES if scripts(page)[1]]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_and_prints_what_it_shows(page, tmp_path, monkeypatch):
    some, _, files = scripts(page)
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    script = tmp_path / "page.py"
    script.write_text(script_of(some))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(str(script), run_name="__main__")
    finally:
        for name in {Path(file).parts[0] for file in files}:
            for module in [one for one in set(sys.modules) - before if one.split(".")[0] == name]:
                del sys.modules[module]
    check(some, printed.getvalue())


@pytest.mark.parametrize("page", WITH_ROOT, ids=lambda page: page.stem)
def test_rdataframe_gives_what_the_page_shows(page, tmp_path):
    if importlib.util.find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed")
    some = scripts(page)[1]
    script = tmp_path / "page.py"
    # what ROOT says of itself, and of classes that it has no dictionaries for, is not what a page shows
    quiet = "import warnings\nwarnings.simplefilter('ignore')\nimport ROOT\nROOT.gErrorIgnoreLevel = ROOT.kFatal\n"
    script.write_text(quiet + script_of(some))
    paths = {"PYTHONPATH": os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, **paths}
    )
    assert done.returncode == 0, done.stderr
    check(some, done.stdout)


def test_both_sides_of_the_page_of_rdataframe_show_the_same():
    ours, rdataframe, _ = scripts(DOCS / "from_rdataframe.md")
    theirs = [block.shown for block in rdataframe]
    assert None not in theirs
    assert theirs == [block.shown for block in ours][: len(theirs)]


def command_lines():
    for page in LINKED:
        for block in blocks(page):
            if block.language not in ("console", "bash"):
                continue
            for line in block.text.replace("\\\n", " ").splitlines():
                words = re.sub(r"^\$ ", "", line) if block.language == "console" else line
                if (block.language == "bash" or line.startswith("$ ")) and words.startswith("hepcol "):
                    yield pytest.param(words, id=f"{page.stem}: {words}")


@pytest.mark.parametrize("line", list(command_lines()))
def test_a_command_that_is_shown_exists_with_its_options(line):
    words = shlex.split(line, comments=True)[1:]
    group = commands
    with click.Context(commands, info_name="hepcol") as context:
        while True:
            command = group.get_command(context, words[0])
            assert command is not None, f"no command {words[0]}"
            if not isinstance(command, click.Group):
                break
            group, words = command, words[1:]
        try:
            command.make_context(words[0], words[1:], parent=context)
        except click.BadParameter as error:  # files that only the reader has
            if "does not exist" not in error.message:
                raise


def anchors(page):
    """Anchors of the headings of a page, as GitHub and MyST make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#{1,3} (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.stem)
def test_links_lead_to_files_and_headings_that_are_there(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found), target


def test_every_page_is_in_the_contents():
    contents = re.findall(r"^\w+$", (DOCS / "index.md").read_text(), flags=re.MULTILINE)
    assert {page.stem for page in PAGES} - {"index"} <= set(contents)


def test_the_figures_of_the_front_page_are_those_of_the_pages():
    measured = "\n".join(page.read_text() for page in PAGES if page.name != "index.md")
    figures = re.findall(r"(?<=\| )[\d.]+ \([\d.]+ - [\d.]+\)(?= \|)", (DOCS / "index.md").read_text())
    assert figures
    for figure in figures:
        assert f"| {figure} |" in measured, figure


def test_the_table_of_the_readme_is_that_of_its_page():
    """With every analysis, and nothing that was not measured."""
    found = [
        re.search(
            r"<!-- benchmark table: begin -->\n(.*)<!-- benchmark table: end -->", path.read_text(), flags=re.DOTALL
        )
        for path in (CHECKOUT / "README.md", DOCS / "benchmarks.md")
    ]
    assert found[0][1] == found[1][1]
    for name in ("Zee", "zee_atlas", "EGamma", "stop4b", "graphs"):
        assert f"| **{name}" in found[0][1], name
    assert "not measured, no" not in found[0][1]


def test_the_picture_of_the_architecture_is_what_its_script_draws(tmp_path):
    script = tmp_path / "make_architecture.py"
    script.write_text((DOCS / "make_architecture.py").read_text())
    runpy.run_path(str(script), run_name="__main__")
    assert (tmp_path / "architecture.svg").read_text() == (DOCS / "architecture.svg").read_text()


def test_the_commands_of_entry_points_are_on_their_page():
    text = (DOCS / "commands.md").read_text()
    for found in importlib.metadata.distribution("hepcol").entry_points.select(group="hepcol.commands"):
        assert f".. click:: {found.value}\n   :prog: hepcol {found.name}\n" in text, found.name


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_in_docstrings_are_right(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_it_is_said_that_this_is_no_product_of_atlas_or_cern():
    said = re.compile("not a product of ATLAS or CERN", flags=re.IGNORECASE)
    for path in (DOCS / "index.md", DOCS / "conf.py", CHECKOUT / "README.md"):
        assert said.search(path.read_text()), path
