"""Idempotency tokens, honoured: moto stores them and makes a second instance all the same.

On AWS a repeated call with the same token and parameters gets the answer of the first; with other parameters it is
refused as ``IdempotentParameterMismatch``.
"""

from __future__ import annotations

import re

from tests.moto_server.messages import Answer, Request, refusal

_UNSIGNED = re.compile(r"AWSAccessKeyId|Signature.*|Timestamp|X-Amz-.*", re.IGNORECASE)


class Tokens:
    """Answers by token."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], tuple[dict[str, str], Answer]] = {}

    def clear(self) -> None:
        """Forget all tokens."""
        self._answers.clear()

    def recall(self, request: Request) -> Answer | None:
        """The answer that the token of ``request`` already has."""
        key = _key(request)
        if key is None or key not in self._answers:
            return None
        asked, answer = self._answers[key]
        if asked != asked_by(request):
            return refusal(
                request, 400, "IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent."
            )
        return answer

    def remember(self, request: Request, answer: Answer) -> None:
        """Keep ``answer`` for the token of ``request``, if it has one and the call succeeded."""
        key = _key(request)
        if key is not None and answer.status < 300:
            self._answers[key] = (asked_by(request), answer)

    def instances(self, region: str, token: str) -> list[str]:
        """The instances that were made under ``token``."""
        _, answer = self._answers.get((region, "RunInstances", token), ({}, Answer(404, b"")))
        return re.findall(r"<instanceId>([^<]+)<", answer.body.decode())


def _key(request: Request) -> tuple[str, str, str] | None:
    token = request.parameters.get("ClientToken")
    return (request.region, request.action, token) if request.service == "ec2" and token else None


def asked_by(request: Request) -> dict[str, str]:
    """What ``request`` asks for: its parameters without who signed it, and when."""
    return {name: value for name, value in request.parameters.items() if not _UNSIGNED.fullmatch(name)}
