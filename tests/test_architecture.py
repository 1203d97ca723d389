"""Who imports whom, as the sources say it."""

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
PACKAGES = ("hepcol", "calib", "processors", "samples", "benchmarks")
CALIB_MAY = ("hepcol.errors", "hepcol.kernels", "hepcol.random", "hepcol.variations", "hepcol.units")


def modules(folder):
    return sorted((CHECKOUT / folder).rglob("*.py"))


def imports(path):
    """Absolute names of what a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            # a name may be a module of a package
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def forbidden(folder, *names):
    """Imports in a folder of any of some packages."""
    return [
        f"{path.relative_to(CHECKOUT)} imports {name}"
        for path in modules(folder)
        for name in imports(path)
        if any(name == other or name.startswith(f"{other}.") for other in names)
    ]


@pytest.mark.parametrize(
    ("folder", "others"),
    [
        ("hepcol", ("calib", "processors", "samples", "benchmarks")),
        ("calib", ("processors", "samples", "benchmarks")),
        ("processors", ("samples", "benchmarks")),
        ("samples", ("processors", "benchmarks")),
        ("hepcol/report", ("hepcol.execution",)),
        ("hepcol/inference", ("hepcol.execution",)),
    ],
)
def test_imports_go_one_way(folder, others):
    assert forbidden(folder, *others) == []


def test_kernels_import_nothing_of_ours_but_kernels():
    for path in modules("hepcol/kernels"):
        ours = [name for name in imports(path) if name.split(".")[0] in PACKAGES]
        assert all(name.startswith("hepcol.kernels") for name in ours), path


def test_kernels_of_a_calibration_import_no_more():
    for path in modules("calib/egamma/kernels"):
        ours = [name for name in imports(path) if name.split(".")[0] in PACKAGES]
        assert all(name.startswith(("hepcol.kernels", "calib.egamma.kernels")) for name in ours), path


def test_calib_imports_the_basics_of_hepcol_only():
    for path in modules("calib"):
        ours = [name for name in imports(path) if name.split(".")[0] == "hepcol"]
        assert all(name.startswith(CALIB_MAY) for name in ours), path
