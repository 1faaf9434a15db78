"""What the simulated cloud has to offer: regions and zones, sizes, images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

import attrs

REGIONS: Final = MappingProxyType(
    {
        "sim-1": ("sim-1a", "sim-1b", "sim-1c"),
        "sim-2": ("sim-2a", "sim-2b"),
        "sim-3": ("sim-3a", "sim-3b", "sim-3c"),
    }
)
"""The zones of each region."""

DEFAULT_REGION: Final = "sim-1"

COUNTRIES: Final = MappingProxyType({"sim-1": "IE", "sim-2": "DE", "sim-3": "US"})


@attrs.frozen(kw_only=True)
class SizeOffer:
    """A size of servers. ``memory_gib`` in GiB, ``disk`` in GB, ``gpus`` in number, ``price`` in US dollars an hour."""

    name: str
    cpus: int
    memory_gib: float
    disk: int
    price: float
    gpus: int = 0


@attrs.frozen(kw_only=True)
class ImageOffer:
    """One build of an operating system. ``created`` is its date, ISO 8601."""

    os: str
    version: str
    architecture: str
    created: str

    @property
    def name(self) -> str:
        """Such as ``debian-12-x86_64-2025-03-17``."""
        return f"{self.os}-{self.version}-{self.architecture}-{self.created}"

    @property
    def id(self) -> str:
        """Random-looking, and always the same for this build."""
        return f"img-{hashlib.blake2b(self.name.encode(), digest_size=8).hexdigest()}"


SIZES: Final = tuple(
    SizeOffer(name=name, cpus=cpus, memory_gib=memory, disk=disk, price=price, gpus=gpus)
    for name, cpus, memory, disk, price, gpus in (
        ("nano", 1, 0.5, 8, 0.005, 0),
        ("micro", 1, 1.0, 10, 0.009, 0),
        ("small", 1, 2.0, 20, 0.018, 0),
        ("medium", 2, 4.0, 40, 0.036, 0),
        ("large", 2, 8.0, 80, 0.072, 0),
        ("xlarge", 4, 16.0, 160, 0.144, 0),
        ("2xlarge", 8, 32.0, 320, 0.288, 0),
        ("cpu-4", 4, 8.0, 80, 0.132, 0),
        ("cpu-8", 8, 16.0, 160, 0.264, 0),
        ("cpu-16", 16, 32.0, 320, 0.528, 0),
        ("memory-2", 2, 16.0, 80, 0.108, 0),
        ("memory-4", 4, 32.0, 160, 0.216, 0),
        ("memory-8", 8, 64.0, 320, 0.432, 0),
        ("gpu-1", 8, 32.0, 320, 1.200, 1),
        ("gpu-4", 32, 128.0, 1280, 4.800, 4),
    )
)

_RELEASES: Final = (
    ("alma", "8", ("2024-05-28", "2024-11-12", "2025-05-20")),
    ("alma", "9", ("2024-11-18", "2025-05-22", "2025-11-18")),
    ("debian", "11", ("2024-08-31", "2025-03-17", "2025-09-06")),
    ("debian", "12", ("2024-11-09", "2025-03-15", "2025-09-06")),
    ("ubuntu", "22.04", ("2025-02-14", "2025-06-10", "2025-10-01")),
    ("ubuntu", "24.04", ("2025-02-28", "2025-06-10", "2025-10-02")),
)


def _images() -> Iterator[ImageOffer]:
    for os, version, builds in _RELEASES:
        for architecture in ("arm64", "x86_64"):
            for created in builds:
                yield ImageOffer(os=os, version=version, architecture=architecture, created=created)


IMAGES: Final = tuple(_images())

IMAGE_BY_ID: Final = MappingProxyType({image.id: image for image in IMAGES})
SIZE_BY_NAME: Final = MappingProxyType({size.name: size for size in SIZES})
