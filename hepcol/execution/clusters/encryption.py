"""Certificates with which client, scheduler and workers know each other."""

import ssl
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import field_validator, model_validator

from hepcol.tablefile import Row


def _is_what(path: Path) -> str:
    return "no file" if path.exists() else "not there"


class Tls(Row):
    """Files of TLS: with them, who has no certificate of the authority is refused, and nobody reads along.

    Parameters
    ----------
    ca_file : str
        Certificate of the authority that signed those of client, scheduler and workers.
    cert : str
        Certificate.
    key : str
        Its key.
    """

    ca_file: str
    cert: str
    key: str

    @field_validator("ca_file", "cert", "key")
    @classmethod
    def _is_there(cls, given: str) -> str:
        path = Path(given).expanduser().absolute()
        if not path.is_file():
            raise ValueError(f"expected a file in PEM format, got '{given}', which is {_is_what(path)}")
        return str(path)

    @model_validator(mode="after")
    def _fit(self) -> "Tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for names, load in (
            ("ca_file", partial(context.load_verify_locations, self.ca_file)),
            ("cert, key", partial(context.load_cert_chain, self.cert, self.key, password="")),  # rather than ask for it
        ):
            try:
                load()
            except (OSError, ValueError) as error:  # ssl's, and what the system says
                given = ", ".join(f"'{getattr(self, name)}'" for name in names.split(", "))
                reason = f"{type(error).__name__}: {error}"
                raise ValueError(
                    f"{names}: expected certificate and key in PEM format, without a passphrase, got {given} ({reason})"
                ) from error
        return self

    def security(self) -> Any:
        """Make what Dask takes: one certificate for all roles, and no connection without."""
        from distributed.security import Security

        roles = ("client", "scheduler", "worker")
        files = {f"tls_{role}_{part}": getattr(self, part) for role in roles for part in ("cert", "key")}
        return Security(tls_ca_file=self.ca_file, require_encryption=True, **files)
