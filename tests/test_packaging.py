"""The wheel in an empty environment, away from the checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CHECKOUT)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("hepcol-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment with the wheel and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    uv = Path(sys.executable).parent / "uv"
    made = run(uv, "venv", "--python", sys.executable, folder)
    assert made.returncode == 0, made.stderr
    python = folder / "bin" / "python"
    installed = run(uv, "pip", "install", "--python", python, "--constraint", CHECKOUT / "constraints.txt", wheel)
    assert installed.returncode == 0, installed.stderr
    return folder


@pytest.fixture
def foreign_folder(tmp_path):
    """Somebody's folder, with packages that are called as ours are."""
    for name in ("processors", "samples"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not the package that was meant')\n")
    return tmp_path


def clean_environment():
    """Variables without those that lead Python back to the checkout."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}


def test_the_wheel_holds_the_packages_and_the_sample(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("hepcol", "calib", "processors", "samples", "benchmarks"):
        assert f"{package}/__init__.py" in names
    for file in (
        "samples/data/zee_fcc.root",
        "samples/data/zee_atlas/simulation.root",
        "samples/data/zee_atlas/data.root",
        "samples/data/jets/qcd.root",
        "samples/data/jets/wprime.root",
        "samples/tree_writer.hpp",
        "samples/zee_atlas/writer.cpp",
        "samples/jets/writer.cpp",
        "processors/zee_atlas/electron_scale_factors.json",
        "hepcol/report/page.html.j2",
        "hepcol/py.typed",
        "hepcol/scaffold/template/gitignore",
        "hepcol/scaffold/template/pyproject.toml",
        "hepcol/scaffold/template/newanalysis/processor.py",
    ):
        assert file in names
    area = "calib/egamma/synthetic/ElectronPhotonFourMomentumCorrection"
    assert f"{area}/v38/egammaEnergyCorrectionData.root" in names
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {
        "hepcol",
        "calib",
        "processors",
        "samples",
        "benchmarks",
    }
    assert "benchmarks/rdataframe/study.py" in names


def test_the_demo_runs_from_a_folder_with_a_foreign_processors_package(environment, foreign_folder):
    hepcol = environment / "bin" / "hepcol"
    command = [
        "run",
        "zee",
        "zee-fcc",
        "-p",
        "variations=5",
        "--executor",
        "dask",
        "--workers",
        "2",
        "-o",
        "out",
    ]
    # nor does the process that Dask workers are forked from look for its imports here
    (foreign_folder / "coffea.py").write_text("raise RuntimeError('not the module that was meant')\n")
    done = run(hepcol, *command, cwd=foreign_folder, env=clean_environment())
    assert done.returncode == 0, done.stderr
    summary = json.loads((foreign_folder / "out" / "summary.json").read_text())
    assert summary["complete"] is True
    assert summary["events"]["processed"] == 4000
    assert (foreign_folder / "out/plots/zee-fcc/m_ee.png").is_file()


def test_a_new_analysis_works_at_once(environment, tmp_path):
    """Its tests pass before it is installed, and then its name is known."""
    hepcol, python = environment / "bin" / "hepcol", environment / "bin" / "python"
    made = run(hepcol, "new", "zpeak", cwd=tmp_path, env=clean_environment())
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "zpeak"
    uv = Path(sys.executable).parent / "uv"
    installed = run(uv, "pip", "install", "--python", python, "--constraint", CHECKOUT / "constraints.txt", "pytest")
    assert installed.returncode == 0, installed.stderr
    tested = run(python, "-m", "pytest", "-q", cwd=folder, env=clean_environment())
    assert tested.returncode == 0, tested.stdout
    assert "8 passed" in tested.stdout
    installed = run(uv, "pip", "install", "--python", python, "--editable", folder)
    assert installed.returncode == 0, installed.stderr
    done = run(hepcol, "run", "zpeak", "zee-fcc", "-o", "out", "--no-plots", cwd=tmp_path, env=clean_environment())
    assert done.returncode == 0, done.stderr
    assert (
        json.loads((tmp_path / "out" / "provenance.json").read_text())["processor"] == "zpeak.processor:ZpeakProcessor"
    )


def test_a_hidden_package_is_one_clear_line(environment, foreign_folder):
    python = environment / "bin" / "python"  # -m puts the current folder in front of the installed packages
    done = run(
        python,
        "-m",
        "hepcol",
        "run",
        "zee",
        "zee-fcc",
        "-o",
        "out",
        cwd=foreign_folder,
        env=clean_environment(),
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"hepcol: package 'processors' is {foreign_folder / 'processors'}, which hides")
    assert done.stderr.count("\n") == 1


def test_the_checkout_does_not_need_git(tmp_path):
    """A source archive has no .git: the provenance then has no commit, and nothing fails."""
    shutil.copytree(CHECKOUT / "hepcol", tmp_path / "hepcol", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from hepcol.provenance import describe; print(describe(None, [])['git_commit'])"
    done = run(sys.executable, "-c", code, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.stdout.strip() == "None", done.stderr
