"""The tour: a web shop planned, applied, changed, put right and destroyed, on the simulated cloud.

::

    python examples/tour.py              # in a temporary folder
    python examples/tour.py --keep here  # in the folder here, which keeps state and cloud

Needs no account, no network and a few seconds. Ends with status 1 if anything isn't as it should be.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import orchestra as oc
from orchestra import Action

if TYPE_CHECKING:
    from examples.webshop import WebShop
else:
    from webshop import WebShop  # beside this file


def expect(holds: bool, what: str) -> None:
    """Go on only if it is so."""
    if not holds:
        raise SystemExit(f"the tour ends here: {what} was expected, and isn't so")


def heading(text: str) -> None:
    """Say what comes next."""
    print(f"\n=== {text} ===\n", flush=True)


def counts(plan: oc.Plan) -> dict[Action, int]:
    """How many changes of each action the plan names."""
    return {action: number for action, number in plan.counts.items() if action is not Action.NO_OP}


def deploy(shop: WebShop, folder: Path, cloud: oc.clouds.SimulatedCloud) -> oc.Deployment:
    """The deployment of ``shop``: another instance of the stack under the same name is a change of what is there."""
    return oc.Deployment(shop, name="shop", cloud=cloud, state=folder / "orchestra.db")


def make(folder: Path, cloud: oc.clouds.SimulatedCloud) -> None:
    """Plan, apply, outputs."""
    shop = WebShop(web_servers=2)
    with deploy(shop, folder, cloud) as deployment:
        heading("A web shop with two web servers: the plan")
        plan = deployment.plan()
        print(plan)
        expect(counts(plan) == {Action.CREATE: 12}, "a plan of 12 creations")

        heading("Apply")
        print(deployment.apply(plan))
        expect(deployment.plan().is_empty, "an empty plan after apply")

        heading("Outputs")
        for output in (shop.url, shop.address, shop.database_host):
            print(f"{output.hint} = {deployment.value(output)}")


def grow(folder: Path, cloud: oc.clouds.SimulatedCloud) -> None:
    """One web server more."""
    with deploy(WebShop(web_servers=3), folder, cloud) as deployment:
        heading("One web server more: one creation, and the balancer gets a member")
        plan = deployment.plan()
        print(plan)
        actions = {change.address: change.action for change in plan.changes}
        expect(
            actions == {"web[2]": Action.CREATE, "balancer": Action.UPDATE},
            "one creation, one update of the balancer and nothing else",
        )
        print(deployment.apply(plan))


def mend(folder: Path, cloud: oc.clouds.SimulatedCloud) -> None:
    """Somebody works behind the library's back; that is seen and put right."""
    with deploy(WebShop(web_servers=3), folder, cloud) as deployment:
        heading("Somebody deletes a web server, opens a port and changes a label")
        there: dict[str, str] = {address: record.external_id for address, record in deployment.resources.items()}
        compute = cloud.drivers.compute
        compute.destroy_node(compute.ex_get_node(there["web[1]"]))
        compute.ex_authorize_firewall(
            there["web_firewall"],
            "ingress",
            {"protocol": "tcp", "from_port": 8080, "to_port": 8080, "cidr": "0.0.0.0/0", "firewall": None},
        )
        compute.ex_create_tags(there["database"], {"role": "playground"})
        drift = deployment.drift()
        print(drift)
        drifted = {change.address for change in drift.changes}
        expect(
            drifted == {"web[1]", "web_firewall", "database", "balancer"},
            "drift of the server, the firewall, the label, and the balancer that lost its member",
        )

        heading("Apply puts it right")
        plan = deployment.plan()
        print(plan)
        expect(counts(plan) == {Action.CREATE: 1, Action.UPDATE: 3}, "one creation and three updates in place")
        print(deployment.apply(plan))

        heading("The next plan")
        plan = deployment.plan()
        print(plan)
        expect(plan.is_empty and deployment.drift().is_empty, "an empty plan and no drift")


def destroy(folder: Path, cloud: oc.clouds.SimulatedCloud) -> None:
    """Everything goes, users before what they use."""
    with deploy(WebShop(web_servers=3), folder, cloud) as deployment:
        heading("Destroy")
        print(deployment.destroy())
        expect(not deployment.resources, "a state without resources")
        left = cloud.inventory()
        print(f"left in the cloud: {left or 'nothing'}")
        expect(not left, "an empty cloud")


def tour(folder: Path) -> None:
    """All of it, in ``folder``."""
    behaviour = oc.clouds.Behaviour(latency=0.05, boot_seconds=0.6, shutdown_seconds=0.2)
    cloud = oc.clouds.simulated(folder / "orchestra-cloud.db", behaviour=behaviour)
    expect(not cloud.inventory(), f"no cloud in {folder} yet, or an empty one")
    try:
        for part in (make, grow, mend, destroy):
            part(folder, cloud)
    finally:
        cloud.close()
    heading("Everything was as it should be")


def main() -> None:
    """Take the tour in a temporary folder, or in the one given."""
    parser = argparse.ArgumentParser(description="A web shop planned, applied, changed, put right and destroyed.")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="the folder for state and cloud; kept afterwards")
    keep: Path | None = parser.parse_args().keep
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        tour(keep)
        return
    with tempfile.TemporaryDirectory(prefix="orchestra-tour-") as folder:
        tour(Path(folder))


if __name__ == "__main__":
    main()
