import os
import time
from pathlib import Path

import pytest

from hepcol.storage import tokens


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No token anywhere; what would be the user's own in /tmp is left alone."""
    for name in (tokens.VARIABLE, tokens.FILE_VARIABLE, "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    if Path(f"/tmp/bt_u{os.geteuid()}").exists():
        pytest.skip("there is a token of this user in /tmp")
    return tmp_path


def test_tokens_are_found_in_the_order_of_the_rule(nowhere, monkeypatch):
    assert tokens.token() == ""
    assert tokens.source() == ""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(nowhere))
    (nowhere / f"bt_u{os.geteuid()}").write_text("of-the-session\n")
    assert tokens.token() == "of-the-session"
    (nowhere / "file").write_text("  of-the-file \n")
    monkeypatch.setenv(tokens.FILE_VARIABLE, str(nowhere / "file"))
    assert tokens.token() == "of-the-file"
    assert tokens.source() == str(nowhere / "file")
    monkeypatch.setenv(tokens.VARIABLE, "of-the-variable")
    assert tokens.token() == "of-the-variable"
    assert tokens.source() == tokens.VARIABLE


def test_a_file_is_read_again_when_it_changes(nowhere, monkeypatch):
    file = nowhere / "token"
    monkeypatch.setenv(tokens.FILE_VARIABLE, str(file))
    assert tokens.token() == ""
    file.write_text("first")
    assert tokens.token() == "first"
    time.sleep(0.01)
    renewed = nowhere / "renewed"
    renewed.write_text("other")  # of the same length, moved to its place
    renewed.replace(file)
    assert tokens.token() == "other"


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://host/x", True),
        ("http://host/x", False),
        ("http://127.0.0.1:80/x", True),
        ("http://localhost/x", True),
        ("http://127.0.0.1.evil.org/x", False),
        ("s3://b/x", False),
    ],
)
def test_a_token_travels_encrypted_or_within_this_machine(url, may):
    assert tokens.may_travel(url) is may
