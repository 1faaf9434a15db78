"""How the simulated cloud says no: the exceptions that Libcloud's drivers of real clouds raise.

Compute, networks and balancing answer in EC2's style, a code before the text. DNS and storage use Libcloud's typed
errors where it has some.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from libcloud.common.exceptions import BaseHTTPError

_HTTP_ERROR: Final[Callable[[int, str], Exception]] = BaseHTTPError


def refusal(code: str, text: str, *, status: int = 400) -> Exception:
    """The error with the cloud's ``code``, such as ``InvalidSubnetID.NotFound``, and HTTP ``status``."""
    return _HTTP_ERROR(status, f"{code}: {text}")


def in_use(what: str, users: Iterable[str], *, code: str = "DependencyViolation") -> Exception:
    """``what`` can't be deleted because of ``users``: the first three are named."""
    named = list(users)
    more = " and more" if len(named) > 3 else ""
    return refusal(code, f"{what} is in use by {', '.join(named[:3])}{more}")
