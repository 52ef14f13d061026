"""Users and sessions under names that only the holder of a key can make: `identify="hash"`."""

from __future__ import annotations

import hmac
import os
from functools import lru_cache
from typing import Any

from msgspec import structs

from costspan.call import Call
from costspan.errors import ConfigurationError
from costspan.settings import IDENTIFY_KEY

_LEAST_BYTES = 16
_HEX_DIGITS = 32


def key_of(identify: Any) -> bytes | None:
    """The key that users and sessions are hashed with; None where they stay what they are.

    Raises:
        ConfigurationError: there is no key, or it is too short.
    """
    if identify is None:
        return None
    if identify == "hash":
        identify = os.environ.get(IDENTIFY_KEY, "").encode()
        if not identify:
            raise ConfigurationError(
                f'LocalFiles(identify="hash") needs a key: set {IDENTIFY_KEY}, or give the key '
                "itself as bytes, identify=key"
            )
    if not isinstance(identify, bytes):
        raise ConfigurationError(
            'LocalFiles(identify=...): give "hash", the key itself as bytes, or None'
        )
    if len(identify) < _LEAST_BYTES:
        raise ConfigurationError(
            f"LocalFiles(identify=...): a key of {len(identify)} bytes can be guessed; "
            f"give {_LEAST_BYTES} or more, such as secrets.token_bytes(32)"
        )
    return identify


class Identities:
    """Hashes the users and sessions of calls.

    Args:
        key: whoever has it can tell which hash is whose; nobody else can.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hashed = lru_cache(maxsize=4096)(self._hash)

    def hashed(self, call: Call) -> Call:
        """The call with hashes in the place of its user and session."""
        if call.user is None and call.session is None:
            return call
        return structs.replace(
            call, user=self._of("user", call.user), session=self._of("session", call.session)
        )

    def _of(self, kind: str, name: str | None) -> str | None:
        return None if name is None else self._hashed(kind, name)

    def _hash(self, kind: str, name: str) -> str:
        text = f"{kind}:{name}".encode(errors="surrogatepass")
        return hmac.digest(self._key, text, "sha256").hex()[:_HEX_DIGITS]
