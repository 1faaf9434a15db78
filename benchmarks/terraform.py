"""The same work for Terraform: a configuration of ``terraform_data``, and the state that applying it leaves.

That state is written, not applied, but where applying is what is measured: Terraform takes 15 minutes for 5,000.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from parts import CIDR, SIZE
from planted import external_id, kept_inputs
from shapes import Shape


def program() -> str | None:
    """Where Terraform is, or None if it isn't installed."""
    return shutil.which("terraform")


def version(terraform: str) -> str:
    """Its first line about itself."""
    return subprocess.run([terraform, "version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def plan(terraform: str) -> Sequence[str]:
    """The command that plans in the folder that it runs in."""
    return [terraform, "plan", "-no-color", "-input=false"]


def apply(terraform: str) -> Sequence[str]:
    """The command that applies all anew in the folder that it runs in."""
    return ["sh", "-c", f"rm -f terraform.tfstate* && exec {terraform} apply -auto-approve -no-color -input=false"]


def write(terraform: str, folder: Path, count: int, shape: Shape, *, applied: bool) -> None:
    """Make ``folder`` ready to plan ``count`` resources, with the state of them if they are ``applied``."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = (_block(index, shape.uses(index, count)) for index in range(count))
    (folder / "main.tf").write_text("".join(blocks), encoding="utf-8")
    if applied:
        state = {
            "version": 4,
            "terraform_version": version(terraform).split("v")[-1],
            "serial": 1,
            "lineage": str(uuid.uuid5(uuid.NAMESPACE_OID, "lineage")),
            "outputs": {},
            "resources": [_applied(index, count, shape) for index in range(count)],
            "check_results": None,
        }
        (folder / "terraform.tfstate").write_text(json.dumps(state), encoding="utf-8")
    subprocess.run([terraform, "init", "-no-color"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _block(index: int, uses: Sequence[int]) -> str:
    ids = ", ".join(f"terraform_data.r{used}.id" for used in uses)
    return (
        f'resource "terraform_data" "r{index}" {{\n'
        f'  input = {{ name = "r{index}", cidr = "{CIDR}", size = "{SIZE}", net = join(",", [{ids}]) }}\n}}\n'
    )


def _applied(index: int, count: int, shape: Shape) -> dict[str, Any]:
    value = kept_inputs(index, count, shape)
    boxed = {"value": value, "type": ["object", dict.fromkeys(value, "string")]}
    instance: dict[str, Any] = {
        "schema_version": 0,
        "attributes": {"id": external_id(index), "input": boxed, "output": boxed, "triggers_replace": None},
        "sensitive_attributes": [],
    }
    uses = shape.uses(index, count)
    if uses:
        instance["dependencies"] = sorted(f"terraform_data.r{used}" for used in uses)
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": f"r{index}",
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [instance],
    }
