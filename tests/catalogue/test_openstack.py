"""Every input of every kind that OpenStack has, changed on a real OpenStack.

What a kind needs is made once for all changes of it, and the subject is brought back in between: making everything
anew for each change takes most of the time there.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from exercise import Exercise
from scenes import CASES, Case

import orchestra as oc
from tests.openstack_server import HINT, OFFERED, find_server

pytestmark = pytest.mark.timeout(1800)

ZONES = ("nova", "west")
EACH = [case for case in CASES if case.kind.kind.name in OFFERED]


@pytest.fixture(scope="module")
def cloud() -> oc.Cloud:
    server = find_server("catalogue")
    if server is None:
        pytest.skip(HINT)
    return oc.clouds.openstack(**server.settings)


@pytest.mark.parametrize("case", EACH, ids=[case.kind.__name__ for case in EACH])
def test_changing_an_input_does_what_is_documented(cloud: oc.Cloud, case: Case, tmp_path: Path) -> None:
    exercise = Exercise(case, cloud, ZONES, tmp_path)
    exercise.change_everything()
    exercise.destroy()
