"""Runs that are continued, retried and repeated: what comes out is what a run without faults gives, bit for bit."""

import hashlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import awkward as ak
import hist
import numpy as np
import psutil
import pytest
import uproot
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import hepcol
from hepcol import archive
from hepcol.cli import main
from hepcol.comparison import compare
from hepcol.execution import code
from hepcol.execution.code import processor_digest
from hepcol.execution.identity import differences, identify
from hepcol.execution.repetition import rerun, retry
from hepcol.fileset import resolve
from hepcol.ledger import Status
from hepcol.options import find_processor
from tests.hepcol.execution.fault_plans import rounds

MARKERS = Path(__file__).with_name("markers.py")
Marked = find_processor(f"{MARKERS}:Marked")
m = sys.modules[Marked.__module__]

pytestmark = pytest.mark.timeout(60)
ALL = 300
QUICK = {"backoff_s": 0.001, "snapshot_s": 0.0, "allow_incomplete": True, "chunksize": 20}


def bits(result):
    """Everything that is summed in a result of hepcol, to the last bit."""
    if result is None:
        return {}
    told = {}
    for dataset, part in result.items():
        told[dataset, "sums"] = part.events, part.sum_weights.limbs.tobytes()
        told[dataset, "counts"] = *part.cutflow.items(), *part.tallies.items()
        for name, histogram in part.histograms.items():
            sums = [one.limbs.tobytes() for one in (histogram.weights, histogram.squares) if one is not None]
            told[dataset, name] = tuple(hashlib.sha256(one).hexdigest() for one in (histogram.counts.tobytes(), *sums))
    return told


