"""The examples and the code in the README run as they stand there; what is on other pages, in test_documentation."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hepcol.cli import main

CHECKOUT = Path(__file__).parent.parent
EXAMPLES = CHECKOUT / "examples"


def run(path, folder):
    done = subprocess.run([sys.executable, path], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_our_runner_and_plain_coffea_print_the_same(tmp_path):
    ours, plain = (run(EXAMPLES / name, tmp_path) for name in ("run_zee.py", "run_zee_with_coffea.py"))
    counts = [re.findall(r"smear_00: (\d+)", text) for text in (ours, plain)]
    assert counts[0] == counts[1]
    assert int(counts[0][0]) > 0


@pytest.mark.parametrize("executor", ["iterative", "dask"])
def test_a_foreign_processor_runs_unchanged(executor, tmp_path, monkeypatch, scheduler):
    where = ["--scheduler", scheduler] if executor == "dask" else ["--executor", executor]
    monkeypatch.chdir(tmp_path)
    reference = f"{EXAMPLES / 'multiplicity.py'}:Multiplicity"
    with pytest.raises(SystemExit) as caught:
        main(["run", reference, "zee-fcc", "-p", "max_particles=60", "-o", "out", "--chunksize", "700", *where])
    assert caught.value.code == 0
    assert json.loads(Path("out/summary.json").read_text())["values"] == {"zee-fcc/events": 4000}
    assert Path("out/plots/zee-fcc/multiplicity/Particle.png").is_file()


def test_the_foreign_processor_gives_what_coffea_gives(shipped_file):
    from coffea.nanoevents import FCCSchema
    from coffea.processor import IterativeExecutor, Runner

    import hepcol
    from hepcol.options import build_processor

    processor = build_processor(f"{EXAMPLES / 'multiplicity.py'}:Multiplicity")
    runner = Runner(executor=IterativeExecutor(status=False), schema=FCCSchema)
    plain = runner({"zee_fcc": [str(shipped_file)]}, processor, treename="events")
    ours = hepcol.run(processor, shipped_file, chunksize=500).result
    assert ours == plain


def blocks(language, page="README.md"):
    return re.findall(rf"```{language}\n(.*?)```", (CHECKOUT / page).read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_the_python_in_the_readme_runs(number, tmp_path):
    path = tmp_path / f"block_{number}.py"
    path.write_text(blocks("python")[number])
    run(path, tmp_path)


def test_the_worked_example_of_corrections_prints_what_is_said(tmp_path):
    page = "docs/corrections.md"
    file, processor, declaration = blocks("python", page)
    (tmp_path / "corrections.yaml").write_text(blocks("yaml", page)[0])
    for name, block in (("file.py", file), ("multiplicity.py", processor), ("declaration.py", declaration)):
        (tmp_path / name).write_text(block)
        printed = run(tmp_path / name, tmp_path)
        if name == "multiplicity.py":
            assert f"`{printed.strip()}`" in (CHECKOUT / page).read_text()


def test_the_numbers_in_the_readme_are_those_of_the_demo(shipped_file):
    import hepcol
    from processors.zee import ZeeProcessor

    result = hepcol.run(ZeeProcessor(variations=1), shipped_file).result["zee_fcc"]
    printed = (CHECKOUT / "README.md").read_text()
    for step, events in {**result.cutflow, **result.tallies}.items():
        assert re.search(rf"{step} +{events:,}\b", printed), f"README: {step} is {events:,}"
