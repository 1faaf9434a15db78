"""Encryption of secret outputs, where the ``crypto`` extra is installed."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

from orchestra.errors import PlanError


class Cipher(Protocol):
    """Authenticated encryption."""

    def encrypt(self, nonce: bytes, plain: bytes, associated: bytes | None) -> bytes:
        """``plain`` encrypted."""
        ...

    def decrypt(self, nonce: bytes, sealed: bytes, associated: bytes | None) -> bytes:
        """What was encrypted, or an exception if it was changed."""
        ...


def derive(key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF's expand step, RFC 5869, with SHA-256)."""
    return hmac.new(key, purpose.encode() + b"\x01", hashlib.sha256).digest()


def aes_gcm(key: bytes | None) -> Cipher:
    """AES-256-GCM under a key derived from ``key``. Raises `PlanError` if there is no key or no library."""
    if key is None:
        raise PlanError(
            "a secret output can only be kept with a key",
            remedy="set the environment variable ORCHESTRA_KEY, or pass Deployment(key=…)",
        )
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise PlanError(
            "a secret output can only be kept encrypted, and the library for that isn't installed",
            remedy="install orchestra-iac[crypto]",
        ) from error
    return AESGCM(derive(key, "outputs"))
