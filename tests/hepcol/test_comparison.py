"""Two results are equal bit for bit, or it is told what differs."""

import hist
import numpy as np
import pytest

from hepcol.comparison import compare
from hepcol.histogram_files import write_zip


def histogram(values=(1.0, 2.0, 0.0), storage=hist.storage.Double, axis=None):
    made = hist.Hist(axis or hist.axis.Regular(3, 0, 3, name="x"), storage=storage())
    made.view()[...] = np.array(values) if storage is not hist.storage.Weight else [(v, v * v) for v in values]
    return made


def differences(tmp_path, ours, theirs):
    for name, content in (("a", ours), ("b", theirs)):
        write_zip(tmp_path / f"{name}.zip", {("z", "x"): content} if isinstance(content, hist.Hist) else content)
    return compare(tmp_path / "a.zip", tmp_path / "b.zip")


@pytest.mark.parametrize("storage", [hist.storage.Double, hist.storage.Int64, hist.storage.Weight])
def test_a_result_equals_itself(tmp_path, storage):
    (same,) = differences(tmp_path, histogram(storage=storage), histogram(storage=storage))
    assert (same.name, same.equal, same.text) == (("z", "x"), True, "equal")


def test_not_a_number_equals_itself(tmp_path):
    (same,) = differences(tmp_path, histogram((np.nan, 1, np.inf)), histogram((np.nan, 1, np.inf)))
    assert same.equal


@pytest.mark.parametrize(
    ("ours", "theirs", "text"),
    [
        ((1, 2, 0), (1, 3, 0), "1 of 5 bins differ, by at most 1, 0.5 of the largest there"),
        (
            (1, 2, 0),
            (1, np.nextafter(2, 3), 0),
            "1 of 5 bins differ, by at most 4.44e-16, 2.2e-16 of the largest there",
        ),
        ((1, 2, 0), (1, 2, 5), "1 of 5 bins differ, by at most 5"),
        ((1, 2, 0.0), (1, 2, -0.0), "1 of 5 bins differ, by at most 0"),
        ((1, np.nan, 4), (1, np.nan, 5), "1 of 5 bins differ, by at most 1, 0.25 of the largest there"),
        ((1, np.nan, 4), (1, 2, 5), "2 of 5 bins differ, by at most 1, 0.25 of the largest there; 1 are not finite"),
        ((1, np.inf, 4), (1, 2, 4), "1 of 5 bins differ; 1 are not finite"),
    ],
)
def test_the_last_bit_counts(tmp_path, ours, theirs, text):
    (difference,) = differences(tmp_path, histogram(ours), histogram(theirs))
    assert (difference.equal, difference.text) == (False, text)


def test_a_difference_of_the_variances_alone_is_told(tmp_path):
    ours, theirs = histogram(storage=hist.storage.Weight), histogram(storage=hist.storage.Weight)
    theirs.view()["variance"][1] = 5
    (difference,) = differences(tmp_path, ours, theirs)
    assert (difference.equal, difference.text) == (
        False,
        "1 of 5 bins differ, in variances, by at most 1, 0.25 of the largest there",
    )


@pytest.mark.parametrize(
    ("theirs", "text"),
    [
        (
            histogram(axis=hist.axis.Regular(3, 0, 4, name="x")),
            "other axes: Regular(3, 0, 3, name='x') and Regular(3, 0, 4, name='x')",
        ),
        (
            histogram(axis=hist.axis.Regular(3, 0, 3, name="y")),
            "other axes: Regular(3, 0, 3, name='x') and Regular(3, 0, 3, name='y')",
        ),
        (hist.Hist(*histogram().axes, hist.axis.Boolean()), "other axes: 1 and 2 of them"),
        (
            histogram(
                axis=hist.axis.Variable([0.0, 1 / 3, 2 / 3, 1.0], name="x", label="a long one, in units of [GeV]")
            ),
            (
                "other axes: Regular(3, 0, 3, name='x') and Variable([0, 0.333333, 0.666667, 1], "
                "name='x', label='a long one, in units of [G..., of 3 bins"
            ),
        ),
        (histogram(storage=hist.storage.Int64), "other storage: Double and Int64"),
    ],
)
def test_histograms_of_another_form_are_told_apart(tmp_path, theirs, text):
    (difference,) = differences(tmp_path, histogram(), theirs)
    assert (difference.equal, difference.text) == (False, text)


def test_a_histogram_that_only_one_has_is_told(tmp_path):
    found = differences(tmp_path, {("z", "x"): histogram(), ("z", "y"): histogram()}, {("z", "x"): histogram()})
    assert [(one.name, one.equal, one.text) for one in found] == [
        (("z", "x"), True, "equal"),
        (("z", "y"), False, f"only in {tmp_path / 'a.zip'}"),
    ]


def test_says_what_is_no_result(tmp_path):
    with pytest.raises(ValueError, match="nothing: no such file or folder; expected the output folder of a run"):
        compare(tmp_path / "nothing", tmp_path)
    (tmp_path / "text.zip").write_text("text")
    with pytest.raises(ValueError, match=r"text\.zip: not an archive of histograms"):
        compare(tmp_path / "text.zip", tmp_path)
    with pytest.raises(ValueError, match=r"no histograms\.zip there"):
        compare(tmp_path, tmp_path)