def digests(folder):
    names = ("histograms.zip", "histograms.root")
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def fileset(files):
    return {"b": [str(path) for path in files[:2]], "a": [str(path) for path in files[2:]]}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Files, and what a run without faults gives for them."""
    folder = tmp_path_factory.mktemp("clean")
    files = m.write_files(folder)
    run = m.check_run(hepcol.run(Marked(), fileset(files), output=folder / "out"))
    assert run.closure.processed == ALL
    return files, bits(run.result), digests(folder / "out")


@settings(max_examples=30, phases=[Phase.generate])  # to shrink what fails would take minutes
@given(rounds(4, 3, max_failures=st.none() | st.integers(0, 3)))
def test_any_failures_followed_by_a_retry_give_the_bits_of_a_clean_run(clean, rounds):
    files, expected, expected_files = clean
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "out"
        for told in [*rounds, {"faults": (), "missing": (), "chunksize": 50, "max_failures": None}]:
            m.plan(Path(name) / "faults", *told["faults"])
            gone = [files[number] for number in told["missing"]]
            for path in gone:
                path.rename(f"{path}.gone")
            try:
                run = work(Marked(str(Path(name) / "faults")), fileset(files), out, told)
            except m.CRASH:
                continue
            finally:
                for path in gone:
                    Path(f"{path}.gone").rename(path)
            m.check_run(run)
            m.check_folder(out)
            if run.closure.complete:
                break
        assert list(run.result) == ["b", "a"]
        assert bits(run.result) == expected
        assert digests(out) == expected_files


def work(processor, files, out, told):
    """Run, or retry if there is a run to be retried."""
    how = {**QUICK, "chunksize": told["chunksize"], "max_failures": told["max_failures"]}
    if (out / "provenance.json").exists():
        return retry(out, **how)
    return hepcol.run(processor, files, output=out, resume=True, **how)


@pytest.fixture
def files(tmp_path):
    return m.write_files(tmp_path)


def as_plain(result):
    """What is in the result of the foreign processor, in an order of its own."""
    return {
        **{name: result[name] for name in ("n", "entries", "mean", "postprocessed")},
        "weighted": np.asarray(result["weighted"].view(flow=True)).tobytes(),
        "by number": np.asarray(result["by number"]["value"].view(flow=True)).tobytes(),
        "columns": sorted(result["columns"].value.tolist()),
        "seen": dict(result["seen"]),
        "files": dict(result["files"]),
    }


def test_what_other_peoples_processors_return_is_continued_and_postprocessed_once(files, tmp_path):
    expected = hepcol.run(m.Foreign(), files, output=tmp_path / "clean").result
    faults = m.plan(tmp_path / "faults", ("error", 150), ("error", 250), ("interrupt", 290))
    partial = m.check_run(hepcol.run(m.Foreign(faults), files, output=tmp_path / "out", **QUICK))
    assert partial.result["postprocessed"] == 1
    m.plan(tmp_path / "faults", ("error", 250))
    assert m.check_run(retry(tmp_path / "out", **QUICK)).closure.processed == ALL - 20
    m.plan(tmp_path / "faults")
    whole = m.check_run(retry(tmp_path / "out", **QUICK))
    assert whole.closure.complete
    assert as_plain(whole.result) == as_plain(expected)
    assert all(difference.equal for difference in compare(tmp_path / "clean", tmp_path / "out"))


@pytest.mark.parametrize("executor", ["iterative", "futures", "dask"])
def test_a_run_is_continued_with_another_chunk_size_on_another_executor(clean, tmp_path, executor, request):
    if executor == "futures":
        request.getfixturevalue("shared_pool")
    files, expected, expected_files = clean
    faults = m.plan(tmp_path / "faults", ("error", 150), ("error", 299))
    hepcol.run(Marked(faults), fileset(files), output=tmp_path / "out", **QUICK)
    m.plan(tmp_path / "faults")
    run = m.check_run(retry(tmp_path / "out", **{**QUICK, "chunksize": 7}, executor=executor))
    assert len(run.chunks) == 13 + 2 * 3
    assert bits(run.result) == expected
    assert digests(tmp_path / "out") == expected_files


def test_a_run_in_which_nothing_worked_is_begun_again(files, tmp_path):
    faults = m.plan(tmp_path / "faults", *[("error", entry) for entry in range(0, ALL, 20)])
    assert hepcol.run(Marked(faults), files, output=tmp_path / "out", **QUICK).closure.failed == ALL
    m.plan(tmp_path / "faults")
    assert m.check_run(retry(tmp_path / "out", **QUICK)).closure.processed == ALL


def test_a_complete_run_is_not_continued(files, tmp_path):
    hepcol.run(Marked(), files, output=tmp_path / "out")
    before = digests(tmp_path / "out")
    for again in (
        lambda: retry(tmp_path / "out"),
        lambda: hepcol.run(Marked(), files, output=tmp_path / "out", resume=True),
    ):
        with pytest.raises(ValueError, match=r"out: the run is complete, there is nothing to add$"):
            again()
    assert digests(tmp_path / "out") == before
    assert not (tmp_path / "out" / ".partial").exists()


def test_a_folder_of_something_else_is_not_continued(files, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "histograms.root").write_text("mine")
    with pytest.raises(ValueError, match=r"out has histograms\.root in it: choose another"):
        hepcol.run(Marked(), files, output=tmp_path / "out", resume=True)
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]
    with pytest.raises(ValueError, match=r"nowhere/provenance\.json: cannot be read"):
        retry(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="resume needs the output folder"):
        hepcol.run(Marked(), files, resume=True)


PROCESSOR = """
from dataclasses import dataclass
import helpers

@dataclass
class Count:
    option: float = 1.0
    cuts: tuple = ()

    def process(self, events):
        if events.metadata["entrystart"] == 20 and helpers.FAIL.exists():
            raise RuntimeError("not now")
        return {"n": len(events)}
