"""Files: sent, listed, read and deleted, each by its owner alone and within bounds."""

import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live_web import LiveWeb, StartWeb

names = itertools.count()


def send(client: httpx.Client, content: bytes = b"hello", **form: Any) -> httpx.Response:
    headers = form.pop("headers", {})
    name = form.pop("name", "notes.txt")
    return client.post(
        "/v1/files",
        files={"file": (name, content)},
        data={"purpose": "user_data", **form},
        headers=headers,
    )


def sent(client: httpx.Client, content: bytes = b"hello", **form: Any) -> dict[str, Any]:
    answer = send(client, content, **form)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def contents(web: LiveWeb) -> list[Path]:
    """Return every file under FILES_DIR."""
    return [path for path in (web.folder / "files").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def web(start_web: StartWeb) -> Iterator[LiveWeb]:
    with start_web(
        MAX_UPLOAD_BYTES="3000000", MAX_FILES_PER_USER="20", MAX_FILE_BYTES_PER_USER="9000000"
    ) as web:
        yield web


@pytest.fixture
def client(web: LiveWeb) -> Iterator[httpx.Client]:
    with web.client() as client:
        yield client
        for file in client.get("/v1/files").json()["data"]:
            client.delete(f"/v1/files/{file['id']}")


def test_a_file_is_what_was_sent_under_a_name_made_here(web: LiveWeb, client: httpx.Client) -> None:
    file = sent(client, b"\x00\xff" * 1000, name="../../evil name\u00e9.txt")
    assert (file["object"], file["bytes"], file["purpose"]) == ("file", 2000, "user_data")
    assert file["filename"].endswith("evil name\u00e9.txt")
    assert "/" not in file["filename"]
    assert file["expires_at"] - file["created_at"] == 30 * 24 * 3600
    content = client.get(f"/v1/files/{file['id']}/content")
    assert content.content == b"\x00\xff" * 1000
    assert content.headers["content-disposition"] == "attachment"
    assert client.get(f"/v1/files/{file['id']}").json() == file
    (path,) = contents(web)
    assert path.name == file["id"].removeprefix("file-")
    assert path.stat().st_mode & 0o077 == 0


def test_a_large_one_goes_through_the_disk_and_leaves_nothing_else(
    web: LiveWeb, client: httpx.Client
) -> None:
    content = bytes(range(256)) * 11_000  # over what is kept in memory
    file = sent(client, content)
    assert client.get(f"/v1/files/{file['id']}/content").content == content
    assert len(contents(web)) == 1
    assert client.delete(f"/v1/files/{file['id']}").json()["deleted"] is True
    assert contents(web) == []
    assert client.get(f"/v1/files/{file['id']}").status_code == 404


def test_two_hundred_megabytes_are_refused_before_they_are_sent(web: LiveWeb) -> None:
    head = (
        f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {web.keys['ada']}\r\n"
        f"Content-Length: {200 * 1024 * 1024}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b" 413 " in answer.splitlines()[0]
    assert b'"code":"body_too_large"' in answer
    assert b"3000000" in answer


def test_one_that_hides_its_length_is_refused_and_forgotten(
    web: LiveWeb, client: httpx.Client
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(50):
            yield b" " * 100_000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/v1/files", content=pieces(), headers=headers).status_code == 413
    assert contents(web) == []


def test_nobody_else_finds_a_file(web: LiveWeb, client: httpx.Client) -> None:
    file = sent(client)
    for stranger in ("eve all", "root"):
        with web.client(stranger) as other:
            assert other.get("/v1/files").json()["data"] == []
            address = f"/v1/files/{file['id']}"
            answers = [other.get(address), other.get(f"{address}/content"), other.delete(address)]
            assert {answer.status_code for answer in answers} == {404}
            missing = other.get(f"/v1/files/file-{'0' * 32}").json()
            assert answers[0].json() == missing, "it is as if there were none"
    assert client.get(f"/v1/files/{file['id']}").status_code == 200


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"purpose": "fine-tune"}, "purpose"),
        ({"purpose": "batch_output"}, "purpose"),
        ({"content": b""}, "file"),
        ({"expires_after[seconds]": "60"}, "expires_after[seconds]"),
        ({"surprise": "1"}, "surprise"),
    ],
)
def test_what_is_wrong_is_named(client: httpx.Client, form: dict[str, Any], param: str) -> None:
    answer = send(client, **form)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param


def test_json_is_no_form(client: httpx.Client) -> None:
    assert client.post("/v1/files", json={"purpose": "batch"}).status_code == 415
    assert client.post("/v1/files", data={"purpose": "batch"}).status_code == 415
    broken = {"Content-Type": "multipart/form-data"}
    assert client.post("/v1/files", content=b"x", headers=broken).status_code == 400


def test_files_are_listed_by_pages_in_either_order(client: httpx.Client) -> None:
    made = [sent(client, purpose="batch" if n % 2 else "vision")["id"] for n in range(7)]
    for order in ("asc", "desc"):
        listed, after = list[str](), dict[str, str]()
        while True:
            page = client.get("/v1/files", params={"limit": 3, "order": order, **after}).json()
            assert (page["first_id"], page["last_id"]) == (
                page["data"][0]["id"],
                page["data"][-1]["id"],
            )
            listed += [file["id"] for file in page["data"]]
            after = {"after": page["last_id"]}
            if not page["has_more"]:
                break
        assert sorted(listed) == sorted(made)
        assert listed == sorted(made, reverse=order == "desc")
    only = client.get("/v1/files", params={"purpose": "batch"}).json()
    assert len(only["data"]) == 3
    for wrong in ({"after": "nonsense"}, {"limit": 0}, {"order": "up"}, {"page": 2}):
        assert client.get("/v1/files", params=wrong).status_code == 400


def test_a_user_has_so_many_files_and_bytes_and_no_more(client: httpx.Client) -> None:
    for _ in range(3):
        sent(client, b" " * 2_900_000)
    refused = send(client, b" " * 400_000)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "file_quota_exceeded")
    for _ in range(17):
        sent(client)
    refused = send(client)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "too_many_files")


def test_a_file_sent_twice_with_one_key_is_one_however_its_form_is_drawn(
    client: httpx.Client,
) -> None:
    headers = {"Idempotency-Key": f"upload-{next(names)}"}
    first, second = (send(client, b"same", headers=headers) for _ in range(2))
    assert first.request.headers["content-type"] != second.request.headers["content-type"]
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert send(client, b"other", headers=headers).status_code == 409
    assert len(client.get("/v1/files").json()["data"]) == 1


def test_an_expired_file_is_gone_before_it_is_cleaned_up(
    web: LiveWeb, client: httpx.Client
) -> None:
    form: dict[str, Any] = {
        "expires_after[anchor]": "created_at",
        "expires_after[seconds]": "3600",
    }
    file = sent(client, b"x", **form)
    assert file["expires_at"] - file["created_at"] == 3600
    web.sql("UPDATE jobs_file SET expires_at = '2020-01-01 00:00:00'")
    assert client.get(f"/v1/files/{file['id']}").status_code == 404
    assert client.get("/v1/files").json()["data"] == []
    web.sql("DELETE FROM jobs_file")
