import pytest

from hepcol.errors import InputError
from hepcol.fileset import resolve
from hepcol.storage import addresses
from hepcol.storage.addresses import HIDDEN, address_of, is_served, name_of, redacted, server_of

SIGNED = (
    "https://bucket.host/data/x.root?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2Fus-east-1"
    "&X-Amz-Signature=0123456789abcdef&versionId=7"
)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("root://host//data/x.root", "root://host//data/x.root"),
        ("root://user@host:1094//x.root", "root://user@host:1094//x.root"),
        ("root://user:pa55@host//x.root", f"root://{HIDDEN}@host//x.root"),
        ("https://user:pa55@host/x.root", f"https://{HIDDEN}@host/x.root"),
        ("https://apikey@host/x.root", f"https://{HIDDEN}@host/x.root"),
        ("root://host//x.root?authz=Bearer%20abcdef", f"root://host//x.root?authz={HIDDEN}"),
        ("https://host/get?file=x.root&id=3", "https://host/get?file=x.root&id=3"),
        ("https://host/x.root?download", "https://host/x.root?download"),
        ("https://host/x.root?sig=abc&se=2026&sp=r", f"https://host/x.root?sig={HIDDEN}&se={HIDDEN}&sp={HIDDEN}"),
        (f"https://host/x.root?what={'a' * 40}", f"https://host/x.root?what={HIDDEN}-e33cdf9c"),
        (f"https://host/get?file=/{'b' * 40}/x.root", f"https://host/get?file=/{'b' * 40}/x.root"),
        ("https://host/x.root?access_token=abc", f"https://host/x.root?access_token={HIDDEN}"),
    ],
)
def test_a_name_has_no_secrets_and_is_the_same_again(address, name):
    assert name_of(address) == name
    assert redacted(name) == name
    assert address_of(name) == address


def test_what_is_signed_stays_known_to_this_process_alone():
    name = name_of(SIGNED)
    assert "0123456789abcdef" not in name
    assert "AKIDEXAMPLE" not in name
    assert name.endswith("versionId=7")
    assert addresses.addresses_of([name, "root://host//x.root"]) == {name: SIGNED}


def test_secrets_are_hidden_in_messages_however_they_stand_there():
    name_of(SIGNED)
    message = f"GET {SIGNED} failed; signature 0123456789abcdef; header 'Authorization: Bearer eyJhbGciOi.eyJ-_.x'"
    shown = redacted(message)
    assert "0123456789abcdef" not in shown
    assert "eyJhbGciOi" not in shown
    assert shown.startswith("GET https://bucket.host/data/x.root?")


def test_long_parameters_that_are_hidden_are_told_apart():
    names = {name_of(f"https://host/get?file={'a' * 40}{number}") for number in range(3)}
    assert len(names) == 3


@pytest.mark.parametrize("replica", [False, True])
def test_two_addresses_of_one_name_are_refused_in_a_fileset(replica):
    """Otherwise the events of one would be read in place of those of the other, in silence."""
    other = {"/x.root": {"replicas": ["https://host/get?key=222222"]}} if replica else ["https://host/get?key=222222"]
    files = {"a": {"files": ["https://host/get?key=111111"]}, "b": {"files": other}}
    with pytest.raises(InputError, match=r"^https://host/get\?key=hidden: is the name of two addresses") as caught:
        resolve(files)
    assert "1111" not in str(caught.value)
    signed_anew = resolve({"a": {"files": ["https://host/get?key=333333"]}})
    assert address_of(signed_anew["a"].files[0].path) == "https://host/get?key=333333"


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        (f"https://host/x.root?X-Amz-Signature={HIDDEN}&versionId=7", True),
        (f"https://host/x.root?what={HIDDEN}-06ecac30", True),
        (f"root://{HIDDEN}@elsewhere//x.root", True),
        (f"https://host/{HIDDEN}.root?a={HIDDEN}y", False),
        ("root://host//x.root", False),
    ],
)
def test_a_name_without_its_address_is_told(name, lacks):
    assert addresses.is_incomplete(name) is lacks


@pytest.mark.parametrize("end", [":", ",", ".", "):", ""])
def test_a_sentence_goes_on_after_a_url(end):
    assert (
        redacted(f"(https://host/x.root?sig=abc{end} no such file")
        == f"(https://host/x.root?sig={HIDDEN}{end} no such file"
    )


def test_plain_text_stays_as_it_is():
    text = "root://host//x.root: the bearer of this, and /local/x.root?; a=b"
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("root://h//x", True),
        ("s3://b/x", True),
        ("https://h/x", True),
        ("HTTP://h/x", True),
        ("file:///x", False),
        ("simplecache::root://h//x", False),
        ("/x", False),
        ("gs://b/x", False),
    ],
)
def test_servers_that_are_asked_by_hepcol_itself(path, is_ours):
    assert is_served(path) is is_ours


def test_a_server_is_named_without_its_user():
    assert server_of("root://me:secret@host:1094//x.root") == "root://host:1094"
    assert server_of("https://host/x.root?a=b") == "https://host"
