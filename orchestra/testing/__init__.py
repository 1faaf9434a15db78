"""For tests of stacks, providers and stores: faults on demand, clocks, and the contracts as checks.

Nothing here needs pytest or Hypothesis, but for `orchestra.testing.strategies`, which draws stacks with Hypothesis,
and `orchestra.testing.store_comparison`, which drives stores with it. They are imported by those names only. Whoever
takes a clock from here doesn't load the simulated cloud.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from orchestra.lazily import lazily

if TYPE_CHECKING:
    from orchestra.testing import presets
    from orchestra.testing.cases import ProviderCase
    from orchestra.testing.clock import SkewedClock, VirtualClock
    from orchestra.testing.contract import Broken, BrokenContractError, Checked
    from orchestra.testing.faults import Fault, FaultModel, Script, Trouble
    from orchestra.testing.latency import Latency, LongTail, Uniform
    from orchestra.testing.parts import Part, PartsStack
    from orchestra.testing.provider import check_provider
    from orchestra.testing.store import STORE_RULES, StoreFactory, StoreOpener, check_store

__all__ = [
    "STORE_RULES",
    "Broken",
    "BrokenContractError",
    "Checked",
    "Fault",
    "FaultModel",
    "Latency",
    "LongTail",
    "Part",
    "PartsStack",
    "ProviderCase",
    "Script",
    "SkewedClock",
    "StoreFactory",
    "StoreOpener",
    "Trouble",
    "Uniform",
    "VirtualClock",
    "check_provider",
    "check_store",
    "presets",
]

_MODULES: Final = MappingProxyType(
    {
        "": "presets",
        "cases": "ProviderCase",
        "clock": "SkewedClock VirtualClock",
        "contract": "Broken BrokenContractError Checked",
        "faults": "Fault FaultModel Script Trouble",
        "latency": "Latency LongTail Uniform",
        "parts": "Part PartsStack",
        "provider": "check_provider",
        "store": "STORE_RULES StoreFactory StoreOpener check_store",
    }
)

if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
