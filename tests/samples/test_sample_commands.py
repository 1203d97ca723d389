"""``hepcol sample`` in this process, without ROOT: lists, refusals and the lines they print."""

import os
import sys

import pytest
from click.testing import CliRunner

from samples.catalogue import ZEE_FCC
from samples.commands import sample


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(sample, [str(argument) for argument in arguments])

    return call


def assert_refused(result, message):
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert message in line


def test_lists_the_shipped_samples(call):
    result = call("list")
    assert result.exit_code == 0
    assert "zee-fcc  4000 events  3.1 MB" in result.stdout
    assert str(ZEE_FCC.path) in result.stdout


def test_imports_nothing_heavy(run_python):
    code = "import sys, samples.commands; print(sorted({'numpy', 'rich', 'uproot', 'ROOT'} & set(sys.modules)))"
    assert run_python(code).strip() == "[]"


def test_refuses_an_unknown_sample(call):
    assert_refused(call("make", "zmumu", "--events", 1), "no sample 'zmumu' can be made; there are: zee-fcc")


def test_refuses_no_events(call):
    assert_refused(call("make", "zee-fcc", "--events", 0), "events must be at least 1, got 0")


def test_refuses_to_overwrite(call, tmp_path):
    (tmp_path / "old.root").write_text("old")
    for arguments in (("make", "zee-fcc", "--events", 1), ("replicate", ZEE_FCC.path)):
        assert_refused(call(*arguments, "-o", "old.root"), "old.root exists; choose another name or overwrite")
    assert (tmp_path / "old.root").read_text() == "old"


def test_refuses_a_folder_that_is_not_there(call):
    assert_refused(call("make", "zee-fcc", "--events", 1, "-o", "no/a.root"), "folder no does not exist")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_refuses_a_folder_that_it_may_not_write(call, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    assert_refused(call("make", "zee-fcc", "--events", 1, "-o", "locked/a.root"), "cannot be written")


@pytest.mark.parametrize("module", ["ROOT", "pythia8mc"])
def test_names_the_extra_that_is_missing(call, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "samples.zee_fcc.generator", raising=False)
    if module == "ROOT":
        assert_refused(call("replicate", ZEE_FCC.path), "ROOT is not installed; this command needs the extra")
    else:
        assert_refused(call("make", "zee-fcc", "--events", 1), "pip install 'hepcol[samples]'")


def test_says_that_the_compiler_is_missing(call, monkeypatch, tmp_path):
    pytest.importorskip("pythia8mc")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert_refused(call("make", "zee-fcc", "--events", 1), "no g++ found")
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_source_that_is_not_there(call):
    assert_refused(call("replicate", "missing.root"), "missing.root is not a file")


def test_replicates_a_file(run_python, tmp_path):
    pytest.importorskip("rich")
    from importlib.util import find_spec

    if find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed")
    code = "import sys; from samples.commands import sample; sample(sys.argv[1:])"
    output = tmp_path / "twice.root"
    printed = run_python(code, "replicate", ZEE_FCC.path, "--times", 2, "-o", output)
    assert printed == f"wrote {output}: 2 times the events of zee_fcc.root, {output.stat().st_size / 1e6:.1f} MB\n"
