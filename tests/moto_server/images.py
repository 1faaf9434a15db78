"""The machine images that the server offers: owners and names as their publishers have them."""

from __future__ import annotations

from typing import Any, Final

_NAMED: Final = (
    ("136693071363", "debian-11-amd64-20240717-1811", "x86_64", "2024-07-17"),
    ("136693071363", "debian-12-amd64-20240702-1796", "x86_64", "2024-07-02"),
    ("136693071363", "debian-12-amd64-20250316-2053", "x86_64", "2025-03-16"),
    ("136693071363", "debian-12-arm64-20250316-2053", "arm64", "2025-03-16"),
    ("136693071363", "debian-12-backports-amd64-20250401-2069", "x86_64", "2025-04-01"),
    ("099720109477", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20250305", "x86_64", "2025-03-05"),
    ("099720109477", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20250305", "x86_64", "2025-03-05"),
    ("099720109477", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20250305", "arm64", "2025-03-05"),
    (
        "099720109477",
        "ubuntu/images-testing/hvm-ssd-gp3/ubuntu-noble-daily-24.04-amd64-server-1",
        "x86_64",
        "2025-04-01",
    ),
    ("099720109477", "ubuntu-minimal/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-minimal-1", "x86_64", "2025-04-01"),
    ("137112412989", "al2023-ami-2023.6.20250317.2-kernel-6.1-x86_64", "x86_64", "2025-03-17"),
    ("137112412989", "al2023-ami-2023.6.20250317.2-kernel-6.1-arm64", "arm64", "2025-03-17"),
    ("137112412989", "al2023-ami-minimal-2023.6.20250401.0-kernel-6.1-x86_64", "x86_64", "2025-04-01"),
    ("137112412989", "amzn2-ami-hvm-2.0.20250321.0-x86_64-gp2", "x86_64", "2025-03-21"),
    ("309956199498", "RHEL-9.4.0_HVM-20240605-x86_64-82-Hourly2-GP3", "x86_64", "2024-06-05"),
    ("309956199498", "RHEL-9.5.0_HVM-20250313-x86_64-0-Hourly2-GP3", "x86_64", "2025-03-13"),
    ("309956199498", "RHEL-9.6.0_HVM_BETA-20250401-x86_64-0-Hourly2-GP3", "x86_64", "2025-04-01"),
    ("764336703387", "AlmaLinux OS 9.5.20241120 x86_64", "x86_64", "2024-11-20"),
    ("792107900819", "Rocky-9-EC2-Base-9.5-20241118.0.x86_64", "x86_64", "2024-11-18"),
    ("792107900819", "Rocky-9-EC2-LVM-9.5-20250118.0.x86_64", "x86_64", "2025-01-18"),
    ("125523088429", "Fedora-Cloud-Base-AmazonEC2.x86_64-41-1.4", "x86_64", "2024-10-29"),
    ("999999999999", "debian-12-amd64-20990101-0001", "x86_64", "2099-01-01"),
)
"""(owner, name, architecture, made on). The last is an impostor: the name of one publisher, another owner."""


def catalogue() -> list[dict[str, Any]]:
    """The images in the form that moto loads."""
    return [
        {
            "ami_id": f"ami-{index:017x}",
            "owner_id": owner,
            "name": name,
            "description": name,
            "architecture": architecture,
            "creation_date": f"{made}T00:00:00.000Z",
            "state": "available",
            "public": True,
            "virtualization_type": "hvm",
            "hypervisor": "xen",
            "root_device_type": "ebs",
            "root_device_name": "/dev/xvda",
            "image_type": "machine",
            "image_location": f"{owner}/{name}",
            "sriov": "simple",
        }
        for index, (owner, name, architecture, made) in enumerate(_NAMED, start=1)
    ]
