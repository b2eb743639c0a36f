import pytest

from sensors.web.egress import Egress, EgressDenied

METADATA = ["169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fe80::1"]
DISGUISED = [
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "169.16689662",
    "169.254.43518",
    "169.254.1",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[64:ff9b::169.254.169.254]",
    "[2002:a9fe:a9fe::1]",
    "[fe80::1%25eth0]",
    "0.0.0.0",
    "0",
    "[::]",
]


@pytest.mark.parametrize("host", [*METADATA, *DISGUISED])
def test_a_metadata_address_is_denied_however_it_is_spelled(host: str) -> None:
    with pytest.raises(EgressDenied):
        Egress().check_host(host)


@pytest.mark.parametrize("host", ["metadata.google.internal", "METADATA.google.INTERNAL.", "metadata", "metadata.goog"])
def test_names_of_metadata_services_are_denied(host: str) -> None:
    with pytest.raises(EgressDenied):
        Egress().check_host(host)


@pytest.mark.parametrize("address", [*METADATA, "::ffff:169.254.169.254", "fe80::1%eth0", "224.0.0.1", "ff02::1"])
def test_the_address_that_is_connected_to_is_judged(address: str) -> None:
    with pytest.raises(EgressDenied):
        Egress().check_address(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "10.1.2.3", "100.64.0.1", "example.net", "1.2.3.4.5"])
def test_everything_else_is_free(host: str) -> None:
    Egress().check_host(host)


def test_denied_names_and_networks_add_to_the_rules_and_allowed_networks_win() -> None:
    egress = Egress(deny=["10.0.0.0/8", "Internal.Example"], allow=["10.9.0.0/16", "169.254.169.254/32"])
    egress.check_host("10.9.1.1")
    egress.check_host("169.254.169.254")
    for host in ("10.1.1.1", "internal.example.", "169.254.169.253"):
        with pytest.raises(EgressDenied):
            egress.check_host(host)


def test_denials_of_different_addresses_read_alike_so_that_several_are_one_error() -> None:
    messages = set()
    for address in ("169.254.169.254", "fe80::1"):
        with pytest.raises(EgressDenied) as caught:
            Egress().check_address(address)
        messages.add(str(caught.value))
    assert len(messages) == 1
