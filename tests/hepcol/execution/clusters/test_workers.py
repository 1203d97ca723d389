"""What workers have beside the client: what is asked, how it is compared, and the table."""

import io
import json
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from rich.console import Console

import hepcol
from hepcol.errors import InputError
from hepcol.execution.environment import NEEDED, PACKAGES, environment
from hepcol.execution.look import look, look_at
from hepcol.execution.workers import ask_for_code, ask_workers, imported_there, refuse
from hepcol.options import build_processor
from hepcol.report.environments import Group, print_environments


class Workers:
    """A client of workers that answer what they are told to, as Dask's would, or by what they are asked."""

    def __init__(self, answers):
        self.answers = answers

    def run(self, function, *arguments, on_error):
        assert on_error == "return"
        return {
            worker: answer if isinstance(answer, BaseException) else {**function(*arguments), **answer}
            for worker, answer in self.answers.items()
        }


def test_workers_that_have_the_same_are_one_group():
    found = ask_workers(Workers({f"tcp://a:{port}": {} for port in range(12)}))
    assert found.here == environment()
    (group,) = found.groups
    assert (len(group.workers), group.has) == (12, environment())
    assert found.unlike(NEEDED) == []
    refuse("cluster", found)


@pytest.mark.parametrize("name", NEEDED)
def test_what_has_to_be_the_same_is_refused_with_a_table(name, capsys):
    answers = {f"tcp://a:{port}": {} for port in range(12)} | {"tcp://b:1": {name: "other"}}
    with pytest.raises(InputError, match=r"^cluster: worker tcp://b:1 has ") as raised:
        refuse("cluster", ask_workers(Workers(answers)))
    assert f"{name} other instead of {environment()[name]} (1 of 13 workers are unlike the client);" in str(
        raised.value
    )
    table = capsys.readouterr().err
    assert "other <-" in table
    assert "1 worker: tcp://b:1" in table
    assert "12 workers: tcp://a:0, tcp://a:1, tcp://a:10, ..." in table
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize("name", ["numpy", "uproot", "CPU"])
def test_what_may_differ_is_not_refused(name, capsys):
    refuse("cluster", ask_workers(Workers({"tcp://b:1": {name: "other"}})))
    assert capsys.readouterr().err == ""


def test_a_worker_that_dies_as_it_is_asked_is_left_out_and_a_bug_is_not():
    found = ask_workers(Workers({"tcp://a:1": {}, "tcp://a:2": OSError("gone")}))
    assert [group.workers for group in found.groups] == [("tcp://a:1",)]
    with pytest.raises(ZeroDivisionError):
        ask_workers(Workers({"tcp://a:1": ZeroDivisionError()}))


def test_a_process_without_hepcol_answers_all_the_same(tmp_path):
    """The question is a text for another Python, with nothing of hepcol in it."""
    asked = []
    client = SimpleNamespace(run=lambda _, question, on_error: asked.append(question) or {})
    ask_workers(client)
    # of this environment, without what is installed by links, and without the current folder
    code = "import sys, json; sys.path = [p for p in sys.path if 'hepcol' not in p]; sys.modules['hepcol'] = None\n"
    code += f"print(json.dumps(eval({asked[0]!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    found = json.loads(done.stdout)
    assert found["hepcol's code"] == "not installed"
    assert {name: found[name] for name in ("python", *PACKAGES)} == {
        name: environment()[name] for name in ("python", *PACKAGES)
    }


def test_packages_that_are_not_there_are_told():
    assert look(["no-such-package"])["no-such-package"] == "not installed"
    assert look_at(["no_such_module", "no.such.module"]) == {"no_such_module": "", "no.such.module": ""}


def test_more_groups_than_fit_are_counted():
    groups = [Group((f"tcp://a:{n}",), {"python": f"3.11.{n}"}) for n in range(5)]
    text = io.StringIO()
    print_environments({"python": "3.11.0"}, groups, ("python",), Console(file=text, width=80))
    assert "3 more workers have something else again" in text.getvalue()
    assert "3.11.1 <-" in text.getvalue()  # who differs comes first


@pytest.fixture
def analysis(tmp_path, monkeypatch):
    """A processor in a file, which imports a module and a package beside it."""
    (tmp_path / "mycuts.py").write_text("CUT = 25\n")
    package = tmp_path / "mypackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "names.py").write_text(
        "from pathlib import Path\nNAME = Path(__file__).with_name('name.txt').read_text()\n"
    )
    (package / "name.txt").write_text("n")
    path = tmp_path / "analysis.py"
    path.write_text(
        "import mycuts\nfrom mypackage import names\n\n\ndef count(events):\n"
        "    return {f'{names.NAME}{mycuts.CUT}': len(events)}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield build_processor(f"{path}:count")
    for name in ("mycuts", "mypackage", "mypackage.names"):
        sys.modules.pop(name, None)


def test_the_modules_of_a_file_are_needed_on_workers_and_the_file_itself_travels(analysis):
    assert imported_there(analysis) == ["mycuts", "mypackage", "mypackage.names"]
    assert imported_there(build_processor("zee").__class__)[:1] == ["processors"]


def test_a_worker_without_the_modules_of_a_processor_is_told_what_to_do(analysis, capsys):
    lacks = {"mycuts": "", "mypackage.names": ""}
    with pytest.raises(InputError) as raised:
        refuse("cluster", ask_for_code(Workers({"tcp://a:1": lacks}), analysis), ("processor's code",))
    assert str(raised.value) == (
        "cluster: worker tcp://a:1 lacks mycuts, mypackage.names of the processor's code; "
        "list it under 'upload', or install it there"
    )
    with pytest.raises(InputError, match="worker tcp://a:1 has other mycuts of the processor's code"):
        refuse("cluster", ask_for_code(Workers({"tcp://a:1": {"mycuts": "x"}}), analysis), ("processor's code",))
    refuse("cluster", ask_for_code(Workers({"tcp://a:1": {}}), analysis), ("processor's code",))


@contextmanager
def worker_elsewhere(address, folder):
    """A worker that was started by itself, from another folder."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--no-dashboard", address]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def test_modules_are_sent_to_workers_that_are_there_and_to_those_that_come(analysis, tmp_path, local_cluster):
    from distributed import Client

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with local_cluster(0) as cluster, worker_elsewhere(cluster.scheduler_address, elsewhere):
        given = {"kind": "address", "address": cluster.scheduler_address}
        with pytest.raises(InputError, match=r"lacks mycuts, .* of the processor's code; list it under 'upload'"):
            hepcol.run(analysis, "zee-fcc", cluster=given)
        given["upload"] = [str(tmp_path / "mycuts.py"), str(tmp_path / "mypackage")]
        assert hepcol.run(analysis, "zee-fcc", cluster=given).result == {"n25": 4000}
        # after an edit they are sent again, and what the worker has loaded is loaded anew
        (tmp_path / "mypackage" / "name.txt").write_text("m")
        assert hepcol.run(analysis, "zee-fcc", cluster=given).result == {"m25": 4000}
        # back to what was sent before
        (tmp_path / "mypackage" / "name.txt").write_text("n")
        assert hepcol.run(analysis, "zee-fcc", cluster=given).result == {"n25": 4000}
        with Client(cluster) as client:
            client.restart()
            (place,) = client.run(eval, "__import__('mycuts').__file__").values()
        assert "hepcol-upload-" in place
