"""The page of a run: what it says, that it escapes what users name, and that it needs nothing else."""

import base64
import json
import re
from html.parser import HTMLParser

import pytest

from hepcol import store
from hepcol.cli import main
from hepcol.errors import InputError
from hepcol.report.page import write_page

from .folders import DATASET, picture, write_picture, write_run

LOADING = ("src", "href", "data", "action", "poster", "srcset", "formaction", "background")
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Texts, attributes and the nesting of a page."""

    def __init__(self, path):
        super().__init__()
        self.text, self.elements, self.open, self.cells = "", [], [], []
        self.source = path.read_text()
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data
        if not {"style", "script"} & set(self.open):
            self.text += " ".join(data.split()) + " "

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def section(self, title):
        """Text from a title to the next one."""
        start = self.source.index(f"<h2>{title}</h2>")
        return self.source[start : (self.source + "<h2>").index("<h2>", start + 4)]


def assert_loads_nothing(page):
    """No address of anything outside, in attributes or styles; and none in a page within, as far as HTML goes."""
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            if name in LOADING:
                assert value.startswith(("#", "data:")), (tag, name, value[:80])
            assert name not in ("onload", "onclick", "onerror", "ping")
    assert not re.search(r"url\(|@import", page.source.partition("</style>")[0])
    assert "default-src 'none'" in page.source
    assert not page.named("link")[1:]


@pytest.fixture
def folder(tmp_path):
    return write_run(tmp_path / "out")


def test_a_complete_run_says_so_and_where_it_comes_from(folder):
    page = Page(write_page(folder))
    assert "<title>Processor: &lt;b&gt;z &amp; co&lt;/b&gt; - hepcol</title>" in page.source
    assert "Complete: all 200 events of 1 file were processed." in page.text
    for told in ("warning: beware of <b>", "mine:Processor", "e347098", "a CPU", "uuid-a", "x < 3 && y > 2", "3.1"):
        assert told in page.text
    assert "(5,000 letters, whole in provenance.json)" in page.text
    assert re.findall("<h2>(.*)</h2>", page.source) == ["Summary", "Provenance", "Cutflows", "Histograms", "Timing"]
    links = [attributes["href"] for attributes in page.named("a")]
    assert links == [f"#{attributes['id']}" for attributes in page.named("section")]
    assert "INCOMPLETE" not in page.source
    assert_loads_nothing(page)


def test_an_incomplete_run_says_so_in_its_title_and_first_of_all(tmp_path):
    page = Page(write_page(write_run(tmp_path / "out", complete=False)))
    assert "<title>INCOMPLETE: " in page.source
    told = "INCOMPLETE: 100 of 200 events and 1 file that could not be read"
    assert page.text.index(told) < page.text.index("Summary")
    assert "lost.root: no such <file>" in page.text
    assert "a<i>.root, entries 100 to 200: ValueError: bad <b>bold</b>" in page.text
    assert "Traceback: <script>alert(1)</script>" in page.text
    assert_loads_nothing(page)


def test_names_of_users_are_texts_and_no_markup(tmp_path):
    for complete in (True, False):
        page = Page(write_page(write_run(tmp_path / "out", complete=complete)))
        assert len(page.named("b")) == 4  # of the stages
        assert not page.named("i")
        assert not page.named("script")
        assert DATASET in page.text


def test_cutflows_have_events_and_weights(folder):
    page = Page(write_page(folder))
    cutflow = page.section("Cutflows")
    assert "sum of weights 150.5" in cutflow
    cells = page.cells
    first = cells.index("<cut>")
    assert cells[first : first + 4] == ["<cut>", "70", "35.0%", "35.0%"]
    weighted = cells.index("25.0%")
    assert cells[weighted - 2 : weighted] == ["cut", "1.0 ± 1.0"]
    assert "odd" in cells


def test_histograms_without_plots_are_drawn_with_their_largest_variations(tmp_path):
    folder = write_run(tmp_path / "out", executor="dask", plots=False)
    page = Page(write_page(folder))
    pictures = page.named("img")
    assert [attributes["alt"] for attributes in pictures[:1]] == [f"{DATASET}/x"]
    assert len(pictures) == 2  # with the occupancy
    place = page.cells.index("JES__1down")
    assert page.cells[place : place + 4] == ["JES__1down", "+2.86", "2.86", "4.00"]
    assert not (folder / "plots").exists()


def test_plots_of_the_folder_are_taken_as_they_are(folder):
    (shown,) = Page(write_page(folder)).named("img")
    assert (shown["width"], shown["height"]) == ("300", "200")
    assert base64.b64decode(shown["src"].removeprefix("data:image/png;base64,")) == picture()


def test_a_run_without_histograms_or_datasets_has_a_page(tmp_path):
    from hepcol.histogram_files import write_zip

    folder = write_run(tmp_path / "out", executor="futures")
    write_zip(folder / store.HISTOGRAMS_ZIP, {})
    (folder / store.LEDGER).unlink()
    summary = json.loads((folder / store.SUMMARY).read_text())
    del summary["datasets"]
    (folder / store.SUMMARY).write_text(json.dumps({**summary, "selected": None, "values": {"z/n": 7}}))
    page = Page(write_page(folder))
    assert "<h2>Histograms" not in page.source
    assert "<h2>Values" in page.source
    assert "The ledger does not tell when chunks began" in page.text


def test_what_commands_have_added_is_shown_but_no_json(folder):
    names = ("mine.md", "mine.json", "plots/mine")
    with store.adding(folder, "my_tables", names):
        table = "| a | b |\n|:--|--:|\n| x\\_y | 1,234 |\n"
        (folder / "mine.md").write_text(f"# Mine\n\nText.\n\n## T\n\n{table}\n- warning: careful\n")
        (folder / "mine.json").write_text('{"never": "shown"}')
        write_picture(folder / "plots" / "mine" / "p.png")
    write_picture(folder / "extra" / "other.png")
    (folder / "plots" / "mine" / "broken.png").write_text("no picture")
    page = Page(write_page(folder))
    assert "x_y" in page.cells
    assert "1,234" in page.cells
    assert "warning: careful" in page.text
    assert "never" not in page.source
    alts = [attributes["alt"] for attributes in page.named("img")]
    assert [alt for alt in alts if alt in ("mine/p", "extra/other")] == ["mine/p", "extra/other"]
    assert "mine/broken" not in alts
    assert page.source.index("<h2>My tables</h2>") < page.source.index("<h2>Other pictures</h2>")


def test_added_names_may_not_reach_out_of_the_folder(folder, tmp_path):
    write_picture(tmp_path / "secret.png")
    (tmp_path / "secret.md").write_text("# Secret\n\nsecret text\n")
    summary = json.loads((folder / store.SUMMARY).read_text())
    summary["added"] = {"mine": ["../secret.png", "../secret.md", str(tmp_path / "secret.png"), ".."]}
    (folder / store.SUMMARY).write_text(json.dumps(summary))
    page = Page(write_page(folder, tmp_path / "page.html"))
    assert "secret" not in page.source


def test_fits_are_told_with_those_first_that_may_not_be_used(folder):
    told = {
        "title": "Gauss", "changes": {"mean": {"start": 1.0, "fixed": True}}, "observable": "x", "range": [0.0, 4.0],
        "parameter": "sigma", "quantity": "width of $m_{ee}$", "unit": "GeV",
        "datasets": {DATASET: {
            "expected": 2.0, "expected_label": "injected", "fits": 2, "usable": 1, "mean": None,
            "standard_deviation": None, "variations": {
                "a": {"value": 2.1, "error": 0.1, "status": "converged", "p_value": 0.5},
                "b": {"value": None, "error": None, "status": "too few entries", "p_value": None},
            },
        }},
    }  # fmt: skip
    store.add_fit(folder, "gauss", told, {})
    write_picture(store.fit_plots(folder, DATASET, "gauss") / "result.png")
    page = Page(write_page(folder))
    assert "1 of 2 fits may be used: no mean of width of m_ee. injected: 2 GeV." in page.text
    assert page.cells.index("too few entries") < page.cells.index("2.10 ± 0.10")
    assert f"{DATASET}: result" in [attributes["alt"] for attributes in page.named("img")]
    assert "<h2>Other pictures" not in page.source


def test_fits_of_yields_are_told(folder):
    limit = {
        "usable": True, "status": "converged", "message": "", "remark": "few events", "method": "asymptotic",
        "observed": 2.0, "expected": [0.5, 0.8, 1.2, 1.9, 3.0], "errors": [],
    }  # fmt: skip
    fit = {"usable": False, "status": "not converged", "message": "it did not end", "remark": ""}
    prediction = {"A": {"samples": {}, "total": 3.25, "error": 0.5}}
    store.write_fit(folder, store.HISTFACTORY, {
        "usable": False, "data": "pseudo-data", "warnings": ["a warning"], "events": {"A": limit}, "events_toys": {},
        "background": {**fit, "before": prediction, "after": {}},
        "signals": {"<s>": {"limit": limit, "toys": None, "fit": {**fit, "usable": True}, "discovery": {
            "usable": True, "status": "converged", "message": "", "p_value": 0.01, "significance": 2.3}}},
    })  # fmt: skip
    page = Page(write_page(folder))
    assert "not usable: fit of the backgrounds: it did not end" in page.text
    place = page.cells.index("<s>")
    assert page.cells[place : place + 5] == ["<s>", "2", "1.20 +0.70 -0.40", "0.01", "2.3"]
    assert "3.25 ± 0.50" in page.cells
    assert "remark: limit on <s>: few events" in page.text


def test_equal_runs_have_equal_pages_but_for_times(folder, tmp_path):
    first, second = (re.sub(r"\d{4}-\d\d-\d\d [\d:]+ UTC</footer>", "", write_page(folder, tmp_path / name).read_text())
                     for name in ("1.html", "2.html"))  # fmt: skip
    assert first == second


def test_the_report_of_dask_is_held_back_until_it_is_opened(tmp_path):
    folder = write_run(tmp_path / "out", executor="dask")
    assert "hepcol run --executor dask --dask-report" in Page(write_page(folder)).text
    (folder / store.DASK_REPORT).write_text('<html><script src="inner.js">"quoted" & \'so\'</script></html>')
    page = Page(write_page(folder))
    (frame,) = page.named("iframe")
    assert frame["data-page"] == (folder / store.DASK_REPORT).read_text()
    assert frame["sandbox"] == "allow-scripts"
    assert "srcdoc" not in frame
    assert_loads_nothing(page)


def test_no_occupancy_or_dask_of_one_process(folder):
    page = Page(write_page(folder))
    assert "<h2>Dask" not in page.source
    assert len(page.named("img")) == 1


def test_the_page_goes_when_the_results_are_replaced(tmp_path):
    path = write_page(write_run(tmp_path / "out"))
    assert path.name == "report.html"
    write_run(tmp_path / "out")
    assert not path.exists()


def call(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_the_command_says_where_the_page_is_and_how_large(folder, tmp_path, capsys):
    assert call("report", folder) == 0
    assert re.fullmatch(rf"{folder}/report\.html: 0\.\d MB\n", capsys.readouterr().out)
    assert call("report", folder, "-o", tmp_path / "x.html") == 0
    assert (tmp_path / "x.html").is_file()


def test_what_cannot_be_written_or_read_is_one_line(folder, tmp_path, capsys):
    (tmp_path / "killed" / store.PARTIAL).mkdir(parents=True)
    (tmp_path / "killed" / store.PARTIAL / store.SNAPSHOT).touch()
    for arguments, message in (
        ([tmp_path], "no histograms.zip there; expected the output folder of 'hepcol run'"),
        ([tmp_path / "nothing"], "no histograms.zip there"),
        ([tmp_path / "killed"], "the run there was interrupted: hepcol retry"),
        ([folder, "-o", tmp_path / "no" / "x.html"], "x.html cannot be written: No such file or directory"),
        ([folder, "-o", tmp_path], "cannot be written: "),
    ):
        assert call("report", *arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("hepcol: ")
        assert message in printed.err
        assert printed.err.count("\n") == 1


def test_a_broken_ledger_is_named(folder):
    (folder / store.LEDGER).write_text('{"kind": "chunk"}\n')
    with pytest.raises(InputError, match=r"ledger\.jsonl: not the ledger of a run"):
        write_page(folder)


def test_the_page_goes_when_something_is_added_that_it_does_not_tell(folder):
    page = write_page(folder)
    with store.adding(folder, "yields", ("yields.md",)):
        (folder / "yields.md").write_text("# Yields\n")
    assert not page.exists()
    assert "Yields" in write_page(folder).read_text()


def test_pictures_of_other_runs_in_the_folder_are_not_its_own(folder):
    other = folder / "other"
    other.mkdir()
    (other / "summary.json").write_text("{}")
    write_picture(other / "theirs.png")
    write_picture(folder / "mine.png")
    text = write_page(folder).read_text()
    assert "mine" in text
    assert "theirs" not in text
