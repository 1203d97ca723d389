import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.graphs import JetGraphs, build
from hepcol.graphs.files import SUFFIXES, to_bytes
from tests.hepcol.graphs.toys import toy_jets


@pytest.fixture(scope="module")
def graphs():
    jets = toy_jets(40, charge=lambda n, rng: rng.integers(-1, 2, n))
    columns = {
        "event": np.arange(40, dtype=np.uint64) + 2**40,
        "run": np.ones(40, np.uint32),
        "weight": np.linspace(0, 1, 40),
        "jet_pt": np.linspace(0, 9, 40, dtype=np.float32),
    }
    return build(
        dataclasses.replace(jets, jets=columns),
        node_features=("pt", "eta", "phi", "charge"),
        edge_features=("dr", "lnkt"),
        transform="center_rotate_flip",
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("stored", ["nodes", "all"])
def test_comes_back_to_the_bit(graphs, tmp_path, suffix, stored):
    for number, some in enumerate((graphs, graphs[:1], graphs[:0])):  # also one without nodes, and none
        path = tmp_path / f"{number}{suffix}"
        some.write(path, stored)
        assert JetGraphs.read(path).is_equal(some)
    assert len(list(tmp_path.iterdir())) == 3


def test_files_of_nodes_are_smaller(graphs):
    for suffix in SUFFIXES:
        assert len(to_bytes(graphs, suffix, "nodes")) < len(to_bytes(graphs, suffix, "all")) / 2


def test_other_programs_read_them(graphs, tmp_path):
    import pyarrow.parquet
    import uproot

    for suffix in (".parquet", ".root"):
        graphs.write(tmp_path / f"g{suffix}", "all")
    table = pyarrow.parquet.read_table(tmp_path / "g.parquet")
    assert table["node_charge"].to_pylist()[7] == graphs[7:8].feature("charge").tolist()
    assert table["edge_source"].to_pylist()[7] == graphs[7:8].edge_index[0].tolist()
    with uproot.open(tmp_path / "g.root") as file:
        assert file["graphs"]["event"].array().to_list() == graphs.columns["event"].tolist()
        assert file["graphs"]["node_eta"].array()[7].to_list() == graphs[7:8].feature("eta").tolist()


def test_equal_graphs_are_equal_files(graphs):
    for suffix in (".npz", ".parquet"):  # uproot writes dates
        assert to_bytes(graphs, suffix) == to_bytes(graphs, suffix)


def test_refuses_to_leave_out_edges_that_could_not_be_made_again(tmp_path):
    graphs = build(toy_jets(5), node_features=("lnpt",))
    with pytest.raises(InputError, match="edges cannot be made again"):
        graphs.write(tmp_path / "g.npz")
    assert not list(tmp_path.iterdir())
    graphs.write(tmp_path / "g.npz", "all")
    assert JetGraphs.read(tmp_path / "g.npz").is_equal(graphs)


def test_says_in_one_line_what_is_wrong_with_a_file(graphs, tmp_path):
    for suffix in SUFFIXES:
        path = tmp_path / f"g{suffix}"
        with pytest.raises(InputError, match="no such file"):
            JetGraphs.read(path)
        whole = to_bytes(graphs, suffix)
        for content in (b"", whole[: len(whole) // 2], b"something else"):
            path.write_bytes(content)
            with pytest.raises(InputError) as error:
                JetGraphs.read(path)
            assert str(path) in str(error.value)
            assert "\n" not in str(error.value)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="no file of graphs of hepcol"):
        JetGraphs.read(tmp_path / "other.npz")
    for path in ("g.h5", "g"):
        with pytest.raises(InputError, match=r"files of graphs end in \.npz, \.parquet, \.root"):
            graphs.write(tmp_path / path)
    with pytest.raises(InputError, match=r"/nowhere/g.npz: cannot be written: No such file or directory"):
        graphs.write(tmp_path / "nowhere" / "g.npz")
    with pytest.raises(InputError, match="stored must be nodes or all, got 'edges'"):
        graphs.write(tmp_path / "g.npz", "edges")


def test_another_process_makes_the_same_edges(graphs, tmp_path):
    graphs.write(tmp_path / "g.npz")
    code = "import sys; from hepcol.graphs import JetGraphs; JetGraphs.read(sys.argv[1]).write(sys.argv[2], 'all')"
    subprocess.run([sys.executable, "-c", code, tmp_path / "g.npz", tmp_path / "all.npz"], check=True)
    assert (tmp_path / "all.npz").read_bytes() == to_bytes(graphs, ".npz", "all")
