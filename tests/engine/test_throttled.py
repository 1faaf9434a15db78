"""Whole applies on the simulated cloud, which refuses what comes too fast, on a timeline."""

from __future__ import annotations

import pytest
import throttled

pytestmark = pytest.mark.timeout(120)


def test_nine_tenths_of_what_the_cloud_permits_go_into_the_work() -> None:
    use = throttled.applied(5.0, 16, seconds=60)
    assert use.used >= 0.9
    assert use.refused <= 0.2
    assert use.failed == 0


def test_what_does_not_adapt_is_refused_often() -> None:
    fixed = throttled.applied(2.0, 16, seconds=60, fixed=True)
    use = throttled.applied(2.0, 16, seconds=60)
    assert fixed.refused >= 4.0 * use.refused
    assert use.used >= fixed.used
