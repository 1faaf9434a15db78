"""What all secrets of a state are kept under: the deployment's key, or since it was rotated something under the key."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from typing import Final

from orchestra.engine.ciphers import aes_gcm
from orchestra.errors import StateError
from orchestra.model.values import Revealed
from orchestra.state.records import Snapshot

_WRAPPED: Final = "aesgcm:"
_NONCE: Final = 12

_NEWEST: Final = "give the deployment the newest key that it had: ORCHESTRA_KEY, or Deployment(key=…)"


def opened_root(key: Revealed | None, snapshot: Snapshot) -> bytes | None:
    """What all is derived from: the key itself, or what is kept under it since it was rotated.

    Raises `StateError` if it isn't the key that the state was rotated to.
    """
    if not snapshot.wrapped_root:
        return None if key is None else _bytes(key)
    if key is None:
        raise StateError("the state's secrets are kept under a key, and none is given", remedy=_NEWEST)
    try:
        raw = base64.b64decode(snapshot.wrapped_root.removeprefix(_WRAPPED), validate=True)
        return aes_gcm(_bytes(key), "root").decrypt(raw[:_NONCE], raw[_NONCE:], _bound(snapshot))
    except (StateError, binascii.Error) as error:
        raise StateError(
            "the state's secrets can't be opened with this key: the deployment's key was rotated since, or it is "
            "another deployment's",
            remedy=_NEWEST,
        ) from error


def wrapped_root(root: bytes, key: Revealed, snapshot: Snapshot) -> str:
    """``root`` encrypted under ``key``, for this state of this deployment only."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = aes_gcm(_bytes(key), "root").encrypt(nonce, root, _bound(snapshot))
    return _WRAPPED + base64.b64encode(nonce + sealed).decode()


def _bound(snapshot: Snapshot) -> bytes:
    return json.dumps([snapshot.deployment, snapshot.lineage]).encode()


def _bytes(key: Revealed) -> bytes:
    return str(key.value).encode()
