"""An issuer of bearer tokens as those of the WLCG, whose keys an XRootD server of this machine is told beforehand."""

import base64
import json
import sqlite3
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_DAY_S = 86_400
_KEY = "the only one"


class Issuer:
    """Signs tokens by the profile of the WLCG (zenodo.3460258), with RS256 as INDIGO IAM does."""

    address = "https://issuer.invalid"  # which nobody asks
    audience = "https://wlcg.cern.ch/jwt/v1/any"

    def __init__(self):
        self._key = rsa.generate_private_key(65537, 2048)

    def token(self, scope="storage.read:/", lasts_s=3600):
        """Make a token; one that lasts for less than no time has expired."""
        now = int(time.time())
        claims = {"iss": self.address, "sub": "an analyst", "aud": self.audience, "wlcg.ver": "1.0", "scope": scope}
        claims |= {"iat": now - 60, "nbf": now - 60, "exp": now + lasts_s, "jti": str(time.time_ns())}
        parts = [_packed({"typ": "JWT", "alg": "RS256", "kid": _KEY}), _packed(claims)]
        signature = self._key.sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, _text(signature)])

    def tell(self, folder):
        """Write the public key where the library of tokens keeps keys, in what is its ``XDG_CACHE_HOME``."""
        numbers, now = self._key.public_key().public_numbers(), int(time.time())
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": _KEY}
        key |= {"n": _number(numbers.n), "e": _number(numbers.e)}
        known = {"expires": now + _DAY_S, "next_update": now + _DAY_S, "jwks": {"keys": [key]}}
        (folder / "scitokens").mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(folder / "scitokens" / "scitokens_cpp.sqllite")
        with database:
            database.execute("CREATE TABLE keycache (issuer text UNIQUE PRIMARY KEY NOT NULL, keys text NOT NULL)")
            database.execute("INSERT INTO keycache VALUES (?, ?)", (self.address, json.dumps(known)))
        database.close()


def _packed(value):
    return _text(json.dumps(value).encode())


def _number(value):
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
