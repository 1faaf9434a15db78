"""Secrets: values that reach the cloud and nothing else."""

from __future__ import annotations

import enum
from typing import NoReturn

import attrs

from orchestra.errors import DefinitionError
from orchestra.model import building
from orchestra.model.misuse import refuse


class SecretSource(enum.Enum):
    """Where a secret's value comes from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    GENERATED = "generated"


@attrs.frozen(repr=False, str=False, eq=True, kw_only=True)
class Secret:
    """A value that is read when it is used and kept only as a keyed digest.

    Make one with `Secret.env`, `Secret.file` or `Secret.generate`. It may stand for any text input, also inside
    an f-string; the whole text is then treated as secret. It shows up in no plan, state, log, event or repr.
    """

    source: SecretSource
    name: str
    length: int = 32
    version: int = 1

    @staticmethod
    def env(variable: str) -> Secret:
        """The value of the environment variable ``variable``, read at plan and apply time."""
        return Secret(source=SecretSource.ENVIRONMENT, name=variable)

    @staticmethod
    def file(path: str) -> Secret:
        """The content of the file at ``path`` without its last line end, read at plan and apply time."""
        return Secret(source=SecretSource.FILE, name=str(path))

    @staticmethod
    def generate(name: str, *, length: int = 32, version: int = 1) -> Secret:
        """A random-looking password of ``length`` letters and digits, the same at every run.

        It is derived from the deployment's key (``Deployment(key=…)`` or ``ORCHESTRA_KEY``), the deployment's
        name and ``name``, so that nothing has to be stored. Raise ``version`` to get a new one.
        Raises `DefinitionError` for a length under 8 or over 256.
        """
        if not 8 <= length <= 256:
            raise DefinitionError(f"Secret.generate(length={length}): a length from 8 to 256 is needed")
        return Secret(source=SecretSource.GENERATED, name=name, length=length, version=version)

    def describe(self) -> str:
        """Where it comes from, for messages: never the value."""
        return f"{self.source.value} {self.name!r}"

    def __repr__(self) -> str:
        return f"<secret from {self.describe()}>"

    def _token(self, spec: str) -> str:
        now = building.current()
        if now is None:
            raise DefinitionError(
                f"{self!r} can be put into text only inside build(): outside, the text would need its value",
                remedy="move the f-string into build()",
            )
        return now.token(self, "secret", "", spec)

    def __str__(self) -> str:
        return self._token("")

    def __format__(self, spec: str) -> str:
        return str(self._token(spec))

    def __bool__(self) -> NoReturn:
        refuse(repr(self), "tested for truth", "if 'VARIABLE' in os.environ:")

    def __iter__(self) -> NoReturn:
        refuse(repr(self), "looped over", "use it whole, or inside an f-string")
