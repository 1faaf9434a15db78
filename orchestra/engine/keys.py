"""Where the deployment's key comes from, and what it is fit for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from orchestra.errors import DefinitionError, StateError
from orchestra.model.secrets import Secret, SecretSource
from orchestra.model.values import Revealed

KeySource: TypeAlias = str | Secret | Callable[[], str]
"""The key itself, `Secret.env` or `Secret.file`, or a function that asks for it, such as one that calls a KMS."""

VARIABLE: Final = "ORCHESTRA_KEY"
FILE_VARIABLE: Final = "ORCHESTRA_KEY_FILE"

SHORTEST: Final = 16
"""Fewest characters of a key."""

_DRAW: Final = "draw a long one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


class Key:
    """The deployment's key: asked for when it is first needed, and then kept. Shows nothing of itself."""

    __slots__ = ("_found", "_is_found", "_source")

    def __init__(self, source: KeySource | None) -> None:
        if isinstance(source, str):
            _check(source, "key=…")
        elif isinstance(source, Secret):
            if source.source is SecretSource.GENERATED:
                raise DefinitionError(
                    "Deployment(key=Secret.generate(…)): a generated secret is made from the key, and can't be it",
                    remedy="use Secret.env or Secret.file",
                )
        elif source is not None and not callable(source):
            raise DefinitionError(
                f"Deployment(key=…): text, Secret.env, Secret.file or a function is needed, not {type(source).__name__}"
            )
        self._source = source
        self._found: str | None = None
        self._is_found = False

    def get(self, environment: Mapping[str, str] = os.environ) -> Revealed | None:
        """The key; None if there is none.

        Without a source it is that of ``ORCHESTRA_KEY``, or in the file that ``ORCHESTRA_KEY_FILE`` names. Raises
        `DefinitionError` for one that is missing or too short, `StateError` if the function for it fails.
        """
        if not self._is_found:
            self._found = self._ask(environment)
            # what stands in the environment may change until it is used for good
            self._is_found = self._source is not None
        return None if self._found is None else Revealed(self._found)

    def _ask(self, environment: Mapping[str, str]) -> str | None:
        source = self._source
        if source is None:
            return _from_environment(environment)
        if isinstance(source, str):
            return source
        if isinstance(source, Secret):
            name = f"key={source!r}"
            return _check(
                variable(source.name, environment) if source.source is SecretSource.ENVIRONMENT else read(source.name),
                name,
            )
        return _called(source)


def _from_environment(environment: Mapping[str, str]) -> str | None:
    named, path = environment.get(VARIABLE), environment.get(FILE_VARIABLE)
    if named and path:
        raise DefinitionError(
            f"both {VARIABLE} and {FILE_VARIABLE} are set: which key is meant can't be told", remedy="unset one of them"
        )
    if named:
        return _check(named, VARIABLE)
    return _check(read(path), FILE_VARIABLE) if path else None


def _called(function: Callable[[], str]) -> str:
    try:
        key = function()
    except Exception as error:
        raise StateError(
            f"the function that gets the deployment's key raised {type(error).__name__}",
            remedy="see to what it says above, and run again: nothing was changed",
        ) from error
    if not isinstance(key, str):
        raise DefinitionError(f"the function that gets the deployment's key gave a {type(key).__name__}, not text")
    return _check(key, "what the function for the key gave")


def variable(name: str, environment: Mapping[str, str]) -> str:
    """The secret in the environment variable ``name``. Raises `DefinitionError` if there is none."""
    value = environment.get(name)
    if not value:
        raise DefinitionError(
            f"the environment variable {name} of Secret.env is not set", remedy=f"set it: export {name}=…"
        )
    if not _is_text(value):
        raise DefinitionError(f"the environment variable {name} of Secret.env is not UTF-8 text")
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def read(path: str) -> str:
    """The secret in the file at ``path``, without its last line end. Raises `DefinitionError` if it can't be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # the latter holds what was read, so it is no cause
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        cause = error if isinstance(error, OSError) else None
        raise DefinitionError(
            f"the file {path} of a secret can't be read: {why}", remedy="put the secret there, readable by this user"
        ) from cause
    return text.removesuffix("\n").removesuffix("\r")


def _check(key: str, name: str) -> str:
    if not _is_text(key):
        raise DefinitionError(f"{name}: the key is not UTF-8 text", remedy=_DRAW)
    if len(key) < SHORTEST:
        raise DefinitionError(
            f"{name}: a key of {len(key)} characters can be guessed; at least {SHORTEST} are needed", remedy=_DRAW
        )
    return key
