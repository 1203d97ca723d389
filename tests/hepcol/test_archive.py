"""Results on disk come back as they were, and nothing else is read."""

import json
import math
import zipfile
from collections import defaultdict

import awkward as ak
import boost_histogram as bh
import hist
import numpy as np
import pytest
from coffea.processor import accumulate
from coffea.processor.accumulator import (
    column_accumulator,
    defaultdict_accumulator,
    dict_accumulator,
    list_accumulator,
    set_accumulator,
    value_accumulator,
)

import hepcol
from hepcol import archive
from hepcol.errors import InputError
from processors.zee import ZeeProcessor


def same(a, b):  # noqa: PLR0911  (a case for each kind of thing)
    """Whether two results are equal, bit for bit and class for class."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, ak.Array):
        return a.type == b.type and a.to_list() == b.to_list()
    if isinstance(a, bh.Histogram):
        return a.axes == b.axes and np.array_equal(np.asarray(a.view(flow=True)), np.asarray(b.view(flow=True)))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (column_accumulator, value_accumulator)):
        return same(a.value, b.value)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


def filled(storage, *axes, **how):
    axes = axes or (hist.axis.Regular(5, 0, 1, name="x", label="x [GeV]"),)
    histogram = hist.Hist(*axes, storage=storage)
    return histogram.fill(*([[0.1, 0.7, 3.0]] * len(axes)), **how)


SAMPLE = {"sample": [1.1, 2.3, 0.7]}
CONTENTS = {
    "numbers": {
        "n": 3,
        "x": 0.1,
        "big": 2**70,
        "yes": True,
        "nothing": None,
        "c": 1 + 2j,
        "nan": math.nan,
        "inf": -math.inf,
    },
    "keys": {("SR", 1): 2, 3: "three", None: 0.5},
    "numpy": {"f4": np.float32(0.1), "i": np.arange(6).reshape(2, 3), "empty": np.empty((0, 2)), "b": np.array([True])},
    "containers": [1, (2, "b"), {"s"}, frozenset({1}), [], {}],
    "awkward": ak.Array([{"pt": [1.0, 2.0]}, {"pt": []}]),
    "defaultdict": defaultdict(int, {"a": 1}),
    "accumulators": dict_accumulator(
        {
            "list": list_accumulator([1, 2]),
            "set": set_accumulator({"a"}),
            "value": value_accumulator(int, 7),
            "columns": column_accumulator(np.arange(3.0)),
            "ragged": column_accumulator(ak.Array([[1.0], []])),
            "by region": defaultdict_accumulator(float, {"SR": 0.5}),
        }
    ),
    "double": filled(hist.storage.Double(), weight=[0.1, 0.2, 0.3]),
    "int": filled(hist.storage.Int64()),
    "weight": filled(hist.storage.Weight(), weight=[0.1, 0.2, 0.3]),
    "mean": filled(hist.storage.Mean(), **SAMPLE),
    "weighted mean": filled(hist.storage.WeightedMean(), weight=[0.1, 0.2, 0.3], **SAMPLE),
    "growing": hist.Hist(hist.axis.StrCategory([], growth=True, name="cut"), hist.axis.Variable([0, 1, 5], name="x"))
    .fill("b", [0.5, 2])
    .fill("a", 7),
    "named": hist.NamedHist(hist.axis.Regular(3, 0, 1, name="x"), name="n", label="l").fill(x=[0.5]),
    "boost": bh.Histogram(bh.axis.Regular(3, 0, 1)).fill([0.5]),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_comes_back_as_it_was_and_still_merges(tmp_path, name):
    content = CONTENTS[name]
    archive.write(tmp_path / "a.zip", {"it": content}, {"made by": "a test"})
    read, about = archive.read(tmp_path / "a.zip")
    assert same(read["it"], content)
    assert about == {"made by": "a test"}
    if name not in ("numbers", "keys", "containers", "awkward", "accumulators"):  # these do not add up as they are
        assert same(accumulate([read, {"it": content}]), accumulate([{"it": content}, {"it": content}]))


def test_a_result_of_hepcol_comes_back_with_its_exact_sums(tmp_path, shared_data):
    """EDM4hep since version 1 has weights."""
    run = hepcol.run(ZeeProcessor(variations=3), shared_data / "p8_ee_WW_ecm240_edm4hep.root", allow_incomplete=True)
    archive.write(tmp_path / "a.zip", run.result, {})
    read, _ = archive.read(tmp_path / "a.zip")
    for dataset, part in run.result.items():
        assert read[dataset].cutflow == part.cutflow
        assert read[dataset].tallies == part.tallies
        both = (part + read[dataset]).histograms
        for name, histogram in part.histograms.items():
            expected = (histogram + histogram).to_hist()
            assert both[name].to_hist() == expected
            assert np.array_equal(read[dataset].histograms[name].weights.limbs, histogram.weights.limbs)
        assert (read[dataset].sum_weights + part.sum_weights).value == 2 * part.sum_weights.value


class Private:
    def __add__(self, other):
        return self


@pytest.mark.parametrize(
    "content",
    [
        Private(),
        {"a": [Private()]},
        np.array([Private()]),
        np.ma.array([1, 2], mask=[0, 1]),
        value_accumulator(lambda: 3),
        defaultdict(lambda: 1),
    ],
)
def test_what_cannot_be_written_is_named_and_leaves_no_file(tmp_path, content):
    with pytest.raises(archive.NotStorable, match="has no place in an archive"):
        archive.write(tmp_path / "a.zip", content, {})
    assert not list(tmp_path.iterdir())


def test_says_what_is_wrong_with_an_archive(tmp_path):
    path = tmp_path / "a.zip"
    with pytest.raises(InputError, match=r"a.zip: cannot be read: No such file"):
        archive.read(path)
    archive.write(path, {"a": np.arange(1000)}, {})
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"a.zip: truncated or damaged"):
            archive.read(path)
    path.write_bytes(whole.replace(whole[60:64], b"XXXX"))
    with pytest.raises(InputError, match=r"a.zip: truncated or damaged"):
        archive.read(path)
    for told, message in (
        ({"kind": "hepcol result", "version": 99}, "written in version 99 of the format, this hepcol reads 3"),
        ({"kind": "other"}, "not an archive of a result"),
    ):
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("content.json", json.dumps(told))
        with pytest.raises(InputError, match=message):
            archive.read(path)
