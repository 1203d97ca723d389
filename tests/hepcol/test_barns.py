import pytest

from hepcol.barns import cross_section, luminosity, plain_number, power_of_inverse


@pytest.mark.parametrize(
    ("text", "picobarns"),
    [("1901.1 pb", 1901.1), ("1.9 nb", 1900.0), ("31 fb", 0.031), (" 2 mb ", 2e9), ("1e-3 ub", 1e3)],
)
def test_reads_cross_sections_in_pb(text, picobarns):
    assert cross_section(text) == picobarns


@pytest.mark.parametrize(
    "text", ["36.2 fb^-1", "36200 pb^-1", "36200 /pb", "36200 1/pb", "36200 pb-1", "36200000 nb^-1"]
)
def test_reads_luminosities_in_inverse_fb(text):
    assert luminosity(text) == 36.2


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (cross_section, 5.0, "'5.0': needs a number and its unit, such as 1901.1 pb"),
        (cross_section, "5", "needs a number and its unit"),
        (cross_section, "5 fb^-1", "unit must be one of fb, pb, nb, ub, mb, b, got 'fb\\^-1'"),
        (cross_section, "five pb", "'five' is no number"),
        (cross_section, "1_000 pb", "'1_000' is no number; expected such as 1901.1 pb"),
        (cross_section, "\u0661\u0662 pb", "is no number"),
        (cross_section, "inf pb", "'inf' is no number"),
        (luminosity, "nan fb^-1", "'nan' is no number"),
        (luminosity, "36 fb", "unit must be one of fb\\^-1, .*got 'fb'"),
        (luminosity, 36, "'36': needs a number and its unit, such as 36.2 fb\\^-1"),
        (luminosity, "36 /fb^-1", "got '/fb\\^-1'"),
    ],
)
def test_refuses_what_has_no_unit_or_another_one(read, text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_reads_numbers_as_they_are_written():
    texts = ("1901.1", "2.", ".5", "-1e-3", "+7E2")
    assert list(map(plain_number, texts)) == list(map(float, texts))
    assert [plain_number(text) for text in ("1_0", "0x1", "\u0661", "1e", ".", "", "1 0", "infinity")] == [None] * 8


def test_units_of_headers_go_to_inverse_pb():
    assert [power_of_inverse(unit) for unit in ("/ub", "/pb", "1/fb", "nb^-1", "pb", "")] == [-6, 0, 3, -3, None, None]
