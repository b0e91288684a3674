"""Nothing goes to this machine or its network, however the address says it."""

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from inference.jobs.webhooks.public_address import is_public
from inference.jobs.webhooks.sending import Outcome, send, trusted_authorities
from inference.jobs.webhooks.target import UrlRefused, target_of
from tests.jobs.webhooks.receiver import Receiver, answering, receiving

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::7f00:1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.0.1",
    "172.32.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_a_private_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize(
    "url",
    [
        *(
            f"https://[{text}]/" if ":" in text else f"https://{text}/"
            for text in PRIVATE
            if "%" not in text
        ),
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://017700000001/",
        "https://0/",
        "https://127.0.0.1./",
        "https://\uff11\uff12\uff17.0.0.1/",  # other digits
        "https://localhost/",
        "https://LOCALHOST:8443/",
        "https://localhost./",
        "https://a.localhost/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "http://hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "gopher://hooks.example/",
        "javascript:alert(1)",
        "//hooks.example/",
        "hooks.example",
        "",
        "https://",
        "https:///path",
        "https://user:password@hooks.example/",
        "https://hooks.example@127.0.0.1/",
        "https://hooks.example/#fragment",
        "https://hooks.example:0x50/",
        "https://hooks.example:99999/",
        "https://hooks.example:0/",
        "https://hooks.example:-1/",
        "https://hooks .example/",
        "https://hooks.example\n.evil/",
        "https://hooks..example/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 130 + "example/",
        "https://[::1/",
        "https://[v1.x]/",
        "https://hooks.example\\@127.0.0.1/",
    ],
)
def test_an_address_that_goes_elsewhere_is_refused_when_it_is_named(url: str) -> None:
    with pytest.raises(UrlRefused):
        target_of(url)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://Hooks.Example", "https://hooks.example/"),
        ("https://hooks.example:443/a?b=c%20d", "https://hooks.example/a?b=c%20d"),
        ("https://hooks.example:8443/", "https://hooks.example:8443/"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443/"),
    ],
)
def test_an_address_is_kept_as_it_was_understood(url: str, kept: str) -> None:
    target = target_of(url)
    assert target.url == kept
    assert target_of(kept) == target


def test_the_settings_allow_what_they_name(settings: Settings) -> None:
    settings.WEBHOOKS_ALLOW_HTTP = True
    assert target_of("http://hooks.example/").origin == "http://hooks.example"
    with pytest.raises(UrlRefused):
        target_of("http://localhost/")
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    assert target_of("http://localhost/").host == "localhost"


Resolver = Callable[..., list[Any]]


def _entries(*addresses: str) -> Resolver:
    """Return a resolver that answers every name with these."""

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port))
            for family, address in zip(families, addresses, strict=True)
        ]

    return resolve


async def posted(url: str) -> Outcome:
    return await send(target_of(url), {}, b"{}")


@pytest.mark.parametrize(
    "addresses",
    [
        *([text] for text in PRIVATE),
        ["8.8.8.8", "127.0.0.1"],  # one of several is enough
        ["127.0.0.1", "8.8.8.8"],
    ],
)
async def test_a_name_that_resolves_to_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, addresses: list[str]
) -> None:
    settings.WEBHOOKS_ALLOW_HTTP = True
    with receiving(answering(200)) as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", _entries(*addresses))
        outcome = await posted(f"http://hooks.example:{receiver.port}/")
    assert (outcome.status, outcome.error) == (None, "address_refused")
    assert not receiver.received


async def test_a_name_that_has_no_address_is_refused_in_the_same_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert (await posted("https://hooks.example/")).error == "address_refused"


async def test_a_name_that_changes_its_mind_is_asked_once_and_believed(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """DNS rebinding: what is looked at is what is connected to."""
    settings.WEBHOOKS_ALLOW_HTTP = settings.WEBHOOKS_ALLOW_PRIVATE = True
    with receiving(answering(200)) as first, receiving(answering(200)) as second:
        answers = [_entries("127.0.0.1"), _entries("127.0.0.2")]
        asked: list[str] = []

        def changing(host: str, port: int, *rest: Any, **options: Any) -> list[Any]:
            asked.append(host)
            return answers[min(len(asked), 2) - 1](host, port, *rest, **options)

        monkeypatch.setattr(socket, "getaddrinfo", changing)
        outcome = await posted(f"http://hooks.example:{first.port}/")
        assert outcome.is_success
        assert asked == ["hooks.example"]
        assert first.received[0].headers["host"] == f"hooks.example:{first.port}"
        # The next delivery asks anew, and judges anew: private is not allowed any more.
        settings.WEBHOOKS_ALLOW_PRIVATE = False
        outcome = await posted(f"http://hooks.example:{second.port}/")
        assert outcome.error == "address_refused"
        assert len(asked) == 2
        assert not second.received


async def test_where_one_address_does_not_answer_the_next_is_tried(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.WEBHOOKS_ALLOW_HTTP = settings.WEBHOOKS_ALLOW_PRIVATE = True
    with receiving(answering(200)) as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", _entries("127.0.0.9", "127.0.0.1"))
        outcome = await posted(f"http://hooks.example:{receiver.port}/")
    assert outcome.is_success


def _certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Return the file of a certificate of `name`, and a server's side of TLS that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([_alternative(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return file, context


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.fixture
def secure_receiver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Iterator[Receiver]:
    """A receiver with a trusted certificate of hooks.example, where every name leads."""
    settings.WEBHOOKS_ALLOW_PRIVATE = True
    file, context = _certificate(tmp_path, "hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    trusted_authorities.cache_clear()
    with receiving(answering(200), context) as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", _entries("127.0.0.1"))
        yield receiver
    trusted_authorities.cache_clear()


async def test_the_certificate_is_asked_for_and_checked_by_name(secure_receiver: Receiver) -> None:
    port = secure_receiver.port
    assert (await posted(f"https://hooks.example:{port}/")).is_success
    assert secure_receiver.received[0].headers["host"] == f"hooks.example:{port}"
    other = await posted(f"https://other.example:{port}/")
    assert (other.status, other.error) == (None, "certificate_refused")
    assert len(secure_receiver.received) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    secure_receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    trusted_authorities.cache_clear()
    outcome = await posted(f"https://hooks.example:{secure_receiver.port}/")
    assert (outcome.status, outcome.error) == (None, "certificate_refused")
    assert not secure_receiver.received
