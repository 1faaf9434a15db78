"""Whatever is in a cloud becomes a typed stack whose plan is empty; ``python -m tests.adoption`` does many more."""

from __future__ import annotations

from pathlib import Path

import pytest
from circle import format_faults, type_faults
from rounds import ROUNDS

from tests.moto_server import MotoServer


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy keeps what it found in orchestra."""
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.timeout(600)  # mypy reads all of orchestra where it has kept nothing of it yet
@pytest.mark.parametrize("cloud", ["simulated", "aws", "terraform"])
def test_things_made_at_random_are_taken_over(cloud: str, aws_server: MotoServer, tmp_path: Path, cache: Path) -> None:
    pytest.importorskip("mypy")
    pytest.importorskip("ruff")
    seeds = range(5) if cloud == "simulated" else range(5, 7)
    folder = tmp_path / "generated"
    folder.mkdir()
    paths = [ROUNDS[cloud](seed, folder, aws_server) for seed in seeds]
    assert type_faults(paths, cache) == []
    assert format_faults(folder) == []


def test_faults_of_types_and_format_are_seen(tmp_path: Path, cache: Path) -> None:
    pytest.importorskip("mypy")
    pytest.importorskip("ruff")
    path = tmp_path / "bad.py"
    path.write_text("import orchestra as oc\nx: int = oc.Network(cidr=7, )\n", encoding="utf-8")
    assert any("[arg-type]" in fault for fault in type_faults([path], cache))
    assert format_faults(tmp_path) != []
