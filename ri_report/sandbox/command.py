"""The command `ri-report sandbox`: what it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ri_report.sandbox.demo import demo_organization
from ri_report.sandbox.population import generated_organization
from ri_report.sandbox.server import serve
from ri_report.sandbox.throttles import Throttles

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from ri_report.sandbox.server import Endpoint


def serving(
    as_of: datetime,
    accounts: int | None,
    *,
    regions: int = 17,
    instances_per_region: int = 60,
    port: int,
    latency_seconds: float,
) -> AbstractContextManager[Endpoint]:
    """Serve the demo organization, or a made-up one with AWS's throttles, until the block ends.

    Args:
        as_of: The moment of observation, aware UTC.
        accounts: How many accounts the made-up one has; None for the demo.
        regions: How many Regions it has, see `population`.
        instances_per_region: How many instances each of its accounts has in each Region.
        port: The port; 0 takes a free one.
        latency_seconds: How long every answer waits before its first byte.

    Raises:
        OSError: the port is taken.
    """
    if accounts is None:
        return serve(demo_organization(as_of), port=port, latency_seconds=latency_seconds)
    return serve(
        generated_organization(accounts, regions, instances_per_region, as_of),
        port=port,
        throttles=Throttles(),
        latency_seconds=latency_seconds,
    )