"""
HELPERS = "from pathlib import Path\nFAIL = Path(__file__).with_name('fail')\n"


@pytest.fixture
def count(tmp_path, monkeypatch):
    """A processor in a file of its own with another one beside it, which fails as long as there is a file."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "fail").touch()
    (folder / "helpers.py").write_text(HELPERS)
    (folder / "count.py").write_text(PROCESSOR)
    monkeypatch.delitem(sys.modules, "helpers", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return folder / "count.py"


def change_option(count, files):
    return find_processor(f"{count}:Count")(option=2.0), files


def change_code(count, files):
    count.write_text(PROCESSOR.replace("len(events)", "2 * len(events)"))
    return find_processor(f"{count}:Count")(), files


def change_code_beside(count, files):
    count.with_name("helpers.py").write_text(HELPERS + "CUT = 3\n")
    return find_processor(f"{count}:Count")(), files


def change_names(count, files):
    return find_processor(f"{count}:Count")(), files[:2]


def change_file(count, files):
    files[0].unlink()
    m.write_file(files[0].parent, 0)
    return find_processor(f"{count}:Count")(), files


def change_processor(count, files):
    return Marked(), files


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (change_option, r"for options: option was 1\.0, is 2\.0 \(--force"),
        (change_code, r"for the processor's code has changed \(--force"),
        (change_code_beside, r"for the processor's code has changed \(--force"),
        (change_names, r"for the files are others \(--force"),
        (change_file, r"events_000000\.root: has UUID .*, but the run that is to be continued read it with .*--force"),
        (change_processor, r"for processor was hepcol_file_count:Count, is hepcol_file_markers:Marked"),
    ],
)
def test_a_run_of_something_else_is_not_continued(files, tmp_path, count, change, told):
    out = tmp_path / "out"
    hepcol.run(find_processor(f"{count}:Count")(), files, output=out, **QUICK)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    processor, others = change(count, files)
    with pytest.raises(ValueError, match=told):
        hepcol.run(processor, others, output=out, resume=True, **QUICK)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize("name", ["versions", "hepcol"])
def test_a_run_with_other_versions_is_not_continued(files, tmp_path, count, monkeypatch, name):
    hepcol.run(find_processor(f"{count}:Count")(), files, output=tmp_path / "out", **QUICK)
    if name == "versions":
        monkeypatch.setattr("platform.python_version", lambda: "3.99")
    else:
        monkeypatch.setattr("hepcol.execution.code._hepcol_sources", lambda: [MARKERS])
    with pytest.raises(ValueError, match=r"versions: python was .*, is 3\.99|hepcol's code has changed"):
        retry(tmp_path / "out", **QUICK)


@pytest.mark.parametrize(
    ("change", "events"), [(change_option, ALL), (change_code, 240 + 2 * 60), (change_names, ALL), (change_file, ALL)]
)
def test_force_continues_it_all_the_same(files, tmp_path, count, change, events):
    """With one file fewer, what it gave stays in the sum, and in the account."""
    out = tmp_path / "out"
    hepcol.run(find_processor(f"{count}:Count")(), files, output=out, **QUICK)
    count.with_name("fail").unlink()
    processor, others = change(count, files)
    run = hepcol.run(processor, others, output=out, resume=True, force=True, **{**QUICK, "chunksize": 30})
    missing = 20 if change is change_names else 0  # of the file that is not named any more
    assert run.result["n"] == events - missing
    assert (run.closure.files, run.closure.processed) == (ALL - missing, ALL - missing)
    assert run.closure.complete


@pytest.mark.parametrize("begun", [False, True])
def test_a_file_that_was_not_begun_may_be_mended_and_one_that_is_done_may_go(files, tmp_path, begun):
    faults = m.plan(tmp_path / "faults", *[("error", 100 + entry) for entry in range(20 * begun, 100, 20)])
    hepcol.run(Marked(faults), files, output=tmp_path / "out", **QUICK)
    m.plan(tmp_path / "faults")
    for path in files[:2]:
        path.unlink()
    m.write_file(tmp_path, 100)
    if begun:
        with pytest.raises(ValueError, match="has UUID"):
            retry(tmp_path / "out", **QUICK)
    else:
        assert m.check_run(retry(tmp_path / "out", **QUICK)).closure.processed == ALL


def test_a_file_that_is_gone_fails_chunk_by_chunk(files, tmp_path):
    faults = m.plan(tmp_path / "faults", ("error", 50))
    hepcol.run(Marked(faults), files, output=tmp_path / "out", **QUICK)
    files[0].unlink()
    run = m.check_run(retry(tmp_path / "out", **QUICK))
    assert (run.closure.processed, run.closure.failed) == (ALL - 20, 20)
    assert "no such file" in next(chunk.message for chunk in run.chunks if chunk.error)


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


def filled(value):
    return hist.Hist.new.Reg(2, 0, 2).Double().fill([value])


def test_an_option_that_cannot_be_compared_is_named(files):
    processor = partial(lambda events, lock: {"n": len(events)}, lock=threading.Lock())
    told = identify(processor, resolve(files))
    assert differences(told, told) == ["option 'lock' cannot be compared, as it does not travel"]


