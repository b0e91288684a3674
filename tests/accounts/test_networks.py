"""Networks in the one form they are kept in, and who lies in them."""

import pytest

from accounts.networks import is_within, lies_in, parse_network


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
    ],
)
def test_one_network_has_one_form(text: str, kept: str) -> None:
    assert str(parse_network(text)) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "10.0.0.0/33",
        "::/129",
        "10.0.0",
        "010.0.0.1",
        "fe80::1%eth0",
        "1" * 60,
        "\0",
        "٣.3.3.3",
    ],
)
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_network(text)


@pytest.mark.parametrize(
    ("address", "network", "lies"),
    [
        ("10.9.9.9", "10.0.0.0/8", True),
        ("11.0.0.0", "10.0.0.0/8", False),
        ("::ffff:10.9.9.9", "10.0.0.0/8", True),
        ("::ffff:11.0.0.0", "10.0.0.0/8", False),
        ("10.9.9.9", "::ffff:10.0.0.0/104", True),
        ("10.9.9.9", "::/0", False),
        ("2001:db8::5", "2001:db8::/32", True),
        ("fe80::1%eth0", "fe80::/10", True),
        ("", "0.0.0.0/0", False),
        ("unix:", "0.0.0.0/0", False),
        ("' OR 1=1", "0.0.0.0/0", False),
    ],
)
def test_an_address_lies_in_a_network_or_not(address: str, network: str, lies: bool) -> None:
    assert lies_in(address, [parse_network(network)]) is lies


@pytest.mark.parametrize(
    ("inner", "outer", "within"),
    [
        ("10.1.0.0/16", "10.0.0.0/8", True),
        ("10.0.0.0/8", "10.0.0.0/8", True),
        ("10.0.0.0/7", "10.0.0.0/8", False),
        ("::ffff:10.1.0.0/112", "10.0.0.0/8", True),
        ("10.1.0.0/16", "::/0", False),
        ("::/0", "0.0.0.0/0", False),
    ],
)
def test_a_network_is_within_another_or_not(inner: str, outer: str, within: bool) -> None:
    assert is_within(parse_network(inner), [parse_network(outer)]) is within
