"""Findings about a configuration, and what several rules ask of addresses and ids."""

from __future__ import annotations

import ipaddress
import re

from profiles.issue import Issue

#: FHIR `id` (https://hl7.org/fhir/R4/datatypes.html#id): ids of the registry become resource ids.
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def error(text: str, place: str, code: str = "value") -> Issue:
    """Make a finding that keeps `serve` from starting."""
    return Issue("error", code, text, place)


def warning(text: str, place: str, code: str = "value") -> Issue:
    """Make a finding that somebody should look at."""
    return Issue("warning", code, text, place)


def is_address(listen: str) -> bool:
    """Say whether this is host:port."""
    host, _, port = listen.rpartition(":")
    return bool(host) and port.isdecimal() and int(port) <= 65_535


def on_loopback(listen: str) -> bool:
    """Say whether only this machine can reach a listener; of names only localhost counts."""
    return host_on_loopback(listen.rpartition(":")[0].strip("[]"))


def host_on_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
