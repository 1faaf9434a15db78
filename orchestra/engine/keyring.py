"""Secrets at work: read from their source, sealed for plans and state, opened again for the cloud."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import string
from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard

from orchestra.engine.ciphers import aes_gcm, derive
from orchestra.engine.keys import read, variable
from orchestra.errors import DefinitionError, InternalError
from orchestra.model.concealing import Concealer
from orchestra.model.secrets import Secret, SecretSource
from orchestra.model.values import Revealed, Sealed, Value

_ALPHABET: Final = string.ascii_letters + string.digits
_UNBOUND: Final = "aesgcm:"
"""What the first orchestras wrote: text, not bound to where it stands."""
_BOUND: Final = "aesgcm2:"
_NONCE: Final = 12


class Keyring:
    """Knows the root of all that is derived, which is the deployment's key if it has one, and the state's salt.

    Whatever it opens or reads, ``concealer`` hides from then on.
    """

    def __init__(self, root: bytes | None, salt: bytes, deployment: str, concealer: Concealer | None = None) -> None:
        self._root = root
        self._deployment = deployment
        self._digest_key = hashlib.blake2b(salt, key=derive(root, "digest") if root else b"", digest_size=32).digest()
        self._read: dict[Secret, Revealed] = {}
        self.concealer = concealer or Concealer()

    @property
    def has_key(self) -> bool:
        """Whether secret outputs can be kept."""
        return self._root is not None

    def seal(self, secret: Revealed) -> Sealed:
        """The keyed digest of ``secret``."""
        text = f"{type(secret.value).__name__}:{secret.value}"
        return Sealed(hashlib.blake2b(text.encode(), key=self._digest_key, digest_size=16).hexdigest())

    def reveal(self, secret: Secret) -> Revealed:
        """The value of ``secret``, read once in this keyring's life. Raises `DefinitionError` if there is none."""
        if secret not in self._read:
            self._read[secret] = Revealed(self._fetch(secret))
            self.concealer.learn(self._read[secret])
        return self._read[secret]

    def _fetch(self, secret: Secret) -> str:
        if secret.source is SecretSource.ENVIRONMENT:
            return variable(secret.name, os.environ)
        if secret.source is SecretSource.FILE:
            return read(secret.name)
        if self._root is None:
            raise DefinitionError(
                f"Secret.generate({secret.name!r}) needs the deployment's key",
                remedy="set the environment variable ORCHESTRA_KEY, or pass Deployment(key=…)",
            )
        seed = derive(self._root, f"generate:{self._deployment}:{secret.name}:{secret.version}")
        stream = hashlib.shake_256(seed).digest(secret.length * 4)
        numbers = (int.from_bytes(stream[i : i + 4], "big") for i in range(0, len(stream), 4))
        return "".join(_ALPHABET[number % len(_ALPHABET)] for number in numbers)

    def lock(self, value: Value, place: str) -> Value:
        """A secret output encrypted for the state; raises `PlanError` without a key or the ``crypto`` extra.

        ``place`` is of `orchestra.planning.inputs.place_of`: only there can it be opened. The same value at the same
        place gives the same text, so that an unchanged output is no change; elsewhere it gives another.
        """
        if isinstance(value, Mapping):
            return {name: self.lock(item, _inside(place, name)) for name, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.lock(item, _inside(place, index)) for index, item in enumerate(value)]
        if value is None or isinstance(value, Sealed):
            return value
        plain = json.dumps(value.value if isinstance(value, Revealed) else value).encode()
        cipher, bound = aes_gcm(self._root), self._bound(place)
        if self._root is None:
            raise InternalError("a cipher without a key")
        # A nonce must never serve two different texts. This one is a pseudo-random function of the text and its
        # place, so that only the same text there gets it again; 2**32 different ones meet with a chance of 2**-33.
        seed = len(bound).to_bytes(8, "big") + bound + plain
        nonce = hmac.new(derive(self._root, "nonce 2"), seed, hashlib.sha256).digest()[:_NONCE]
        return Sealed(_BOUND + base64.b64encode(nonce + cipher.encrypt(nonce, plain, bound)).decode())

    def open_value(self, value: Value, place: str) -> Value:
        """What `lock` encrypted for ``place``, as `Revealed`; anything else as it is. Raises `StateError`."""
        if isinstance(value, Mapping):
            return {name: self.open_value(item, _inside(place, name)) for name, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.open_value(item, _inside(place, index)) for index, item in enumerate(value)]
        if not is_locked(value):
            return value
        kind, _, text = value.digest.partition(":")
        raw, bound = base64.b64decode(text), self._bound(place) if f"{kind}:" == _BOUND else None
        plain = aes_gcm(self._root).decrypt(raw[:_NONCE], raw[_NONCE:], bound).decode()
        opened = Revealed(plain if bound is None else json.loads(plain))
        self.concealer.learn(opened)
        return opened

    def _bound(self, place: str) -> bytes:
        return json.dumps([self._deployment, place]).encode()


def is_locked(value: Value) -> TypeGuard[Sealed]:
    """Whether ``value`` is encrypted, not only a digest."""
    return isinstance(value, Sealed) and value.digest.startswith((_UNBOUND, _BOUND))


def _inside(place: str, part: str | int) -> str:
    return json.dumps([place, part])
