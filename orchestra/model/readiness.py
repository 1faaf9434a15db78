"""What a resource must answer to before it counts as ready, beside its cloud saying so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

import attrs

from orchestra.errors import DefinitionError

ADDRESS_OUTPUTS: Final = ("public_ip", "address", "private_ip", "ip")
"""The outputs that tell where a resource is reached, best first."""


def _port(_instance: object, _attribute: object, port: int) -> None:
    if not 1 <= port <= 65535:
        raise DefinitionError(f"port={port}: 1 to 65535 is needed")


def _seconds(_instance: object, _attribute: object, seconds: float) -> None:
    if not 0.0 < seconds <= 60.0:
        raise DefinitionError(f"timeout={seconds}: more than 0 and at most 60 seconds are needed")


@attrs.frozen
class TcpOpen:
    """Ready once a TCP connection to ``port`` can be made.

    ``host`` is where; None: the resource's own address, its public one if it has that. ``timeout`` is how many seconds
    one try may take (2). Raises `DefinitionError` for numbers that make no sense.
    """

    port: int = attrs.field(validator=_port)
    host: str | None = attrs.field(default=None, kw_only=True)
    timeout: float = attrs.field(default=2.0, kw_only=True, validator=_seconds)


@attrs.frozen
class HttpOk:
    """Ready once a GET of ``path`` is answered with a status of 2xx.

    ``port`` is by default 80, with ``secure`` 443. ``secure`` asks over TLS, whatever certificate there is: nothing is
    sent that could be stolen. ``host`` is where, and what is asked for; None: the resource's own address. ``timeout``
    is how many seconds one try may take (2). Raises `DefinitionError` for what makes no sense.
    """

    path: str = attrs.field(default="/")
    secure: bool = attrs.field(default=False, kw_only=True)
    port: int = attrs.field(kw_only=True, validator=_port)
    host: str | None = attrs.field(default=None, kw_only=True)
    timeout: float = attrs.field(default=2.0, kw_only=True, validator=_seconds)

    @port.default
    def _default_port(self) -> int:
        return 443 if self.secure else 80

    @path.validator
    def _check_path(self, _attribute: object, path: str) -> None:
        if not path.startswith("/") or not path.isprintable() or " " in path:
            raise DefinitionError(f"path={path!r}: a path that starts with /, without blanks, is needed")


Asked: TypeAlias = Callable[[Mapping[str, object]], str | None]
"""Gets the outputs of the resource, its id among them; returns None if it is ready, else why it isn't."""

ReadyCheck: TypeAlias = TcpOpen | HttpOk | Asked
"""One of ``ready=[…]``."""


def faults(checks: Iterable[ReadyCheck], kind: str, outputs: Iterable[str]) -> Iterator[str]:
    """What is wrong with ``checks`` of a ``kind`` that has these ``outputs``: it may have no address to be asked at."""
    if not any(name in ADDRESS_OUTPUTS for name in outputs):
        for check in checks:
            if isinstance(check, (TcpOpen, HttpOk)) and check.host is None:
                yield f"ready={check!r}: a {kind} has no address of its own; say which is meant with host="
