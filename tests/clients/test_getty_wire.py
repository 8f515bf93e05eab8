"""What goes over the line, byte by byte: headers, redirects, odd answers of a host that is none of ours."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from include.clients.exchange import Patience
from include.clients.getty import Credentials, Getty, Wire
from include.clients.getty.delivery import filename_of
from include.clients.getty.errors import AmbiguousDownload, GettyError, KeyRefused, NotEnabled, Throttled
from include.clients.getty.model import DownloadLink
from include.errors import CapabilityMissing, ConfigurationError, LoginRefused, PermanentError, TransientError
from tests.clients.tenant import Reply, Waits, served

TOKEN = {"access_token": "T0k3n", "token_type": "Bearer", "expires_in": "1800"}


@dataclass
class Host:
    """Answers tokens by itself, then what it is given, then an empty object; keeps what it was asked."""

    answers: list[Reply] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    token: Any = field(default_factory=lambda: dict(TOKEN))

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        self.asked.append((method, target, {name.lower(): value for name, value in headers.items()}, body))
        if target == "/token":
            return Reply(200, json.dumps(self.token).encode())
        return self.answers.pop(0) if self.answers else Reply(200, b"{}")

    @property
    def calls(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        return [one for one in self.asked if one[1] != "/token"]


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def address(host: Host) -> Iterator[str]:
    with served(host.answer) as address:
        yield address


@pytest.fixture
def elsewhere() -> Host:
    return Host()


@pytest.fixture
def other(elsewhere: Host) -> Iterator[str]:
    with served(elsewhere.answer) as address:
        yield address


def wire_to(address: str, **settings: Any) -> Wire:
    settings = {"patience": Patience(tries=2, first=0.1), "sleep": Waits()} | settings
    return Wire(Credentials("the-key", "the-secret"), address=address, tokens=f"{address}/token", **settings)


def product_list(*rows: Any) -> Reply:
    return Reply(200, json.dumps({"products": list(rows)}).encode())


def test_key_and_token_go_out_on_every_call_and_lists_are_joined_by_commas(host, address):
    client = Getty(wire_to(address, country="GBR", language="en-GB"))
    host.answers = [Reply(200, b'{"result_count": 0, "images": []}'), product_list()]
    list(client.search_creative("  a  house ", fields=["id", "title"], orientations=["vertical", "square"]))
    client.products()
    (_, search, first, _), (_, _, second, _) = host.calls
    assert search == ("/v3/search/images/creative?phrase=a+house&fields=id%2Ctitle&orientations=vertical%2Csquare&page=1&page_size=100")
    for headers in (first, second):
        assert (headers["api-key"], headers["authorization"], headers["accept-language"]) == ("the-key", "Bearer T0k3n", "en-GB")
    assert first["gi-country-code"] == "GBR"
    assert "gi-country-code" not in second, "searches only"


def test_the_secret_goes_to_the_token_host_alone_in_a_form(host, address):
    wire_to(address).json("GET", "/v3/products")
    (method, path, headers, body), *others = host.asked
    assert (method, path, headers["content-type"]) == ("POST", "/token", "application/x-www-form-urlencoded")
    assert body == b"client_id=the-key&client_secret=the-secret&grant_type=client_credentials"
    assert "api-key" not in headers
    assert not any("the-secret" in str(one) for one in others)


def test_countries_need_no_token(host, address):
    host.answers = [Reply(200, b'{"countries": [{"name": "Norway", "iso_alpha_2": "NO", "iso_alpha_3": "NOR"}]}')]
    assert Getty(wire_to(address)).countries()[0].alpha_2 == "NO"
    assert len(host.asked) == 1


def test_netrc_does_not_replace_the_token(host, address, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1\nlogin me\npassword hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    wire_to(address).json("GET", "/v3/products")
    assert host.calls[0][2]["authorization"] == "Bearer T0k3n"
    assert "authorization" not in host.asked[0][2]


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_redirect_within_the_api_is_followed_with_the_key(host, address, status):
    host.answers = [Reply(status, headers={"Location": "/v3/moved?x=1"}), Reply(200, b'{"products": []}')]
    assert Getty(wire_to(address)).products() == ()
    assert [(one[0], one[1]) for one in host.calls] == [("GET", "/v3/products?fields=download_requirements"), ("GET", "/v3/moved?x=1")]
    assert host.calls[1][2]["api-key"] == "the-key"


def test_a_redirect_to_another_host_is_followed_without_key_and_token(host, address, elsewhere, other):
    host.answers = [Reply(302, headers={"Location": f"{other}/somewhere"})]
    elsewhere.answers = [Reply(200, b'{"products": []}')]
    assert Getty(wire_to(address)).products() == ()
    [(_, _, headers, _)] = elsewhere.asked
    assert not {"api-key", "authorization", "cookie"} & set(headers)


def test_redirects_without_an_end_or_to_nowhere_are_refused(host, address):
    host.answers = [Reply(302, headers={"Location": "/v3/again"})] * 9
    with pytest.raises(PermanentError, match="without an end"):
        wire_to(address).json("GET", "/v3/products")
    host.answers = [Reply(302, headers={"Location": "file:///etc/passwd"})]
    with pytest.raises(PermanentError, match="nowhere safe"):
        wire_to(address).json("GET", "/v3/products")


def test_the_token_request_is_never_redirected(host, address, elsewhere, other):
    wire = Wire(Credentials("k", "the-secret"), address=address, tokens=f"{address}/moved", sleep=Waits())
    host.answers = [Reply(307, headers={"Location": f"{other}/token"})]
    with pytest.raises(ConfigurationError, match="the token host moved"):
        wire.json("GET", "/v3/products")
    assert elsewhere.asked == []


def test_a_download_that_redirects_gives_the_address_without_going_there(host, address, elsewhere, other):
    host.answers = [Reply(303, headers={"Location": f"{other}/file"})]
    link = Getty(wire_to(address)).create_download("1", product_type="premiumaccess", product_id="7", notes="n", project_code="P1")
    assert link.uri == f"{other}/file"
    [(method, path, _, body)] = host.calls
    assert (method, path) == ("POST", "/v3/downloads/images/1?auto_download=false&product_type=premiumaccess&product_id=7")
    assert json.loads(body) == {"download_notes": "n", "project_code": "P1"}
    assert elsewhere.asked == []


@pytest.mark.parametrize("body", [b"", b"{}", b'{"uri": 7}', b'{"uri": "ftp://x.example/f"}', b"<html>", b"[" * 100_000])
def test_a_download_without_an_address_is_of_unknown_end(host, address, body):
    host.answers = [Reply(200, body)]
    with pytest.raises(AmbiguousDownload):
        Getty(wire_to(address)).create_download("1", product_type="premiumaccess", product_id="7", notes="n")
    assert len(host.calls) == 1


def test_the_file_comes_without_credentials_through_redirects(host, address, elsewhere, other):
    host.answers = [Reply(302, headers={"Location": f"{other}/file", "Set-Cookie": "a=b"})]
    told = {"Content-Disposition": 'attachment; filename="../../Getty Images-1.jpg"', "Content-Type": "image/jpeg; x=y"}
    elsewhere.answers = [Reply(200, b"12345", told)]
    file = io.BytesIO()
    fetched = Getty(wire_to(address)).fetch(DownloadLink("1", f"{address}/link"), file)
    assert (file.getvalue(), fetched.filename, fetched.media_type) == (b"12345", "Getty Images-1.jpg", "image/jpeg")
    for _, _, headers, _ in [*host.asked, *elsewhere.asked]:
        assert not {"api-key", "authorization", "cookie"} & set(headers)


def test_a_file_of_no_bytes_is_no_file(host, address):
    host.answers = [Reply(200), Reply(200)]
    with pytest.raises(TransientError, match="0 bytes came of 0"):
        Getty(wire_to(address)).fetch(DownloadLink("1", f"{address}/link"), io.BytesIO())


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("attachment; filename=GettyImages-1167612765.jpg", "GettyImages-1167612765.jpg"),
        ('attachment; filename="a b.jpg"; size=3', "a b.jpg"),
        ("attachment; filename=x.jpg; filename*=UTF-8''caf%C3%A9.jpg", "café.jpg"),
        ('attachment; filename="..\\..\\evil\x00.jpg"', "evil.jpg"),
        ("attachment; filename=..", ""),
        ("attachment", ""),
        ("", ""),
    ],
)
def test_file_names_are_the_last_part_alone(told, name):
    assert filename_of({"Content-Disposition": told}) == name


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (Reply(403, b'{"message": "Forbidden"}'), NotEnabled, ""),
        (Reply(403, b'{"ErrorCode": "InsufficientPermissions", "ErrorMessage": "x"}'), NotEnabled, "InsufficientPermissions"),
        (Reply(403, b""), NotEnabled, ""),
        (Reply(401, b"<html>"), KeyRefused, ""),
        (Reply(400, b'{"errorCode": "InvalidParameterValue"}'), GettyError, "InvalidParameterValue"),
        (Reply(400, b'{"ErrorCode": "the-secret is bad"}'), GettyError, ""),
        (Reply(403, b"", {"X-Error-Detail": "Account Over Queries Per Second Limit"}), Throttled, ""),
        (Reply(429, b'{"message": "Too Many Requests"}'), Throttled, ""),
    ],
)
def test_both_shapes_of_refusal_and_none_at_all(host, address, reply, kind, code):
    host.answers = [reply] * 4
    with pytest.raises(kind) as raised:
        wire_to(address).json("GET", "/v3/products", {"phrase": "the-query"})
    assert (raised.value.code, raised.value.status) == (code, reply.status)
    assert "GET /v3/products" in str(raised.value)
    assert not any(word in str(raised.value) for word in ("the-query", "the-secret", "the-key", "T0k3n"))


def test_the_classes_decide_about_retries():
    assert issubclass(KeyRefused, LoginRefused)
    assert issubclass(NotEnabled, CapabilityMissing)
    assert issubclass(Throttled, TransientError)
    assert issubclass(AmbiguousDownload, PermanentError)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b"<html>Log in</html>"])
def test_what_is_no_json_is_asked_for_again(host, address, body):
    host.answers = [Reply(200, body), product_list({"id": 7, "download_limit": "50", "brand_new": {"a": 1}})]
    [product] = Getty(wire_to(address)).products()
    assert (product.id, product.download_limit, product.status, product.expires_at) == ("7", 50, None, None)


@pytest.mark.parametrize("reply", [b"[]", b'{"products": {}}', b'"x"', b"null"])
def test_an_answer_of_another_shape_is_an_error_and_no_empty_list(host, address, reply):
    host.answers = [Reply(200, reply)]
    with pytest.raises(TransientError, match="the reply"):
        Getty(wire_to(address)).products()


@pytest.mark.parametrize("token", [{}, [], {"access_token": ""}, {"access_token": "a b"}, {"access_token": 5}])
def test_an_answer_without_a_token_is_no_log_in(host, address, token):
    host.token = token
    with pytest.raises(TransientError, match="holds no token"):
        wire_to(address).json("GET", "/v3/products")
    assert host.calls == []


@pytest.mark.parametrize("expires", [None, "soon", -5, 0])
def test_a_token_of_unknown_length_is_used_once(host, address, expires):
    host.token = TOKEN | {"expires_in": expires}
    wire = wire_to(address)
    for _ in range(2):
        wire.json("GET", "/v3/products")
    assert len(host.asked) - len(host.calls) == 2


def test_a_host_that_ignores_the_page_is_found_out(host, address):
    page = json.dumps({"result_count": 500, "images": [{"id": "1"}]}).encode()
    host.answers = [Reply(200, page), Reply(200, page)]
    with pytest.raises(PermanentError, match="page 2 is page 1 again"):
        list(Getty(wire_to(address)).search_creative("sea", page_size=1))


def test_without_a_total_a_short_page_is_the_last(host, address):
    host.answers = [Reply(200, json.dumps({"images": [{"id": str(n)} for n in ids]}).encode()) for ids in ([1, 2], [3])]
    pages = list(Getty(wire_to(address)).search_creative("sea", page_size=2))
    assert [image.id for page in pages for image in page.images] == ["1", "2", "3"]
    assert len(host.calls) == 2


def test_images_that_the_answer_forgets_are_neither_found_nor_missing(host, address):
    host.answers = [Reply(200, b'{"images": [{"id": "1"}, {"title": "no id"}, {"id": "99"}], "images_not_found": ["2"]}')]
    [found] = Getty(wire_to(address)).images(["1", "2", "3"])
    assert [one.id for one in found.images] == ["1"]
    assert (found.not_found, found.unanswered) == (("2",), ("3",))
    host.answers = [Reply(200, b'{"images": []}')]
    with pytest.raises(TransientError, match="neither as found nor as missing"):
        Getty(wire_to(address)).image("3")


def test_requests_keep_their_distance_where_the_key_has_a_known_limit(host, address):
    waits, now = Waits(), [50.0]
    wire = wire_to(address, sleep=waits, clock=lambda: now[0], pace=2.0)
    for _ in range(3):
        wire.json("GET", "/v3/countries", token=False)
    assert waits.seconds == [2.0, 4.0]


def test_a_dribbling_answer_is_given_up(host, address):
    host.answers = [Reply(200, b"{" + b" " * 100, dribble=0.05), product_list()]
    assert Getty(wire_to(address, timeout=1.5)).products() == ()


@pytest.mark.parametrize(("key", "secret"), [("", "s"), ("k", ""), ("k k", "s"), ("k", "s\n"), ("ключ", "s")])
def test_keys_that_can_t_be_sent_are_refused_at_once(key, secret):
    with pytest.raises(ConfigurationError, match="is empty or holds blanks"):
        Wire(Credentials(key, secret))


@pytest.mark.parametrize("address", ["", "api.gettyimages.com", "ftp://api.gettyimages.com", "https://"])
def test_addresses_that_are_none_are_refused_at_once(address):
    with pytest.raises(ConfigurationError, match="not an http"):
        Wire(Credentials("k", "s"), address=address)


def test_a_history_that_ends_early_is_no_whole_history(host, address):
    host.answers = [Reply(200, b'{"result_count": 3, "downloads": [{"id": "1"}]}'), Reply(400, b'{"ErrorCode": "InvalidPage"}')]
    pages = Getty(wire_to(address)).downloads(date(2026, 11, 1), date(2026, 11, 21))
    assert next(pages)[0].asset_id == "1"
    with pytest.raises(TransientError, match="1 rows came of 3"):
        next(pages)


def test_rows_without_an_id_are_told_in_the_log(host, address, caplog):
    host.answers = [Reply(200, b'{"result_count": 2, "downloads": [{"id": "1"}, {"notes": "lost"}]}')]
    assert len(list(Getty(wire_to(address)).downloads(date(2026, 11, 1), date(2026, 11, 21)))) == 1
    assert "1 of 2 rows have no id" in caplog.text
