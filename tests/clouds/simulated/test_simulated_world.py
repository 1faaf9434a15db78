"""The file of the simulated cloud: what outlives a process, and what several of them do to it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestra.clouds.families.simulated import SimulatedCloud, simulated
from orchestra.clouds.families.simulated.world import World
from orchestra.contracts import fresh_token
from orchestra.errors import InvalidRequestError, TransientError
from tests.clouds.simulated.scenery import build_site, image, size

MakeCloud = Callable[..., SimulatedCloud]

CHILD = """
from __future__ import annotations
import json, sys
from orchestra.clouds.families.simulated import simulated
cloud = simulated(sys.argv[1])
driver = cloud.drivers.compute
for number in range(int(sys.argv[2])):
    network = driver.ex_create_network("10.0.0.0/16", ex_tags={"by": sys.argv[3]}, ex_token=f"{sys.argv[4]}{number}")
print(json.dumps([one.id for one in driver.ex_list_networks()]))
cloud.close()
"""


KILLED = """
from __future__ import annotations
import os, signal, sys
from orchestra.clouds.families.simulated import simulated
driver = simulated(sys.argv[1]).drivers.compute
print(*(driver.ex_create_network("10.0.0.0/16").id for _ in range(20)), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def start_child(path: Path, count: int, name: str, token: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(count), name, token], stdout=subprocess.PIPE, text=True
    )


def test_world_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "cloud.db"
    child = start_child(path, 2, "child", "t")
    told = json.loads(child.communicate(timeout=60)[0])
    cloud = simulated(path)
    networks = cloud.drivers.compute.ex_list_networks()
    assert [one.id for one in networks] == told
    assert [one.tags for one in networks] == [{"by": "child"}] * 2
    assert cloud.drivers.compute.ex_create_network("10.0.0.0/16", ex_token="t1") == networks[1]
    cloud.close()
    assert cloud.inventory() == {"network.Network": 2}
    cloud.close()


def test_world_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "cloud.db"
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    assert child.returncode == -signal.SIGKILL
    cloud = simulated(path)
    assert [one.id for one in cloud.drivers.compute.ex_list_networks()] == child.stdout.split()
    cloud.close()


def test_processes_share_the_world(tmp_path: Path) -> None:
    path = tmp_path / "cloud.db"
    # all start with a file that isn't there, and make half of their networks under common tokens
    own = [start_child(path, 60, str(number), f"own-{number}-") for number in range(2)]
    common = [start_child(path, 60, str(number), "common-") for number in range(2)]
    for child in [*own, *common]:
        child.communicate(timeout=60)
        assert child.returncode == 0
    cloud = simulated(path)
    assert cloud.inventory() == {"network.Network": 180}
    cloud.close()


def test_threads_lose_and_double_nothing(tmp_path: Path) -> None:
    cloud = simulated(tmp_path / "cloud.db")
    site = build_site(cloud)
    subnet = cloud.drivers.compute.ex_create_subnet(site.network.id, "10.0.16.0/20").id
    made: list[list[tuple[str, str]]] = [[] for _ in range(8)]

    def create(number: int) -> None:
        driver = cloud.drivers.compute
        small, debian = size(driver), image(driver)
        for one in range(200):
            # every token is used by two threads
            token = fresh_token(f"{number // 2} {one}")
            node = driver.create_node("x", small, debian, ex_subnet=subnet, ex_token=token)
            made[number].append((str(node.id), node.private_ips[0]))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for first in range(0, 8, 2):
        assert made[first] == made[first + 1]
    everything = {one for some in made for one in some}
    assert len(everything) == len({id_ for id_, _ in everything}) == len({ip for _, ip in everything}) == 800
    assert cloud.inventory()["compute.Server"] == 801
    cloud.close()


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "cloud.db"
    cloud = simulated(path)
    assert cloud.provider("compute.Server") is not None
    assert not path.exists()
    assert cloud.inventory() == {}
    assert path.exists()
    cloud.close()


def test_default_path_is_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cloud = simulated()
    monkeypatch.chdir("/")
    cloud.verify()
    cloud.close()
    assert (tmp_path / "orchestra-cloud.db").exists()


def test_cloud_in_memory_is_its_own(make_cloud: MakeCloud) -> None:
    one, two = make_cloud(), make_cloud()
    one.drivers.compute.ex_create_network("10.0.0.0/16")
    assert (one.inventory(), two.inventory()) == ({"network.Network": 1}, {})
    one.close()
    assert one.inventory() == {}


def test_regions_are_apart_but_for_what_is_worldwide(tmp_path: Path, make_cloud: MakeCloud) -> None:
    path = tmp_path / "cloud.db"
    one, two = make_cloud(path), make_cloud(path, region="sim-2")
    network = one.drivers.compute.ex_create_network("10.0.0.0/16", ex_token="t")
    one.drivers.storage.create_container("photos")
    assert two.drivers.compute.ex_list_networks([network.id]) == []
    assert two.drivers.compute.ex_create_network("10.0.0.0/16", ex_token="t").id != network.id
    assert [bucket.name for bucket in two.drivers.storage.list_containers()] == ["photos"]
    assert [zone.id for zone in two.drivers.compute.list_locations()] == ["sim-2a", "sim-2b"]
    assert two.inventory() == {"network.Network": 1, "storage.Bucket": 1}


def test_database_of_something_else_is_left_alone(tmp_path: Path, make_cloud: MakeCloud) -> None:
    path = tmp_path / "state.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE objects (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(InvalidRequestError, match="database of something else") as caught:
        make_cloud(path).inventory()
    assert caught.value.remedy is not None
    assert path.read_bytes() == before


def test_file_of_a_newer_format_is_refused(tmp_path: Path, make_cloud: MakeCloud) -> None:
    path = tmp_path / "cloud.db"
    cloud = make_cloud(path)
    cloud.verify()
    cloud.close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(InvalidRequestError, match="newer orchestra wrote it, in format 99"):
        make_cloud(path).verify()


@pytest.mark.parametrize("content", [b"this is not a database, but it is long enough to be one" * 50, None])
def test_file_that_is_no_database(tmp_path: Path, make_cloud: MakeCloud, content: bytes | None) -> None:
    path = tmp_path / "cloud.db"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(InvalidRequestError, match="can't be used as the file of a simulated cloud"):
        make_cloud(path).verify()


def test_folder_that_is_not_there(tmp_path: Path, make_cloud: MakeCloud) -> None:
    with pytest.raises(InvalidRequestError, match="can't be used"):
        make_cloud(tmp_path / "none" / "cloud.db").verify()


def test_file_locked_by_another_process(tmp_path: Path, make_cloud: MakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestra.clouds.families.simulated.world._BUSY_SECONDS", 0.0)
    path = tmp_path / "cloud.db"
    cloud = make_cloud(path)
    cloud.verify()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError, match="busy") as caught:
        cloud.drivers.compute.ex_create_network("10.0.0.0/16")
    assert not caught.value.sent
    other.execute("ROLLBACK")
    other.close()
    assert cloud.drivers.compute.ex_create_network("10.0.0.0/16")


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        world = World(tmp_path / "cloud.db")
        with world.writing() as connection:
            connection.execute("CREATE TABLE one (two TEXT)")
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        world.close()
    finally:
        os.umask(before)
    assert found == {"cloud.db": 0o600, "cloud.db-wal": 0o600, "cloud.db-shm": 0o600}
