import ssl

import aiohttp
import botocore.exceptions
import pytest

from hepcol.errors import Missing, NoAnswer, Refused, UnreadableFile
from hepcol.faults import is_transient
from hepcol.storage.failures import of_status, told

PATH, SERVER = "root://host//x.root", "root://host"
ENDPOINT = "http://host:9000"
KEY = aiohttp.client_reqrep.ConnectionKey("host", 443, True, None, None, None, None)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (OSError("[ERROR] Server responded with an error: [3011] No such file"), Missing, "no such file"),
        (OSError("[ERROR] Server responded with an error: [3010] Opening is disallowed"), Refused, "disallowed"),
        (OSError("[ERROR] Server responded with an error: [3016] is a directory"), UnreadableFile, "is a folder"),
        (OSError("[FATAL] Auth failed: No protocols left to try"), Refused, "does not know this user"),
        (OSError("File did not open properly: [FATAL] Connection error"), NoAnswer, "cannot be reached"),
        (OSError("[ERROR] Operation expired"), NoAnswer, "in time"),
        (OSError("[ERROR] Server responded with an error: [3007] I/O"), NoAnswer, "3007"),
        (TimeoutError(), NoAnswer, "in time"),
        (botocore.exceptions.ReadTimeoutError(endpoint_url=ENDPOINT), NoAnswer, "in time"),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url=ENDPOINT), NoAnswer, "in time"),
        (botocore.exceptions.EndpointConnectionError(endpoint_url=ENDPOINT), NoAnswer, "cannot be reached"),
        (botocore.exceptions.NoCredentialsError(), Refused, "AWS_ACCESS_KEY_ID"),
        (PermissionError("Access Denied"), Refused, "Access Denied"),
        (FileNotFoundError("The specified bucket does not exist"), Missing, "bucket does not exist"),
        (aiohttp.ClientConnectorError(KEY, OSError(111, "Connection refused")), NoAnswer, "cannot be reached"),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLError("self-signed")), Refused, "SSL_CERT_FILE"),
        (aiohttp.ServerDisconnectedError(), NoAnswer, "does not answer"),
        (ConnectionResetError(104, "Connection reset by peer"), NoAnswer, "reset by peer"),
    ],
)
def test_an_error_is_one_line_that_names_the_file(error, kind, text):
    meant = told(error, PATH, SERVER)
    assert type(meant) is kind
    assert str(meant).startswith(f"{PATH}: ")
    assert text in str(meant)
    assert is_transient(meant) is (kind is NoAnswer)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Refused), (403, Refused), (404, Missing), (410, Missing), (503, NoAnswer), (500, NoAnswer), (429, NoAnswer)],
)
def test_a_status_is_told(status, kind):
    assert type(of_status(status, "reason", PATH, SERVER)) is kind


def test_an_answer_is_no_error():
    assert of_status(206, "Partial Content", PATH, SERVER) is None


def test_a_bug_stays_what_it_is():
    error = ZeroDivisionError("division by zero")
    assert told(error, PATH, SERVER) is error
