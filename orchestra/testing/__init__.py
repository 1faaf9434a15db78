"""For tests of stacks and providers: faults on demand, clocks, and the contracts as checks.

Nothing here needs pytest or Hypothesis, but for `orchestra.testing.strategies`, which draws stacks with Hypothesis and
is imported by that name only.
"""

from __future__ import annotations

from orchestra.testing import presets
from orchestra.testing.cases import ProviderCase
from orchestra.testing.clock import SkewedClock, VirtualClock
from orchestra.testing.faults import Fault, FaultModel, Script, Trouble
from orchestra.testing.latency import Latency, LongTail, Uniform
from orchestra.testing.parts import Part, PartsStack
from orchestra.testing.provider import Broken, BrokenContractError, Checked, check_provider

__all__ = [
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
    "Trouble",
    "Uniform",
    "VirtualClock",
    "check_provider",
    "presets",
]
