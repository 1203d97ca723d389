"""What a processor draws of its own samples: after a run, and again from the folder."""

import json
import sys
from pathlib import Path

import pytest

from hepcol.cli import main
from hepcol.options import find_processor
from hepcol.report.drawings import draw_folder

MARKERS = Path(__file__).parent.parent / "execution" / "markers.py"
find_processor(f"{MARKERS}:Filed")
m = sys.modules["hepcol_file_markers"]

PROCESSOR = f"""
from dataclasses import dataclass
from pathlib import Path
from hepcol.options import find_processor

Filed = find_processor("{MARKERS}:Filed")

@dataclass(frozen=True)
class Drawn(Filed):
    rows: int = 2

    def draw(self, run, folder):
        if Path(__file__).with_name("no ink").exists():
            (folder / "half.md").touch()
            raise RuntimeError("no\\nink")
        entries = run.samples["a"]["rows"].rows["entry"][: self.rows].to_list()
        path = folder / "sample.md"
        path.write_text("# Rows of the sample\\n\\n| entry |\\n|--:|\\n" + "".join(f"| {{n}} |\\n" for n in entries))
        return [path]
"""


def command(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Arguments of a run of a processor that draws."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "drawn.py").write_text(PROCESSOR)
    m.write_file(tmp_path, 0)
    return ["run", "drawn.py:Drawn", "events_000000.root", "--dataset", "a", "-o", "out", "--chunksize", "50"]


def test_a_run_lists_its_files_samples_and_drawings_in_80_columns(drawn, capsys):
    assert command(*drawn, "-p", "rows=3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    listed = [" ".join(line.split()) for line in lines]
    assert listed[listed.index("results out/histograms.root, .zip, summary.json") + 1 :][:5] == [
        "files out/numbers/*/*.bin: 2 files, 0.8 kB",
        "100 events, 50 odd",
        "out/texts/*/*.tar.txt: 2 files, 0.3 kB",
        "samples out/samples.zip: 10 rows of a/rows",
        "drawings out/drawings/*.md",
    ]
    assert Path("out/drawings/sample.md").read_text().count("\n| ") == 4


def test_a_folder_is_drawn_again_from_its_samples(drawn, capsys):
    assert command(*drawn, "--no-plots") == 0
    assert not Path("out/drawings").exists()
    for _ in range(2):
        capsys.readouterr()
        assert command("plot", "out") == 0
        assert capsys.readouterr().out.splitlines() == ["out/drawings/sample.md"]
    assert command("report", "out") == 0
    page = Path("out/report.html").read_text()
    assert "<h2>Drawings</h2>" in page
    assert "Rows of the sample" in page
    assert "2 files, 0.8 kB; 100 events, 50 odd" in page
    assert "a/rows: 10 rows" in page


def test_an_error_in_drawing_is_a_warning_and_loses_nothing(drawn, capsys):
    Path("no ink").touch()
    assert command(*drawn) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "warning: the processor could not draw: RuntimeError: no ink; hepcol plot out tries again" in told
    assert json.loads(Path("out/summary.json").read_text())["complete"]
    assert Path("out/samples.zip").exists()
    assert not Path("out/drawings").exists()
    with pytest.raises(RuntimeError, match="no\nink"):
        main(["plot", "out"])
    Path("no ink").unlink()
    assert command("plot", "out") == 0
    assert Path("out/drawings/sample.md").exists()


def test_drawings_go_with_the_results_that_they_were_made_of(drawn, capsys):
    assert command(*drawn) == 0
    assert command("report", "out") == 0
    Path("out/notes.md").touch()
    assert command(*drawn, "--force", "--no-plots") == 0
    assert sorted(path.name for path in Path("out").iterdir() if path.suffix in (".md", ".html", "")) == [
        "notes.md",
        "numbers",
        "texts",
    ]


def test_a_processor_that_does_not_draw_need_not_be_found(drawn, capsys):
    (Path("quiet.py")).write_text("def count(events):\n    return {'n': len(events)}\n")
    assert command("run", "quiet.py:count", *drawn[2:]) == 0
    Path("quiet.py").unlink()
    assert draw_folder("out") == []
    assert command("plot", "out") == 0
