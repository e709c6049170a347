"""Which network addresses may connect, and which may be connected to.

An address counts as what it reaches: IPv4 inside IPv6 (mapped, NAT64, 6to4) is unwrapped before it
is judged. Names are judged by what they resolve to, at the moment of connecting, so that a name
that moves to an internal address (DNS rebinding) reaches nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from gateway.domain.transport import PartnerUnavailable
from profiles.issue import NotConformant, NotPermitted

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Never a partner: shared carrier space, this network, benchmarking, reserved.
_NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "100.64.0.0/10", "198.18.0.0/15", "240.0.0.0/4", "64:ff9b:1::/48")
)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read CIDR notations; raises NotConformant for anything else."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise NotConformant("Peers are networks in CIDR notation, such as 10.20.0.5/32.") from error


def reached(text: str) -> Address:
    """Return the address that a packet to `text` ends at; raises ValueError."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def may_connect(peer: str, allowed: tuple[Network, ...]) -> bool:
    """Say whether a sender may connect; without a list only this machine may."""
    try:
        address = reached(peer)
    except ValueError:
        return False
    if not allowed:
        return address.is_loopback
    return any(address in network for network in allowed)


def split_address(address: str) -> tuple[SplitResult, str, int]:
    """Split a registered address into its parts, host and port.

    Raises NotConformant for anything that has no scheme or host, names credentials, or writes an
    IP address in another than its usual form (`127.1`, `0x7f.1`, `2130706433`).
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotConformant("The address of the endpoint is not a URL.") from error
    if not parts.scheme or not host or parts.username is not None or host.endswith("."):
        raise NotConformant("The address of the endpoint needs a scheme and a plain host name.")
    last = host.rpartition(".")[2]
    if (last.isdigit() or last.startswith("0x")) and not _is_address(host):
        raise NotConformant("The address of the endpoint writes an IP address in an odd form.")
    return parts, host, port or {"https": 443, "http": 80}.get(parts.scheme, 2575)


def check_registered(address: str, *, allowed: Iterable[str] = ()) -> None:
    """Check an address when an operator registers it.

    Raises NotConformant when it is malformed or HTTP without TLS outside this machine, and
    NotPermitted when it is a literal address no partner can have.
    """
    parts, host, _ = split_address(address)
    if parts.scheme == "http" and not _is_loopback_literal(host):
        raise NotConformant("Outside this machine an HTTP endpoint needs https.")
    if _is_address(host) and not permitted(host, registered=host, allowed=networks(allowed)):
        raise NotPermitted("The address of the endpoint is not one a partner can have.")


def permitted(text: str, *, registered: str, allowed: tuple[Network, ...] = ()) -> bool:
    """Say whether a resolved address may be connected to for a registered host.

    Loopback only when the host itself was registered as loopback; link-local, multicast,
    unspecified and reserved space never. With `allowed` it must lie inside as well.
    """
    address = reached(text)
    if address.is_loopback:
        return _is_loopback_literal(registered)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if any(address in network for network in _NEVER):
        return False
    return not allowed or any(address in network for network in allowed)


async def resolve(host: str, port: int, *, allowed: tuple[Network, ...] = ()) -> str:
    """Return an address of a registered host that may be connected to.

    Raises PartnerUnavailable when the name does not resolve or only to addresses not permitted.
    """
    if _is_address(host):
        found = [host]
    else:
        loop = asyncio.get_running_loop()
        try:
            infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise PartnerUnavailable("The partner's name does not resolve.") from error
        found = [str(info[4][0]) for info in infos]
    for text in found:
        if permitted(text, registered=host, allowed=allowed):
            return text
    raise PartnerUnavailable("The partner's name leads to an address that is not permitted.")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback_literal(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback
