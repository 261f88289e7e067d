"""Which servers are believed, and what their answers are taken for."""

import hashlib
import ssl
import subprocess

import pytest
from acquire.fetching import CONTENT, get, names
from acquire.loopback import Loopback

from saccade.acquire.checksums import Wanted
from saccade.acquire.web_sources import Origin
from saccade.records import SaccadeError

SHA256 = {"sha256": hashlib.sha256(CONTENT).hexdigest()}
PAGE = b"\n<!DOCTYPE html><html><head><title>\nDrive - Virus scan\n warning</title></head></html>"


@pytest.fixture
def site():
    with Loopback({"a.zip": CONTENT, "page": PAGE, "list.html": PAGE}) as server:
        yield server


@pytest.mark.parametrize(
    "url, says",
    [
        ("ftp://files.invalid/a.zip", "only https:// addresses"),
        ("file:///etc/hostname", "only https:// addresses"),
        ("a.zip", "only https:// addresses"),
        ("https:///a.zip", "only https:// addresses"),
        ("http://[::1/a.zip", "no address"),
        ("http://files.invalid/a.zip", "plain http.*give the card the file's sha256"),
        ("http://127.0.0.1.files.invalid/a.zip", "plain http"),
    ],
)
def test_an_address_that_nobody_vouches_for_is_refused(tmp_path, url, says):
    with pytest.raises(SaccadeError, match=says):
        get(Wanted("a.zip", (url,)), tmp_path)


def test_plain_http_will_do_where_there_is_a_checksum_and_the_environments_proxy_is_asked(tmp_path, monkeypatch):
    address = "http://files.invalid/a.zip"
    with Loopback({address: CONTENT}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        assert get(Wanted("a.zip", (address,), hashes=SHA256), tmp_path).bytes == len(CONTENT)
        assert [asked.path for asked in proxy.asked] == [address]


def test_a_redirection_is_followed_and_resumed_from_the_first_address(site, tmp_path):
    for _ in range(2):
        site.fault("old", times=1, status=302, location="/a.zip")
    site.fault("a.zip", times=1, cut_after=len(CONTENT) // 2)
    assert get(Wanted("a.zip", (site.url("old"),)), tmp_path).url == site.url("old")
    assert [asked.path for asked in site.asked] == ["old", "a.zip", "old", "a.zip"]
    assert site.sent("a.zip") == len(CONTENT)


def test_a_redirection_to_plain_http_is_refused_without_a_checksum(site, tmp_path, monkeypatch):
    address = "http://files.invalid/a.zip"
    site.files = {address: CONTENT}
    monkeypatch.setenv("http_proxy", site.address)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site.fault("old", status=301, location=address)
    with pytest.raises(SaccadeError, match="plain http"):
        get(Wanted("a.zip", (site.url("old"),)), tmp_path)
    assert names(tmp_path) == []
    assert get(Wanted("a.zip", (site.url("old"),), hashes=SHA256), tmp_path).bytes == len(CONTENT)


@pytest.mark.parametrize("location", ["ftp://files.invalid/a.zip", "file:///etc/hostname", "/old"])
def test_a_redirection_to_nowhere_is_refused(site, tmp_path, location):
    site.fault("old", status=302, location=location)
    with pytest.raises(SaccadeError, match="No connection adapters|30 redirects"):
        get(Wanted("a.zip", (site.url("old"),)), tmp_path)


def test_a_page_in_place_of_a_file_is_known_by_its_beginning(site, tmp_path):
    with pytest.raises(SaccadeError, match="a web page, titled 'Drive - Virus scan.n warning', came in place"):
        get(Wanted("a.zip", (site.url("page"),)), tmp_path)
    assert names(tmp_path) == []


def test_a_page_in_place_of_a_file_is_known_by_its_type(site, tmp_path):
    site.fault("a.zip", content_type="text/HTML; charset=utf-8")
    with pytest.raises(SaccadeError, match="a web page came in place of the file.*in a browser"):
        get(Wanted("a.zip", (site.url("a.zip"),)), tmp_path)


def test_a_page_is_right_where_one_is_wanted(site, tmp_path):
    assert get(Wanted("lists/list.html", (site.url("list.html"),)), tmp_path).bytes == len(PAGE)


def test_a_missing_log_in_is_named(site, tmp_path):
    site.fault("a.zip", status=403)
    with pytest.raises(SaccadeError, match="403 Forbidden .a log-in or an agreement"):
        get(Wanted("a.zip", (site.url("a.zip"),)), tmp_path)


def test_who_asks_says_so_and_wants_the_bytes_as_they_are_stored(site, tmp_path):
    get(Wanted("a.zip", (site.url("a.zip"),)), tmp_path)
    headers = site.asked[0].headers
    assert headers["User-Agent"].startswith("saccade/") and headers["Accept-Encoding"] == "identity"


def test_a_certificate_must_be_vouched_for(site, tmp_path, monkeypatch):
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run([*made, *files, *subject], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl isn't here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    wanted = Wanted("a.zip", (site.url("a.zip").replace("http:", "https:"),), hashes=SHA256)
    with pytest.raises(SaccadeError, match="certificate can't be verified.*REQUESTS_CA_BUNDLE"):
        get(wanted, tmp_path / "downloads")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    assert get(wanted, tmp_path / "downloads").bytes == len(CONTENT)


@pytest.mark.parametrize(
    "origin, sign",
    [
        (Origin("u", '"a"', "Mon"), '"a"'),
        (Origin("u", 'W/"a"', "Mon"), "Mon"),
        (Origin("u", 'W/"a"'), ""),
    ],
)
def test_if_range_takes_no_weak_etag(origin, sign):
    assert origin.sign == sign
