"""Secrets at work: read from their source, sealed for plans and state, opened again for the cloud."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from orchestra.engine.ciphers import aes_gcm, derive
from orchestra.errors import DefinitionError, InternalError
from orchestra.model.secrets import Secret, SecretSource
from orchestra.model.values import Revealed, Sealed, Value

_ALPHABET: Final = string.ascii_letters + string.digits
_ENCRYPTED: Final = "aesgcm:"


class Keyring:
    """Knows the deployment's key, if it has one, and the salt of its state."""

    def __init__(self, key: bytes | None, salt: bytes, deployment: str) -> None:
        self._key = key
        self._deployment = deployment
        self._digest_key = hashlib.blake2b(salt, key=derive(key, "digest") if key else b"", digest_size=32).digest()
        self._read: dict[Secret, Revealed] = {}

    @property
    def has_key(self) -> bool:
        """Whether secret outputs can be kept."""
        return self._key is not None

    def seal(self, secret: Revealed) -> Sealed:
        """The keyed digest of ``secret``."""
        text = f"{type(secret.value).__name__}:{secret.value}"
        return Sealed(hashlib.blake2b(text.encode(), key=self._digest_key, digest_size=16).hexdigest())

    def reveal(self, secret: Secret) -> Revealed:
        """The value of ``secret``, read once in this keyring's life. Raises `DefinitionError` if there is none."""
        if secret not in self._read:
            self._read[secret] = Revealed(self._fetch(secret))
        return self._read[secret]

    def _fetch(self, secret: Secret) -> str:
        if secret.source is SecretSource.ENVIRONMENT:
            value = os.environ.get(secret.name)
            if not value:
                raise DefinitionError(
                    f"the environment variable {secret.name} of Secret.env is not set",
                    remedy=f"set it: export {secret.name}=…",
                )
            return value
        if secret.source is SecretSource.FILE:
            return self._read_file(secret)
        if self._key is None:
            raise DefinitionError(
                f"Secret.generate({secret.name!r}) needs the deployment's key",
                remedy="set the environment variable ORCHESTRA_KEY, or pass Deployment(key=…)",
            )
        seed = derive(self._key, f"generate:{self._deployment}:{secret.name}:{secret.version}")
        stream = hashlib.shake_256(seed).digest(secret.length * 4)
        numbers = (int.from_bytes(stream[i : i + 4], "big") for i in range(0, len(stream), 4))
        return "".join(_ALPHABET[number % len(_ALPHABET)] for number in numbers)

    def _read_file(self, secret: Secret) -> str:
        try:
            text = Path(secret.name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8"
            raise DefinitionError(
                f"the file {secret.name} of Secret.file can't be read: {why}",
                remedy="put the secret there, readable by this user",
            ) from error
        return text.removesuffix("\n").removesuffix("\r")

    def lock(self, value: Value) -> Value:
        """A secret output encrypted for the state; raises `PlanError` without a key or the ``crypto`` extra."""
        if isinstance(value, Mapping):
            return {name: self.lock(item) for name, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.lock(item) for item in value]
        if value is None or isinstance(value, Sealed):
            return value
        plain = str(value.value if isinstance(value, Revealed) else value).encode()
        cipher = aes_gcm(self._key)
        if self._key is None:
            raise InternalError("a cipher without a key")
        nonce = hmac.new(derive(self._key, "nonce"), plain, hashlib.sha256).digest()[:12]
        return Sealed(_ENCRYPTED + base64.b64encode(nonce + cipher.encrypt(nonce, plain, None)).decode())

    def open_value(self, value: Value) -> Value:
        """What `lock` encrypted, as `Revealed`; anything else as it is."""
        if isinstance(value, Mapping):
            return {name: self.open_value(item) for name, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.open_value(item) for item in value]
        if not isinstance(value, Sealed) or not value.digest.startswith(_ENCRYPTED):
            return value
        raw = base64.b64decode(value.digest[len(_ENCRYPTED) :])
        return Revealed(aes_gcm(self._key).decrypt(raw[:12], raw[12:], None).decode())
