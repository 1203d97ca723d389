import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from hepcol.chunkfiles import ChunkFile, Index
from hepcol.errors import InputError
from hepcol.graphs import JetGraphs, build, read_folder
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


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_columns_of_every_type_come_back(graphs, tmp_path, suffix):
    types = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
    columns = {f"of_{name}".replace("?", "bool"): (np.arange(40) % 3).astype(name) for name in types}
    swapped = {f"swapped_{name}": np.arange(40).astype(f">{name}") for name in ("i2", "u4", "i8", "f4", "f8")}
    some = dataclasses.replace(graphs, columns=columns | swapped)
    some.write(tmp_path / f"g{suffix}")
    back = JetGraphs.read(tmp_path / f"g{suffix}")
    assert back.is_equal(some)
    assert {name: column.tolist() for name, column in back.columns.items()} == {
        name: column.tolist() for name, column in (columns | swapped).items()
    }
    assert all(column.dtype.isnative for column in back.columns.values())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_of_columns_come_back(graphs, tmp_path, suffix):
    some = dataclasses.replace(graphs, columns={name: np.arange(40) for name in ("a/b", "a.b", "a b", "x", "n", "ptr")})
    some.write(tmp_path / f"g{suffix}")
    assert JetGraphs.read(tmp_path / f"g{suffix}").is_equal(some)


def test_refuses_a_name_that_root_would_take_for_an_array(graphs, tmp_path):
    some = dataclasses.replace(graphs, columns={"a[3]": np.arange(40)})
    with pytest.raises(InputError, match=r"'a\[3\]': ROOT takes what follows \[ in a name for a length"):
        some.write(tmp_path / "g.root")
    assert not list(tmp_path.iterdir())


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


def write_run(folder, parts, complete=True):
    """Write the files and the index of a run, a chunk for each part."""
    files = []
    for number, part in enumerate(parts):
        told = {"dataset": "a", "filename": "/data/a.root", "fileuuid": "798d0dc9", "treename": "events"}
        told |= {"entrystart": number, "entrystop": number + 1}
        file = ChunkFile.of(told, "graphs", ".npz", to_bytes(part, ".npz"), {"graphs": len(part)})
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        files.append(file)
    index = Index(folder / "graphs", "graphs", "run", complete, tuple(files))
    (folder / "graphs" / "index.json").write_text(index.text())
    return [folder / file.name for file in files]


def test_reads_the_graphs_of_a_run(graphs, tmp_path):
    write_run(tmp_path, [graphs[:7], graphs[7:7], graphs[7:]])
    assert JetGraphs.concatenate(list(read_folder(tmp_path))).is_equal(graphs)
    with pytest.raises(InputError, match="no graphs of a dataset 'b'; there are a"):
        read_folder(tmp_path, "b")


def test_an_incomplete_run_is_not_read_without_saying_so(graphs, tmp_path):
    write_run(tmp_path, [graphs[:7], graphs[7:20]], complete=False)
    with pytest.raises(InputError, match="the run is incomplete: beside the 2 files of graphs there are chunks"):
        read_folder(tmp_path)
    found = JetGraphs.concatenate(list(read_folder(tmp_path, allow_incomplete=True)))
    assert found.is_equal(graphs[:20])


def test_files_of_different_runs_are_not_read_as_one(tmp_path):
    near, far = (build(toy_jets(5), r=radius) for radius in (0.4, 0.5))
    first, second = write_run(tmp_path, [near, far])
    with pytest.raises(InputError) as error:
        list(read_folder(tmp_path))
    told = f"{second} and {first} are of different runs: their graphs were made with r=0.5 and 0.4"
    assert str(error.value) == told
