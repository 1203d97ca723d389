"""How Sphinx builds the documentation; ``make docs`` runs it, and takes a warning for an error."""

import importlib.metadata
import re
from pathlib import Path

project = "hepcol"
author = "The hepcol developers"
copyright = "the hepcol developers. Not a product of ATLAS or CERN"
release = importlib.metadata.version("hepcol")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_click",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"hepcol {release}"
html_static_path = ["_static"]
html_css_files = ["hepcol.css"]
html_show_sphinx = False
smartquotes = False  # "--option" of a command would become a dash

myst_heading_anchors = 3  # links to headings are those of GitHub
suppress_warnings = [
    "misc.highlighting_failure",  # "[...]" stands for lines that are left out, which no lexer knows
]

autosummary_generate = False  # lists of names above the names themselves
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc tells the types
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

# Files outside of this folder that are pages here, by their paths from it
PAGES = {
    "../README.md": "index.md",
    "../benchmarks/README.md": "rdataframe.md",
    "../deploy/README.md": "deploy.md",
    "../samples/data/README.md": "samples.md",
}


def point_inside(app, docname, content):  # noqa: ARG001  (Sphinx's arguments)
    """Let links of a page that lead out of this folder lead to pages; one to a folder stays as its text."""

    def inside(link):
        text, path, anchor = link.groups()
        if path in PAGES:
            return f"[{text}]({PAGES[path]}{anchor})"
        return text if (Path(__file__).parent / path).is_dir() else link[0]

    content[0] = re.sub(r"\[([^\]]+)\]\((\.\./[^)#\s]+)((?:#[^)\s]+)?)\)", inside, content[0])


def setup(app):
    """Register what is done to pages as they are read."""
    app.connect("source-read", point_inside)
