"""Names in a zone. Pure."""

from __future__ import annotations


def absolute(name: str, domain: str) -> str:
    """A name inside a zone with the zone's domain behind it."""
    return f"{name}.{domain}" if name else domain


def relative(name: str, domain: str) -> str:
    """A name inside a zone without the zone's domain; '' for the domain itself."""
    return "" if name == domain else name.removesuffix(f".{domain}")
