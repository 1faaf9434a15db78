"""Encryption of secret outputs, where the ``crypto`` extra is installed."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

import attrs

from orchestra.errors import PlanError, StateError


class Cipher(Protocol):
    """Authenticated encryption."""

    def encrypt(self, nonce: bytes, plain: bytes, associated: bytes | None) -> bytes:
        """``plain`` encrypted."""
        ...

    def decrypt(self, nonce: bytes, sealed: bytes, associated: bytes | None) -> bytes:
        """What was encrypted; raises `StateError` if it was changed, or encrypted with another key."""
        ...


def derive(key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF's expand step, RFC 5869, with SHA-256)."""
    return hmac.new(key, purpose.encode() + b"\x01", hashlib.sha256).digest()


def aes_gcm(key: bytes | None, purpose: str = "outputs") -> Cipher:
    """AES-256-GCM under a key derived from ``key`` for ``purpose``.

    Raises `PlanError` if there is no key or no library.
    """
    if key is None:
        raise PlanError(
            "a secret output can only be kept with a key",
            remedy="set the environment variable ORCHESTRA_KEY, or pass Deployment(key=…)",
        )
    try:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise PlanError(
            "secret outputs and rotated keys can only be kept encrypted, and the library for that isn't installed",
            remedy="install orchestra-iac[crypto]",
        ) from error
    return _AesGcm(AESGCM(derive(key, purpose)), InvalidTag)


@attrs.frozen
class _AesGcm:
    cipher: Cipher
    wrong_key: type[Exception]

    def encrypt(self, nonce: bytes, plain: bytes, associated: bytes | None) -> bytes:
        return self.cipher.encrypt(nonce, plain, associated)

    def decrypt(self, nonce: bytes, sealed: bytes, associated: bytes | None) -> bytes:
        try:
            return self.cipher.decrypt(nonce, sealed, associated)
        except self.wrong_key as error:
            raise StateError(
                "a secret output in the state can't be opened: it was encrypted with another key",
                remedy="give the deployment the key that it had: ORCHESTRA_KEY, or Deployment(key=…)",
            ) from error
