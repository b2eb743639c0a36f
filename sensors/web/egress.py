"""Which addresses outgoing calls may reach.

Names are judged by the address that is really connected to, so a name that resolves to something else between a check and
its use gains nothing.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DENIED = (
    "0.0.0.0/8",  # "this host": another way to write loopback
    "169.254.0.0/16",  # link-local: the metadata services of AWS, Azure, Google, Oracle and others
    "100.100.100.200/32",  # metadata, Alibaba Cloud
    "168.63.129.16/32",  # host agent, Azure
    "192.0.0.192/32",  # metadata, Oracle Cloud
    "224.0.0.0/4",  # multicast
    "255.255.255.255/32",
    "::/128",
    "fe80::/10",  # link-local
    "fd00:ec2::/32",  # metadata and time, AWS
    "fd20:ce::254/128",  # metadata, Google Cloud
    "ff00::/8",  # multicast
)
_DENIED_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)

_DENIED_NETWORKS = tuple(ip_network(entry) for entry in _DENIED)
_NAT64 = ip_network("64:ff9b::/96")


class EgressDenied(OSError):
    """This target may not be called. Permanent until someone changes the rules."""

    def __init__(self, why: str) -> None:
        super().__init__(f"calls to {why} are denied")


class Egress:
    """Rules for targets: metadata and link-local addresses are denied unless allowed, all others are free.

    `deny` holds networks (`10.0.0.0/8`) and host names; `allow` holds networks and wins over every denial, so that
    `deny=["0.0.0.0/0", "::/0"]` with `allow` makes a list of what is permitted.
    """

    def __init__(self, *, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        self._allow = tuple(ip_network(entry) for entry in allow)
        networks: list[Network] = list(_DENIED_NETWORKS)
        names = set(_DENIED_NAMES)
        for entry in deny:
            try:
                networks.append(ip_network(entry))
            except ValueError:
                names.add(entry.lower().rstrip("."))
        self._deny = tuple(networks)
        self._names = frozenset(names)
        # Asked before every call, and the answer never changes. Denials are not kept: they are errors.
        self.check_host = lru_cache(maxsize=1024)(self._check_host)
        """Raise `EgressDenied` where a URL's host is denied by its name, or is a denied address in whatever spelling."""

    def _check_host(self, host: str) -> None:
        name = host.lower().rstrip(".")
        if name in self._names:
            raise EgressDenied(f"the host {name}")
        literal = _literal(name)
        if literal is not None:
            self._check(literal)

    def check_address(self, address: str) -> None:
        """Raise `EgressDenied` where the address about to be connected to is denied."""
        self._check(ip_address(address.partition("%")[0]))

    def _check(self, address: Address) -> None:
        for one in _meanings(address):
            if any(one in network for network in self._allow):
                return
            if any(one in network for network in self._deny):
                # The address is not named: the message of several denied addresses must be one message.
                raise EgressDenied("metadata, link-local or otherwise denied addresses")


def _literal(host: str) -> Address | None:
    """The address that `host` spells, the old forms included (`2852039166`, `0xa9.254.169.254`, `0251.0376.0251.0376`)."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return _legacy_ipv4(host)


def _legacy_ipv4(host: str) -> IPv4Address | None:
    parts = host.split(".")
    if len(parts) > 4:
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *heads, last = numbers
    if any(head > 255 for head in heads) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last
    for place, head in enumerate(heads):
        value |= head << (24 - 8 * place)
    return IPv4Address(value)


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text, 16)
    return int(text, 8 if text.startswith("0") and text != "0" else 10)


def _meanings(address: Address) -> list[Address]:
    """The address itself and the IPv4 address that it carries, where it carries one."""
    if isinstance(address, IPv4Address):
        return [address]
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and (address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1)):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return [address] if inner is None else [inner, address]
