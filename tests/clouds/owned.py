"""What tests of providers begin with: the provider of a kind, and whose the things that it makes are."""

from __future__ import annotations

from orchestra.contracts import Cloud, Ownership, Provider, fresh_token


def owner(address: str) -> Ownership:
    """Whose the thing at ``address`` is."""
    return Ownership("prod", address, fresh_token(address))


def provider(cloud: Cloud, kind: str) -> Provider:
    """The cloud's provider for ``kind``, which it must have."""
    found = cloud.provider(kind)
    assert found is not None
    return found
