import pytest
from distributed import Client

from hepcol.storage import handover, tokens

TOKEN = "t0kenThatIsHandedOver"


@pytest.fixture
def client(scheduler):
    with Client(scheduler) as client:
        yield client


def _found_by(client):
    return set(client.run(tokens.token).values())


def test_workers_have_the_token_of_the_client_while_it_works(client, monkeypatch, tmp_path):
    monkeypatch.setattr(handover, "LOOK_S", 0.05)
    file = tmp_path / "token"
    file.write_text(TOKEN)
    monkeypatch.delenv(tokens.VARIABLE, raising=False)
    monkeypatch.setenv(tokens.FILE_VARIABLE, str(file))
    before = _found_by(client)
    assert before.isdisjoint({TOKEN})
    with handover.handed_over(client):
        assert _found_by(client) == {TOKEN}
        renewed = tmp_path / "renewed"
        renewed.write_text("renewed-token")
        renewed.replace(file)
        for _ in range(100):
            if _found_by(client) == {"renewed-token"}:
                break
        assert _found_by(client) == {"renewed-token"}
    assert _found_by(client) == before


def test_without_a_token_nothing_is_handed_over(client, monkeypatch):
    monkeypatch.delenv(tokens.VARIABLE, raising=False)
    monkeypatch.setenv(tokens.FILE_VARIABLE, "/nonexistent")
    with handover.handed_over(client):
        assert _found_by(client) == {""}


@pytest.mark.parametrize(
    ("address", "is_private"),
    [
        ("tls://host:8786", True),
        ("tcp://127.0.0.1:8786", True),
        ("inproc://1.2.3.4/1/1", True),
        ("tcp://host:8786", False),
        ("tcp://10.0.0.1:8786", False),
    ],
)
def test_a_token_is_not_sent_where_others_can_read_it(address, is_private, monkeypatch, caplog):
    assert handover.is_private(address) is is_private
    if not is_private:
        monkeypatch.setenv(tokens.VARIABLE, TOKEN)

        class Stranger:
            """A client that could not hand anything over."""

            class scheduler:  # noqa: N801  (as distributed calls it)
                pass

        Stranger.scheduler.address = address
        with handover.handed_over(Stranger()):
            pass
        assert "is not encrypted" in caplog.text
        assert TOKEN not in caplog.text


def test_a_token_is_not_shown():
    assert TOKEN not in repr(handover.BearerToken(TOKEN))