def test_what_is_not_in_a_file_does_not_pass_for_unchanged(files, tmp_path):
    """A partial, a closure, an array and a text instead of a tuple."""

    def made(cut):
        def process(events):
            return {"n": cut * len(events)}

        return process

    def take(events, cut):
        return {"n": cut * len(events)}

    def with_default(cut):
        def process(events, cut=cut):
            return {"n": cut * len(events)}

        return process

    class Held:
        def __init__(self, held):
            self.held = held

        def process(self, events):
            return {"n": len(events)}

    almost = np.arange(3000.0)
    almost[1500] += 1e-9
    pairs = [
        (partial(take, cut=1), partial(take, cut=2)),
        (made(1), made(2)),
        (with_default(1), with_default(2)),
        (Held(made(1)), Held(made(2))),
        (Held({"inner": Held({1})}), Held({"inner": Held({2})})),
        (Held(lambda v: v * 1), Held(lambda v: v * 1000)),
        (Held(ak.Array([[1.0], []])), Held(ak.Array([[1.0], [2.0]]))),
        (Held(filled(0.5)), Held(filled(1.5))),
        (Held(Slotted(1)), Held(Slotted(2))),
        (Held(np.arange(3000.0)), Held(almost)),
        (Held((1, 2)), Held("(1, 2)")),
    ]
    fileset = resolve(files)
    for one, other in pairs:
        assert differences(identify(one, fileset), identify(one, fileset)) == []
        (difference,) = differences(identify(one, fileset), identify(other, fileset))
        assert difference.startswith("options: ")


OPTIONS = """
class Held:
    def __init__(self):
        self.mine, self.names = Held.__new__(Held), {"e1", "e2", "m_ee", "delta_r"}
        self.mine.around, self.function = self, lambda x: x
    def process(self, events):
        return {"n": len(events)}
"""


