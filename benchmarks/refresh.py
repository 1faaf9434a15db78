"""How many calls and how long a plan takes that reads many servers: ``python benchmarks/refresh.py [SIMULATED] [AWS]``.

On the simulated cloud each call takes 50 ms and tells of 500. AWS's API is moto's over HTTP on this machine, asked for
200 ids at a time, which is as many as EC2 takes: it works on one request at a time, so its own time is most of what
there is, and no more than four are sent at once, lest the last wait longer than a request may. It is left out where
moto isn't installed. Nothing has changed in the clouds: the plan is empty.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from fleet import Counted, deployment, enter, first, servers_of, twin
from measure import HERE
from report import table

import orchestra as oc
from orchestra.clouds.families.aws.query import FILTER_VALUES
from orchestra.clouds.families.simulated.behaviour import Behaviour
from orchestra.contracts import Cloud

SIMULATED: Final = 10_000
AWS: Final = 2_000
LATENCY: Final = 0.05
AWS_WIDTH: Final = 4
SAID: Final = f"""A plan in which nothing changes. On the simulated cloud each call takes {LATENCY * 1000:.0f} ms and
tells of 500 servers; on AWS's API one asks for {FILTER_VALUES} ids, as many as EC2 takes. moto, which answers for AWS,
works on one request at a time and takes most of the time itself: it is sent {AWS_WIDTH} at once."""
"""What stands above the table."""
AT_ONCE: Final = 100
"""How many servers one request of the preparation makes on AWS."""


@attrs.frozen(kw_only=True)
class Refresh:
    """One plan. ``lists``: calls that listed servers; ``pages``: how many there are; ``calls``: all calls together."""

    where: str
    servers: int
    lists: int
    pages: int
    calls: int
    seconds: float


def simulated(folder: Path, count: int) -> Refresh:
    """The simulated cloud with ``count`` servers."""
    fast = oc.clouds.simulated(folder / "cloud.db")
    record = first(folder, fast)
    enter(folder, fast, record, [twin(record, fast, number) for number in range(1, count)])
    fast.close()
    counted = Counted()
    behaviour = Behaviour(latency=LATENCY, faults=counted)
    slow = oc.clouds.simulated(folder / "cloud.db", behaviour=behaviour)
    seconds = _planned(folder, count, slow)
    slow.close()
    return Refresh(
        where=f"simulated, {LATENCY * 1000:.0f} ms a call",
        servers=count,
        lists=counted.calls["list_nodes"],
        pages=-(-count // behaviour.page_size),
        calls=counted.calls.total(),
        seconds=seconds,
    )


def on_aws(folder: Path, count: int) -> Refresh | None:
    """AWS's API over HTTP with ``count`` servers; None where moto isn't installed."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("boto3") is None:
        return None
    sys.path.insert(0, str(HERE.parent))
    from tests.moto_server import moto_server  # an extra
    from tests.moto_server.speaking import REGION, client

    with moto_server() as server:
        cloud = oc.clouds.aws(
            region=REGION,
            endpoint=server.endpoint,
            access_key=server.access_key,
            secret_key=server.secret_key,
            consistency_seconds=0.0,
        )
        record = first(folder, cloud)
        ids = _run_instances(client(server, "ec2"), record.external_id, count - 1)
        found = servers_of(cloud).observe(ids).found
        enter(folder, cloud, record, [found[one] for one in ids])
        before = server.stats()
        seconds = _planned(folder, count, cloud, width=AWS_WIDTH)
        grown = {action: calls - before.get(action, 0) for action, calls in server.stats().items()}
    return Refresh(
        where="AWS's API over HTTP (moto)",
        servers=count,
        lists=grown["DescribeInstances"],
        pages=-(-count // FILTER_VALUES),
        calls=sum(grown.values()),
        seconds=seconds,
    )


def _run_instances(ec2: Any, like: str, count: int) -> list[str]:
    """Make ``count`` more instances of the image, size and subnet of the one that is there, and tell their ids."""
    found = ec2.describe_instances(InstanceIds=[like])["Reservations"][0]["Instances"][0]
    asked: Mapping[str, str] = {name: found[name] for name in ("ImageId", "InstanceType", "SubnetId")}
    ids: list[str] = []
    while (some := min(AT_ONCE, count - len(ids))) > 0:
        made = ec2.run_instances(**asked, MinCount=some, MaxCount=some)["Instances"]
        ids += [one["InstanceId"] for one in made]
    return ids


def _planned(folder: Path, count: int, cloud: Cloud, *, width: int = 16) -> float:
    """The seconds that a plan takes in which nothing changes."""
    with deployment(folder, count, cloud, width=width) as there:
        _ = there.store
        began = time.perf_counter()
        plan = there.plan()
        seconds = time.perf_counter() - began
    if not plan.is_empty:
        raise SystemExit(f"something was to change: {plan!r}")
    return seconds


def measured(counts: Mapping[Callable[[Path, int], Refresh | None], int]) -> Iterator[Refresh]:
    """One after the other, each in a folder of its own."""
    for work, count in counts.items():
        with tempfile.TemporaryDirectory() as folder:
            found = work(Path(folder), count)
        if found is not None:
            yield found


def shown(rows: Iterator[Refresh]) -> str:
    """The table."""
    cells = [
        (one.where, f"{one.servers:,}", one.pages, one.lists, one.calls, f"{one.seconds:.2f} s") for one in rows
    ]  # fmt: skip
    return table(("cloud", "servers", "pages", "lists of servers", "calls in all", "time of the plan"), cells)


def scaled(scale: int = 1) -> str:
    """The table, for ``scale`` times fewer servers."""
    return shown(measured({simulated: SIMULATED // scale, on_aws: AWS // scale}))


def main() -> None:
    """Print the table."""
    given = [int(one) for one in sys.argv[1:]]
    print(shown(measured(dict(zip((simulated, on_aws), (*given, *(SIMULATED, AWS)[len(given) :]), strict=True)))))


if __name__ == "__main__":
    main()
