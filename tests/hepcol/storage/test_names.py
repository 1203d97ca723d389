import pytest

from hepcol.errors import InputError
from hepcol.fileset import resolve


@pytest.mark.parametrize(
    ("sources", "name"),
    [
        (["https://host/x.root?id=3"], "x"),
        (["https://host/x.root?X-Amz-Signature=abc"], "x"),
        (["root://host//data/x.root"], "x"),
        (["root://host//data/x.root", "root://host//data/y.root"], "data"),
        (["root://host//x.root", "root://host//y.root"], "files"),
        (["s3://bucket/x.root", "s3://bucket/y.root"], "bucket"),
    ],
)
def test_a_dataset_on_a_server_is_named_as_a_local_one(sources, name):
    assert list(resolve(sources)) == [name]


@pytest.mark.parametrize(("name", "known"), [("davs", "https"), ("roots", "root"), ("xroot", "root")])
def test_other_names_of_protocols_are_told(name, known):
    with pytest.raises(InputError, match=rf"^{name}://host/x.root: {name}:// is written {known}://$"):
        resolve(f"{name}://host/x.root")