def test_options_are_told_alike_in_any_process(files, tmp_path):
    """Neither addresses nor the order of sets are part of them."""
    (tmp_path / "held.py").write_text(OPTIONS)
    code = (
        "import json, sys; from hepcol.execution.identity import identify; from hepcol.fileset import resolve; "
        "from hepcol.options import find_processor; "
        "print(json.dumps(identify(find_processor('held.py:Held')(), resolve(sys.argv[1:]))))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code, *files],
            cwd=tmp_path,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=30,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    assert b" at 0x" not in told.copy().pop()
    assert b"cannot be compared" not in told.pop()


def test_a_file_that_an_option_names_is_part_of_what_a_run_depends_on(files, tmp_path, count):
    (tmp_path / "scale_factors.json").write_text("{}")
    processor = find_processor(f"{count}:Count")(cuts=(str(tmp_path / "scale_factors.json"),))
    hepcol.run(processor, files, output=tmp_path / "out", **QUICK)
    (tmp_path / "scale_factors.json").write_text("[]")
    with pytest.raises(
        ValueError, match=r"for content of files: .*scale_factors\.json was \w{16}, is \w{16} \(--force"
    ):
        hepcol.run(processor, files, output=tmp_path / "out", resume=True, **QUICK)


@pytest.mark.parametrize(
    ("before", "after"), [("len(events)", "2 * len(events)"), ("CUT = 1", "CUT = 2"), ("# why", "# why not")]
)
def test_a_module_that_was_edited_after_it_was_imported_is_not_taken_for_its_file(files, tmp_path, before, after):
    path = tmp_path / "edited.py"
    source = "CUT = 1  # why\nclass Count:\n    def process(self, events):\n        return {'n': len(events)}\n"
    path.write_text(source)
    processor = find_processor(f"{path}:Count")()
    path.write_text(source.replace(before, after))
    loaded_before = identify(processor, resolve(files))
    loaded_now = identify(find_processor(f"{path}:Count")(), resolve(files))
    only_a_comment = before.startswith("#")
    assert differences(loaded_before, loaded_now) == ([] if only_a_comment else ["the processor's code has changed"])


def test_the_code_of_base_classes_of_other_packages_counts(files, tmp_path, monkeypatch):
    (tmp_path / "base_of_others").mkdir()
    (tmp_path / "base_of_others" / "__init__.py").write_text("class Base:\n    def cut(self):\n        return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    base = importlib.import_module("base_of_others")
    monkeypatch.setitem(sys.modules, "base_of_others", base)
    kind = type("Derived", (Marked, base.Base), {"__module__": Marked.__module__})
    before = identify(kind(), resolve(files))
    (tmp_path / "base_of_others" / "__init__.py").write_text("class Base:\n    def cut(self):\n        return 2\n")
    assert differences(before, identify(kind(), resolve(files))) == ["the processor's code has changed"]
    nowhere = type("Derived", (base.Base,), {"__module__": "a_notebook"})
    told = identify(nowhere(), resolve(files))
    assert differences(told, told) == ["the processor's code is in no file, so that a change of it would not show"]


def test_modules_of_the_same_package_are_followed_and_others_are_not(files, tmp_path, monkeypatch):
    for name, content in {
        "pack/__init__.py": "",
        "pack/common/__init__.py": "",
        "pack/common/cuts.py": "CUT = 1\n",
        "pack/common/other.py": "CUT = 1\n",
        "pack/analysis/__init__.py": "",
        "pack/analysis/own.py": "from ..common.cuts import CUT\nimport pack.common.other\nclass Own:\n    pass\n",
        "pack/else.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("pack.analysis.own")
    digests = [processor_digest(own.Own)]
    for name in ("pack/else.py", "pack/common/cuts.py", "pack/common/other.py", "pack/analysis/__init__.py"):
        (tmp_path / name).write_text("CUT = 2\n")
        digests.append(processor_digest(own.Own))
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_a_calibration_counts_where_it_is_imported_and_nowhere_else(tmp_path):
    """Whatever else the process has loaded."""
    for name, first in (("with_it.py", "from calib.egamma import EgammaCalibration"), ("without.py", "")):
        (tmp_path / name).write_text(f"{first}\nclass Own:\n    pass\n")
    own = {name: find_processor(f"{tmp_path / name}:Own") for name in ("with_it.py", "without.py")}
    files = {name: {path.name for path in code._files_of(kind)} for name, kind in own.items()}
    assert files["without.py"] == {"without.py"}
    assert {"with_it.py", "calibrator.py", "mersenne.py"} <= files["with_it.py"]


REGISTRY = """
STEPS, BAD = {}, {"run1", "run2", "run3", "run4"}
def step(function):
    STEPS[function.__name__] = function
    return function
@step
def first(events):
    return events
class Own:
    def process(self, events):
        return {"n": len(events)}
"""


def test_what_a_module_collects_as_it_is_loaded_is_no_edit(files, tmp_path):
    (tmp_path / "registry.py").write_text(REGISTRY.replace("STEPS, BAD = {}, ", "STEPS = {}\nBAD = "))
    code = (
        "from hepcol.execution.code import processor_digest; from hepcol.options import find_processor; "
        "print(processor_digest(find_processor('registry.py:Own')))"
    )
    digests = {
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True,
                       env=os.environ | {"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(digests) == 1


def test_a_script_from_standard_input_has_no_file(files):
    code = "import hepcol; print(hepcol.run(lambda events: {'n': len(events)}, '" + str(files[0]) + "').result)"
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, check=True, text=True, timeout=30)
    assert done.stdout == "{'n': 100}\n"


@pytest.mark.parametrize(("entries", "told"), [(60, "60 entries"), (140, "140 entries"), (100, "bytes")])
def test_a_file_that_is_made_again_with_its_uuid_is_another_one(files, tmp_path, entries, told):
    faults = m.plan(tmp_path / "faults", ("error", 50))
    hepcol.run(Marked(faults), files, output=tmp_path / "out", **QUICK)
    uuid = uproot.open(files[0]).file.uuid
    m.write_file(tmp_path, 0, entries, baskets=4)
    content = files[0].read_bytes()
    files[0].write_bytes(content.replace(uproot.open(files[0]).file.uuid.bytes, uuid.bytes))
    with pytest.raises(ValueError, match=rf"events_000000\.root: has .*{told}, but the run that is to be continued"):
        retry(tmp_path / "out", **QUICK)


def test_a_run_that_was_killed_before_its_first_snapshot_is_begun_again(files, tmp_path):
    faults = m.plan(tmp_path / "faults", ("crash", 10))
    with pytest.raises(m.CRASH):
        hepcol.run(Marked(faults), files, output=tmp_path / "out", **{**QUICK, "snapshot_s": 30})
    (tmp_path / "out" / ".partial").mkdir(parents=True)  # as if it had been killed
    with pytest.raises(ValueError, match=r"out: the run was killed before its first snapshot: give its command again"):
        retry(tmp_path / "out", **QUICK)
    m.plan(tmp_path / "faults")
    assert m.check_run(hepcol.run(Marked(faults), files, output=tmp_path / "out", resume=True)).closure.complete


def test_code_that_is_in_no_file_is_not_taken_for_unchanged(files):
    process = types.FunctionType(compile("len(events)", "a cell", "eval"), {"__name__": "a_notebook"}, "process")
    told = identify(process, resolve(files))
    assert differences(told, told) == ["the processor's code is in no file, so that a change of it would not show"]


def test_options_that_do_not_come_back_are_not_guessed(files, tmp_path, count):
    hepcol.run(find_processor(f"{count}:Count")(cuts=((1,), 2)), files, output=tmp_path / "out", **QUICK)
    for again in (retry, lambda folder, **how: rerun(folder / "provenance.json", output=tmp_path / "other", **how)):
        with pytest.raises(ValueError, match=r"option 'cuts' was tuple \(\(1\), 2\) and would be tuple .*: give the"):
            again(tmp_path / "out", **{**QUICK, "force": True})


def test_options_that_are_tuples_come_back(files, tmp_path, count):
    run = hepcol.run(find_processor(f"{count}:Count")(cuts=(1, 2)), files, output=tmp_path / "out", **QUICK)
    again = rerun(tmp_path / "out" / "provenance.json", output=tmp_path / "other", **QUICK)
    assert again.result == run.result


def test_a_processor_that_counts_on_itself_is_retried(files, tmp_path):
    (tmp_path / "own.py").write_text(
        "class Own:\n"
        "    def __init__(self, fail=''):\n"
        "        self.fail, self.out = fail, {'n': 0}\n"
        "    def process(self, events):\n"
        "        import os\n"
        "        if os.path.exists(self.fail + '/fail') and events.metadata['entrystart'] == 20:\n"
        "            raise RuntimeError('not now')\n"
        "        self.out['n'] += len(events)\n"
        "        return self.out\n"
    )
    (tmp_path / "fail").touch()
    processor = find_processor(f"{tmp_path / 'own.py'}:Own")(str(tmp_path))
    assert hepcol.run(processor, files, output=tmp_path / "out", **QUICK).result == {"n": ALL - 60}
    (tmp_path / "fail").unlink()
    assert retry(tmp_path / "out", **QUICK).result == {"n": ALL}


def test_a_postprocess_that_fails_costs_no_work(files, tmp_path):
    (tmp_path / "post.py").write_text(
        "from pathlib import Path\n"
        "class Post:\n"
        "    def process(self, events):\n"
        "        return {'n': len(events)}\n"
        "    def postprocess(self, out):\n"
        "        out['n'] = -out['n']\n"
        "        if not Path(__file__).with_name('mended').exists():\n"
        "            raise RuntimeError('not now')\n"
    )
    processor = find_processor(f"{tmp_path / 'post.py'}:Post")()
    with pytest.raises(RuntimeError, match="not now"):
        hepcol.run(processor, files, output=tmp_path / "out", **QUICK)
    (tmp_path / "mended").touch()
    run = hepcol.run(processor, files, output=tmp_path / "out", resume=True, **QUICK)
    assert run.result == {"n": -ALL}


@pytest.mark.parametrize("number", range(7))
def test_an_end_that_is_torn_apart_can_be_repeated(files, tmp_path, monkeypatch, number):
    """The files take their places one by one; what happens if one of them does not?"""
    faults = m.plan(tmp_path / "faults", ("error", 150))
    out = tmp_path / "out"
    hepcol.run(Marked(faults), files, output=out, **QUICK)
    m.plan(tmp_path / "faults")
    replace, left = Path.replace, [number]

    def torn(path, target):
        if path.parent.name == ".partial" and Path(target).parent == out:
            left[0] -= 1
            if left[0] < 0:
                raise m.CRASH
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", torn)
    with pytest.raises(m.CRASH) if number < 6 else nullcontext():
        retry(out, **{**QUICK, "snapshot_s": 30})
    monkeypatch.undo()
    if number < 6:
        retry(out, **QUICK)
    m.check_folder(out)
    hepcol.run(Marked(faults), files, output=tmp_path / "clean")
    assert digests(out) == digests(tmp_path / "clean")
    kept, whole = (archive.read(folder / "result.zip")[1]["done"] for folder in (out, tmp_path / "clean"))
    assert len(kept) >= len(whole) > 0


def command(*arguments):
    """Run a command in this process; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_exit_codes(files, tmp_path, capsys):
    faults = m.plan(tmp_path / "faults", ("error", 150))
    how = ("--no-plots", "--chunksize", 20, "--dataset", "a")
    marked = (f"{MARKERS}:Marked", *files, "-p", f"faults={faults}", *how)
    first, second = tmp_path / "first", tmp_path / "second"
    assert command("run", *marked, "-o", first) == 3
    assert command("run", *marked, "-o", first) == 2
    assert command("retry", first, "--no-plots") == 3
    assert command("rerun", first / "provenance.json", "-o", second, *how[:3]) == 3
    assert capsys.readouterr().out.endswith("4 of 4 histograms and counts are equal\n")
    m.plan(tmp_path / "faults")
    assert command("diff", first, second) == 0
    assert command("run", *marked, "-o", first, "--resume") == 0
    assert command("diff", first, second) == 4
    assert command("retry", first) == 2
    assert command("retry", second, "--no-plots") == 0
    assert command("diff", first, second) == 0
    assert command("rerun", first / "provenance.json", "-o", tmp_path / "third", *how[:1]) == 0
    assert digests(first) == digests(second) == digests(tmp_path / "third")
    printed = capsys.readouterr()
    assert printed.out.count("4 of 4 histograms and counts are equal") == 3
    assert all(line.startswith("hepcol: ") for line in printed.err.splitlines())


def test_a_repeated_run_in_another_process_has_the_same_bytes(files, tmp_path):
    """Python's hashes of texts, and with them the order of sets, are others in each process."""
    hepcol.run(Marked(), files, output=tmp_path / "out")
    for seed in ("0", "1"):  # which give another order to UHI's names of arrays
        again = [sys.executable, "-m", "hepcol", "rerun", tmp_path / "out" / "provenance.json", "-o", tmp_path / seed]
        subprocess.run([*again, "--no-plots"], check=True, env=os.environ | {"PYTHONHASHSEED": seed}, timeout=30)
    assert digests(tmp_path / "0") == digests(tmp_path / "1") == digests(tmp_path / "out")


def test_an_interrupted_run_can_be_dropped(files, tmp_path):
    faults = m.plan(tmp_path / "faults", ("crash", 150))
    with pytest.raises(m.CRASH):
        hepcol.run(Marked(faults), files, output=tmp_path / "out", **QUICK)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {".partial"}
    m.plan(tmp_path / "faults")
    run = m.check_run(hepcol.run(Marked(), files, output=tmp_path / "out", force=True, **QUICK))
    assert len(run.chunks) == 15
    assert not (tmp_path / "out" / ".partial").exists()


def test_a_run_that_finds_no_files_leaves_the_interrupted_one(files, tmp_path):
    faults = m.plan(tmp_path / "faults", ("crash", 150))
    out = tmp_path / "out"
    with pytest.raises(m.CRASH):
        hepcol.run(Marked(faults), files, output=out, **QUICK)
    with pytest.raises(ValueError, match="no such file"):
        hepcol.run(Marked(faults), tmp_path / "nowhere.root", output=out, force=True, **QUICK)
    m.plan(tmp_path / "faults")
    run = m.check_run(retry(out, **QUICK))
    assert run.closure.processed == ALL
    assert len({chunk.worker for chunk in run.chunks}) == 1


def test_retry_continues_the_interrupted_run_and_not_the_one_before(files, tmp_path):
    out = tmp_path / "out"
    hepcol.run(m.Foreign(), files[:1], output=out)
    faults = m.plan(tmp_path / "faults", ("crash", 150))
    with pytest.raises(m.CRASH):
        hepcol.run(Marked(faults), files, output=out, force=True, **QUICK)
    m.plan(tmp_path / "faults")
    assert m.check_run(retry(out, **QUICK)).closure.processed == ALL


def test_rerun_wants_a_provenance_and_its_files(files, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"summary\.json: expected the provenance\.json of a run"):
        rerun(tmp_path / "summary.json")
    monkeypatch.chdir(tmp_path)
    hepcol.run(Marked(), [path.name for path in files], output="out")
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(ValueError, match=r"named its files from .*, such as events_000000\.root: repeat it there"):
        rerun(tmp_path / "out" / "provenance.json")


# a job in the background starts with Ctrl-C ignored, and these tests may be one
COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from hepcol.cli import main
from hepcol.execution import driver
driver.run.__kwdefaults__["snapshot_s"] = 0
main()
"""


@contextmanager
def running(tmp_path, files, executor):
    """Run the command in a process of its own, up to where a chunk waits."""
    faults = m.plan(tmp_path / "faults", ("wait", 250))
    marked = ["run", f"{MARKERS}:Marked", *files, "-p", f"faults={faults}", "-o", "out", "--dataset", "a", "--no-plots"]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, marked), "--executor", executor, "--chunksize", "20"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for path in (tmp_path / "faults" / "started", tmp_path / "out" / ".partial" / "snapshot.zip"):
            deadline = time.monotonic() + 30
            while not path.exists() and time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.02)
            assert path.exists(), process.stderr.read() if process.poll() is not None else "it does not come"
        time.sleep(0.3)
        yield process, psutil.Process(process.pid).children(recursive=True)
    finally:
        (tmp_path / "faults" / "go").touch()
        process.kill()
        process.communicate(timeout=20)


@pytest.mark.parametrize(
    ("executor", "number"), [("iterative", signal.SIGINT), ("futures", signal.SIGINT), ("iterative", signal.SIGTERM)]
)
def test_an_interrupted_command_is_resumed(files, tmp_path, executor, number):
    with running(tmp_path, files, executor) as (process, children):
        os.killpg(process.pid, number)  # as a terminal does: every process of the group
        printed, error = process.communicate(timeout=30)
    assert process.returncode == 3, error
    assert "Traceback" not in error
    assert "stopped: interrupted" in printed
    summary = m.check_folder(tmp_path / "out")
    assert 0 < summary["events"]["processed"] < ALL
    assert summary["events"]["failed"] == 0
    assert not psutil.wait_procs(children, timeout=10)[1]
    resumed(tmp_path, files)


@pytest.mark.parametrize("executor", ["iterative", "futures", "dask"])
def test_a_killed_command_is_resumed(files, tmp_path, executor):
    out = tmp_path / "out"
    with running(tmp_path, files, executor) as (process, children):
        with pytest.raises(ValueError, match=rf"out is in use by process {process.pid} on .*; if that"):
            hepcol.run(Marked(str(tmp_path / "faults")), files, dataset="a", output=out, resume=True)
        process.kill()
        process.wait()
    assert {path.name for path in out.iterdir()} == {".hepcol.lock", ".partial"}
    found, chunks = m.read_ledger(out / ".partial" / "ledger.jsonl")
    assert [Path(file.path) for file in found] == files
    assert 0 < sum(chunk.events for chunk in chunks if chunk.status is Status.DONE) < ALL
    assert not psutil.wait_procs(children, timeout=20)[1]
    with pytest.raises(ValueError, match="has an interrupted run in it: --resume continues it, --force drops it"):
        hepcol.run(Marked(str(tmp_path / "faults")), files, dataset="a", output=out)
    resumed(tmp_path, files, by_retry=executor == "futures")


def resumed(tmp_path, files, by_retry=False):
    """Continue a run, and compare with one that was never stopped."""
    (tmp_path / "faults" / "go").touch()
    processor = Marked(str(tmp_path / "faults"))
    if by_retry:
        run = m.check_run(retry(tmp_path / "out"))
    else:
        run = m.check_run(hepcol.run(processor, files, dataset="a", output=tmp_path / "out", resume=True))
    assert run.closure.processed == ALL
    assert len({chunk.worker for chunk in run.chunks}) > 1  # not all are of this process
    hepcol.run(processor, files, dataset="a", output=tmp_path / "clean")
    assert digests(tmp_path / "out") == digests(tmp_path / "clean")
    assert m.check_folder(tmp_path / "out")["complete"]
