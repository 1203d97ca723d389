"""Packages of new analyses; that their tests pass is seen in an empty environment, in test_packaging."""

import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from hepcol.cli import main
from hepcol.errors import InputError
from hepcol.scaffold import create
from hepcol.scaffold.package import reference

CHECKOUT = Path(__file__).parent.parent.parent


def listed(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return create("z_peak2", tmp_path_factory.mktemp("into") / "a" / "b")


def test_a_package_has_what_an_analysis_needs(made):
    modules = ("__init__", "electrons", "histograms", "observables", "processor", "regions")
    assert listed(made) == {
        ".gitignore", "Makefile", "README.md", "pyproject.toml", "run.py", "tests/test_z_peak2.py",
        *(f"z_peak2/{module}.py" for module in modules)
    }  # fmt: skip
    project = tomllib.loads((made / "pyproject.toml").read_text())
    assert project["project"]["name"] == "z_peak2"
    assert project["project"]["entry-points"] == {"hepcol.processors": {"z_peak2": "z_peak2:ZPeak2Processor"}}
    assert reference("z_peak2") == "z_peak2.processor:ZPeak2Processor"
    assert "class ZPeak2Processor(ProcessorABC):" in (made / "z_peak2/processor.py").read_text()
    for path in listed(made):
        assert "newanalysis" not in (made / path).read_text().lower(), path


def test_a_place_that_cannot_be_written_is_named_in_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as ended:
        main(["new", "z_peak3", "--into", str(tmp_path / "file")])
    assert ended.value.code == 2
    place = tmp_path / "file"
    assert capsys.readouterr().err == f"hepcol: output folder {place}/z_peak3 cannot be written: {place} is a file\n"


def test_a_processor_is_short(made):
    lines = (made / "z_peak2/processor.py").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("@dataclass"))
    assert len(lines) - start < 60


@pytest.mark.parametrize("name", ["a", "a_name_of_thirty_letters_whole"])
def test_any_name_gives_code_that_ruff_finds_nothing_in(tmp_path, name):
    folder = create(name, tmp_path)
    for command in (("check", "--no-cache"), ("format", "--check", "--no-cache")):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, folder], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_types_of_the_template_are_checked_with_ours():
    """By `make check`, which takes the package for one of the checkout's."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    assert "newanalysis" in project["tool"]["mypy"]["packages"]
    assert (CHECKOUT / project["tool"]["mypy"]["mypy_path"] / "newanalysis" / "__init__.py").is_file()
    assert (files("hepcol") / "py.typed").is_file()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "expected at most 30 lower-case letters"),
        ("Zee", "expected at most 30 lower-case letters"),
        ("z-peak", "expected at most 30 lower-case letters"),
        ("2zee", "expected at most 30 lower-case letters"),
        ("zee_", "no _ last"),
        ("zeé", "expected at most 30 lower-case letters"),
        ("../zee", "expected at most 30 lower-case letters"),
        ("n" * 31, "expected at most 30 lower-case letters"),
        ("lambda", "no keyword of Python"),
        ("statistics", "a module of Python is called so"),
        ("tests", "the folder has something else that is called so"),
        ("zee", "there is an analysis that is called so"),
        ("hepcol", "there is a package that is called so"),
        ("processors", "there is a package that is called so"),
        ("numpy", "there is a package that is called so"),
        ("pyyaml", "something that is installed is called so"),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path, name, text):
    with pytest.raises(ValueError, match=rf"^name '.*': .*{text}"):
        create(name, tmp_path)
    assert not any(tmp_path.iterdir())


def test_what_is_there_stays_and_nothing_is_half_written(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(ValueError, match="mine is there already: choose another name"):
        create("mine", tmp_path)
    assert listed(tmp_path) == {"mine/thesis.tex"}
    write, left = Path.write_bytes, [5]

    def full(path, content):
        left[0] -= 1
        if not left[0]:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"other cannot be written: No space left"):
        create("other", tmp_path)
    assert listed(tmp_path) == {"mine/thesis.tex"}


def test_the_command_says_what_to_do_next(tmp_path, capsys):
    for code, text in ((0, "hepcol run zpeak.processor:ZpeakProcessor zee-fcc -o out"), (2, "is there already")):
        with pytest.raises(SystemExit) as ended:
            main(["new", "zpeak", "--into", str(tmp_path)])
        assert ended.value.code == code
        printed = capsys.readouterr()
        assert text in printed.out + printed.err
    assert (tmp_path / "zpeak" / "zpeak" / "regions.py").is_file()
