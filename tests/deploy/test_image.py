"""The Dockerfile names what there is: files, stages, extras, versions. No image is built here."""

import re
import shutil
import subprocess
import tomllib

import pytest

from hepcol.kernels.cache import cache_root
from tests.deploy.manifests import DEPLOY

CHECKOUT = DEPLOY.parent
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


def instructions(text=DOCKERFILE):
    """Pairs of instruction and rest of its line, without comments."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def copied():
    """What is copied from the checkout, as (sources, target)."""
    plain = [rest.split() for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")]
    return [(words[:-1], words[-1]) for words in plain]


def pins(path):
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", path.read_text(), flags=re.MULTILINE))


def ignored(path):
    """Whether .dockerignore leaves out a path of the checkout: of its lines, the last that fits decides."""
    decision = False
    for line in (CHECKOUT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            kept, pattern = pattern.startswith("!"), pattern.removeprefix("!")
            inside = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if re.fullmatch(f"{inside}(/.*)?", path):
                decision = not kept
    return decision


def test_what_is_copied_is_there_and_not_ignored():
    sources = [source for group, _ in copied() for source in group]
    for source in sources:
        assert (CHECKOUT / source).exists(), source
        assert not ignored(source), source
    assert not ignored("hepcol/kernels/cache.py")
    for path in (
        ".git/config",
        "tests/conftest.py",
        "deploy/Dockerfile",
        "hepcol/__pycache__/cli.pyc",
        ".venv/bin/python",
    ):
        assert ignored(path), path


def test_all_packages_of_the_wheel_are_copied_and_what_its_metadata_names():
    sources = {source for group, _ in copied() for source in group}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {*wheel, PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} <= sources


def test_stages_are_there_before_they_are_used():
    known = set()
    for name, rest in instructions():
        if name == "FROM":
            base, _, stage = re.fullmatch(r"(\S+)( AS (\S+))?", rest).groups()
            assert base in known or base == "python:${PYTHON}"
            known.add(stage)
        for source in re.findall(r"--from=(\S+)", rest):
            assert source in known
    # the last is what is built without --target
    assert [rest for name, rest in instructions() if name == "FROM"][-1].endswith(" AS runtime")


def test_extras_are_those_of_hepcol():
    extras = set(re.findall(r"--extra (\S+)", DOCKERFILE))
    assert extras == {"batch", "gateway", "kubernetes", "s3", "xrootd"}
    assert extras <= PROJECT["project"]["optional-dependencies"].keys()


def test_the_python_is_named_to_its_patch_and_one_that_hepcol_takes():
    (python,) = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, flags=re.MULTILINE)
    release, _, kind = python.partition("-")
    assert kind == "slim-bookworm"
    major, minor, patch = map(int, release.split("."))
    assert (major, minor) >= (3, 11)
    assert patch > 0
    assert f"Programming Language :: Python :: {major}.{minor}" in PROJECT["project"]["classifiers"]


def test_versions_are_those_of_the_constraints():
    constraints = pins(CHECKOUT / "constraints.txt")
    (uv,) = re.findall(r"uv==(\S+)", DOCKERFILE)
    assert uv == constraints["uv"]
    jupyter = pins(DEPLOY / "jupyter.txt")
    other = {
        name: (version, constraints[name])
        for name, version in jupyter.items()
        if constraints.get(name, version) != version
    }
    assert not other
    asked = [line for line in (DEPLOY / "jupyter.in").read_text().splitlines() if not line.startswith("#")]
    assert {re.match(r"[a-z-]+", line)[0] for line in asked} <= jupyter.keys()
    tags = re.findall(r"--tag hepcol(?:-jupyter)?:(\S+)", DOCKERFILE)
    assert set(tags) == {PROJECT["project"]["version"]}


def test_the_notebook_s_jupyterhub_is_that_of_the_chart():
    (minor,) = re.findall(r"minor\n# version, (\d+\.\d+) here", (DEPLOY / "helm" / "jupyterhub.yaml").read_text())
    assert pins(DEPLOY / "jupyter.txt")["jupyterhub"].startswith(f"{minor}.")


def test_caches_are_in_folders_that_its_user_may_write(monkeypatch):
    environment = dict(
        re.findall(
            r"([A-Z_]+)=(\S+)", next(rest for name, rest in instructions() if name == "ENV" and "CACHE_DIR" in rest)
        )
    )
    monkeypatch.setenv("HEPCOL_CACHE_DIR", environment["HEPCOL_CACHE_DIR"])
    assert str(cache_root()) == "/cache/hepcol"
    (made,) = re.findall(
        r"install --directory --owner hepcol .*? (/cache .*)", " ".join(rest for _, rest in instructions())
    )
    folders = made.split()[:3]
    for path in (environment["HEPCOL_CACHE_DIR"], environment["MPLCONFIGDIR"], environment["DASK_TEMPORARY_DIRECTORY"]):
        assert any(path.startswith(folder) for folder in folders)
    assert [rest for name, rest in instructions() if name == "USER"] == ["1000"]


def test_hadolint_finds_nothing():
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    spoilt = DOCKERFILE.replace("uv==", "uv #")
    done = subprocess.run([hadolint, "-"], input=spoilt, capture_output=True, text=True, check=False)
    assert "DL3013" in done.stdout
