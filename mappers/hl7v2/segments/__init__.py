"""One file per segment, named after it; TARGETS tells what their functions make of which field."""

from __future__ import annotations

from mappers.hl7v2.segments import (
    clinical,
    consent,
    insurance,
    movement,
    mrg,
    nk1,
    notes,
    obr,
    obx,
    orders,
    pid,
    provenance,
    pv1,
    roles,
    txa,
)
from mappers.hl7v2.targets import Targets

TARGETS: tuple[Targets, ...] = (
    clinical.TARGETS,
    consent.TARGETS,
    insurance.TARGETS,
    movement.TARGETS,
    mrg.TARGETS,
    nk1.TARGETS,
    notes.TARGETS,
    obr.TARGETS,
    obx.TARGETS,
    orders.TARGETS,
    pid.TARGETS,
    provenance.TARGETS,
    pv1.TARGETS,
    roles.TARGETS,
    txa.TARGETS,
)
