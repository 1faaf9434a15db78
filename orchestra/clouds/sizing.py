"""What a portable size asks for, and whether one of a cloud's own is large enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from orchestra.model.values import Plain

GB_IN_GIB: Final = 1e9 / 2**30
"""Clouds tell disks in GB, of 10**9 bytes; sizes are asked for in GiB, of 2**30."""


@attrs.frozen(kw_only=True)
class Demand:
    """What is asked of a size at least; 0: nothing. Its text is the `Size` as a user writes it."""

    cpus: float
    memory_gib: float
    disk_gib: float = 0.0
    gpus: float = 0.0

    @staticmethod
    def of(wanted: Mapping[str, Plain]) -> Demand:
        """The demand of a portable `Size`."""
        return Demand(
            cpus=_number(wanted.get("cpus")),
            memory_gib=_number(wanted.get("memory_gib")),
            disk_gib=_number(wanted.get("disk_gib")),
            gpus=_number(wanted.get("gpu")),
        )

    def met_by(self, *, cpus: float, memory_gib: float, disk_gib: float = 0.0, gpus: float = 0.0) -> bool:
        """Whether a size that has this much is enough."""
        return cpus >= self.cpus and memory_gib >= self.memory_gib and disk_gib >= self.disk_gib and gpus >= self.gpus

    def __str__(self) -> str:
        further = {"disk_gib": self.disk_gib, "gpu": self.gpus}
        shown = "".join(f", {name}={value:g}" for name, value in further.items() if value)
        return f"Size(cpus={self.cpus:g}, memory_gib={self.memory_gib:g}{shown})"


def _number(value: Plain) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
