"""What the code is called that is measured."""

import shutil
import subprocess

import pytest

from benchmarks.revision import CHANGED, between, revision


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with some code and a README."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setattr("benchmarks.revision.CHECKOUT", tmp_path)
    git(tmp_path, "init", "--quiet")
    for name in ("hepcol", "calib", "processors", "samples", "benchmarks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("1\n")
    (tmp_path / "README.md").write_text("tables\n")
    commit(tmp_path)
    return tmp_path


def git(folder, *arguments):
    names = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    done = subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "something")


def test_it_is_the_last_commit_of_code(checkout):
    first = revision()
    assert git(checkout, "rev-parse", "HEAD").startswith(first)
    assert len(first) == 12
    (checkout / "benchmarks" / "code.py").write_text("2\n")
    assert revision() == first + CHANGED
    commit(checkout)
    assert revision() not in {first, first + CHANGED}
    assert git(checkout, "rev-parse", "HEAD").startswith(revision())


@pytest.mark.parametrize("name", ["README.md", "benchmarks/README.md", "benchmarks/history.jsonl"])
def test_tables_and_records_do_not_change_it(checkout, name):
    first = revision()
    (checkout / name).write_text("more\n")
    assert revision() == first
    commit(checkout)
    assert revision() == first


def test_a_file_that_git_does_not_know_is_a_change(checkout):
    first = revision()
    (checkout / "hepcol" / "more.py").write_text("1\n")
    assert revision() == first + CHANGED


def test_without_a_checkout_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.revision.CHECKOUT", tmp_path)
    assert revision() is None


def test_code_that_changed_meanwhile_is_told():
    assert between("a", "a") == "a"
    assert between("a", "b") == "a..b"
    assert between(None, None) is None
