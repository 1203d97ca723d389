"""How figures are written."""

from unittest.mock import patch

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from hepcol.report.style import save, style

lay_out = ConstrainedLayoutEngine.execute


def figure():
    """A figure whose axes move when it is laid out."""
    with style():
        made = Figure()
        made.subplots().set_ylabel("a label\nof three\nlines")
    return made


def test_a_figure_is_laid_out_once_for_all_formats_and_as_by_matplotlib(tmp_path):
    drawn, plain = figure(), figure()
    with style():
        plain.savefig(tmp_path / "plain.png")
        with patch.object(ConstrainedLayoutEngine, "execute", autospec=True, side_effect=lay_out) as executed:
            written = save(drawn, [tmp_path / "folder" / name for name in ("one.png", "one.pdf", "two.png")])
    assert executed.call_count == 1
    assert drawn.axes[0].get_position().bounds == plain.axes[0].get_position().bounds
    for path in (written[0], written[2]):
        assert path.read_bytes() == (tmp_path / "plain.png").read_bytes()
    assert written[1].read_bytes().startswith(b"%PDF")
    assert isinstance(drawn.get_layout_engine(), ConstrainedLayoutEngine)


def test_a_figure_without_a_layout_gets_none(tmp_path):
    with style({"figure.constrained_layout.use": False}):
        drawn = Figure()
        save(drawn, [tmp_path / "one.png"])
    assert drawn.get_layout_engine() is None
