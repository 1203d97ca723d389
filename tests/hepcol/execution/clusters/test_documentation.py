"""The page on clusters says what is so."""

import re
from pathlib import Path

import pytest
import yaml

from hepcol.execution.clusters import cluster_of
from hepcol.execution.clusters.configuration import KINDS

CHECKOUT = Path(__file__).parents[4]
PAGE = (CHECKOUT / "docs" / "clusters.md").read_text()
FILES = [text for text in re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE) if text.lstrip().startswith("kind:")]


def test_every_kind_is_shown():
    assert {yaml.safe_load(text)["kind"] for text in FILES} == set(KINDS)


@pytest.mark.parametrize("text", FILES, ids=lambda text: text.split()[1])
def test_every_file_that_is_shown_is_accepted(text, monkeypatch):
    monkeypatch.setattr("hepcol.execution.clusters.batch.shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("hepcol.execution.clusters.batch.psutil.net_if_addrs", lambda: {"lo": [], "ib0": []})
    assert cluster_of(yaml.safe_load(text)).preview()


def test_the_commands_for_certificates_are_those_of_the_script():
    script = (CHECKOUT / "examples" / "clusters" / "certificates.sh").read_text()
    shown = re.findall(r"^    (openssl .*)$", PAGE, re.MULTILINE)
    assert shown == re.findall(r"^(openssl .*)$", script, re.MULTILINE)
    assert len(shown) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_has_its_name_on_the_page(kind):
    assert [name for name in KINDS[kind].model_fields if f"`{name}`" not in PAGE and f"{name}:" not in PAGE] == []
