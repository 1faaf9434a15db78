"""Containers of Libcloud's drivers for Kubernetes and Amazon ECS."""

from __future__ import annotations
