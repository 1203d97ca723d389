"""Tables come back from Markdown as they went in."""

from hypothesis import given
from hypothesis import strategies as st

from hepcol.report.markdown import read_markdown
from hepcol.report.markup import TextTable, markdown_file

cells = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=8).map(str.strip)
rows = st.lists(st.tuples(cells, cells, cells), max_size=4)


@given(st.tuples(cells, cells, cells), rows)
def test_tables_are_read_back(header, content):
    table = TextTable("a [title] of_some *kind*", header, content)
    found = read_markdown(markdown_file("All", [table, table], "What it is."))
    assert (found.title, found.texts) == ("All", ("What it is.",))
    assert [one.title for one in found.tables] == [table.title] * 2
    for one in found.tables:
        assert tuple(one.header) == header
        assert [tuple(row) for row in one.rows] == content


def test_lists_and_paragraphs_are_kept():
    found = read_markdown("# T\none\nline\n\n- first \\[1\\]\n- second\n\nlast")
    assert found.texts == ("one line", "last")
    assert found.items == ("first [1]", "second")
