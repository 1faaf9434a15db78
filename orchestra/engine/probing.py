"""Asking resources themselves whether they are ready: from here, over the network, many at once."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from orchestra.contracts import Observation, Reading, Status
from orchestra.engine.aside import side_by_side
from orchestra.engine.live import Live
from orchestra.engine.work import Progress, Until
from orchestra.model.readiness import ADDRESS_OUTPUTS, HttpOk, ReadyCheck, TcpOpen

AT_ONCE: Final = 16
"""How many are asked at the same time: no thread waits for one between two looks."""


def checked(asked: Iterable[Progress], reading: Reading, live: Live) -> Reading:
    """``reading``, in which what the cloud calls ready and doesn't answer to its own checks yet is pending."""
    waiting: list[tuple[Observation, Sequence[ReadyCheck]]] = []
    for progress in asked:
        accepted = progress.accepted
        found = reading.found.get(accepted.external_id) if accepted and accepted.until is Until.READY else None
        item = live.item(progress.step.id.address)
        if found is not None and found.status is Status.READY and item is not None and item.resource.ready:
            waiting.append((found, item.resource.ready))
    if not waiting:
        return reading
    reasons = side_by_side(lambda one: why_not(one[1], _told(one[0])), waiting, AT_ONCE)
    late = {
        found.external_id: attrs.evolve(found, status=Status.PENDING, detail=reason)
        for (found, _), reason in zip(waiting, reasons, strict=True)
        if reason is not None
    }
    return attrs.evolve(reading, found={**reading.found, **late})


def _told(observation: Observation) -> dict[str, object]:
    return {**observation.outputs, "id": observation.external_id}


def why_not(checks: Iterable[ReadyCheck], outputs: Mapping[str, object]) -> str | None:
    """Why a resource with these outputs isn't ready by ``checks``, the first that says so; None if it is."""
    for check in checks:
        reason = _why_not(check, outputs)
        if reason is not None:
            return reason
    return None


def _why_not(check: ReadyCheck, outputs: Mapping[str, object]) -> str | None:
    if not isinstance(check, (TcpOpen, HttpOk)):
        return _asked(check, outputs)
    host = check.host or next((str(outputs[name]) for name in ADDRESS_OUTPUTS if outputs.get(name)), None)
    if host is None:
        return "not answering: it has no address yet"
    return _connected(check, host) if isinstance(check, TcpOpen) else _answering(check, host)


def _asked(check: object, outputs: Mapping[str, object]) -> str | None:
    """What a function of the user's says; one that raises says that."""
    name = getattr(check, "__name__", type(check).__name__)
    if not callable(check):
        return f"not ready: {name} can't be asked"
    try:
        reason: object = check(outputs)
    except Exception as error:
        return f"not ready: {name} raised {type(error).__name__}: {error}"
    return None if reason is None else f"not ready: {reason}"


def _connected(check: TcpOpen, host: str) -> str | None:
    try:
        socket.create_connection((host, check.port), check.timeout).close()
    except OSError as error:
        return f"not answering at {host}:{check.port} ({_said(error)})"
    return None


def _answering(check: HttpOk, host: str) -> str | None:
    place = f"{host}:{check.port}{check.path}"
    connection: http.client.HTTPConnection
    if check.secure:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, check.port, timeout=check.timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, check.port, timeout=check.timeout)
    try:
        connection.request("GET", check.path, headers={"User-Agent": "orchestra", "Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"not answering at {place} ({_said(error)})"
    finally:
        connection.close()
    return None if 200 <= status <= 299 else f"not well: {place} answers with status {status}"


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
