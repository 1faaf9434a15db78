"""Creations that take more than one request: what of them a crash leaves. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from orchestra.contracts import Inputs, Observation, Status
from orchestra.model.fields import KindSpec


def unless_unfinished(found: Observation, kind: KindSpec, inputs: Inputs, names: Sequence[str]) -> Observation:
    """``found``, pending if one of the inputs ``names`` isn't as asked for yet: then creating it again finishes it."""
    for name in names:
        wanted, normalize = inputs.values.get(name), kind.inputs[name].normalize
        if wanted is not None and (normalize(wanted) if normalize else wanted) != found.inputs[name]:
            return attrs.evolve(found, status=Status.PENDING, detail=f"{name} isn't set yet")
    return found
