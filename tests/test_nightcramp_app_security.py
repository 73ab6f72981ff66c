"""Who may use the page: whoever was shown its address, from this computer, from the page itself."""

import json
import stat

import pytest
from starlette.testclient import TestClient

from nightcramp.app import AppSettings, create_app
from nightcramp.app.page_key import KEY_NAME, PageKey, read_key, write_key
from nightcramp.app.security import COOKIE, LARGEST_BODY, csrf_of, session_of

TOKEN = "a-token-for-tests"  # noqa: S105
HERE = "http://127.0.0.1"
PAGES = ("/", "/evening", "/evening/live", "/evening/trace", "/night", "/night/state", "/morning",
         "/review/")  # fmt: skip
FORMS = ("/evening/look", "/evening/choose", "/evening/forget", "/evening/setup", "/evening/begin",
         "/night/mark", "/night/end", "/night/go-on", "/morning/diary")  # fmt: skip


@pytest.fixture
def app(tmp_path):
    return create_app(AppSettings(tmp_path, token=TOKEN))


@pytest.fixture
def stranger(app):
    return TestClient(app, base_url=HERE, follow_redirects=False)


@pytest.fixture
def client(app):
    client = TestClient(app, base_url=HERE, follow_redirects=False)
    client.get("/", params={"token": TOKEN})
    return client


def rightly(**changes):
    headers = {"origin": HERE, "x_csrf_token": csrf_of(TOKEN), **changes}
    return {name.replace("_", "-"): value for name, value in headers.items() if value is not None}


@pytest.mark.parametrize("path", PAGES)
def test_without_the_token_no_page_is_shown(stranger, path):
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "open the page anew" in answer.text
    assert csrf_of(TOKEN) not in answer.text


@pytest.mark.parametrize("token", ["", "wrong", "ä", TOKEN + "x", TOKEN[:-1]])
def test_a_wrong_token_gets_no_cookie(stranger, token):
    answer = stranger.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(stranger):
    answer = stranger.get("/morning", params={"token": TOKEN, "say": "saved"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/morning?say=saved")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert stranger.get("/morning").status_code == 200


@pytest.mark.parametrize("cookie", ["wrong", "é", TOKEN, session_of("another")])
def test_a_forged_cookie_is_refused(stranger, cookie):
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())]
    assert stranger.get("/evening", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.7", "", "[::1", "127.0.0.1@evil"]
)
def test_another_name_for_this_computer_is_refused_even_with_the_token(client, host):
    answer = client.get("/evening", params={"token": TOKEN}, headers={"host": host})
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "localhost:1", "[::1]:8765"])
def test_the_names_of_this_computer_lead_to_the_page(client, host):
    assert client.get("/evening", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1"},
        {"origin": None},
        {"origin": None, "sec_fetch_site": "cross-site"},
        {"origin": None, "sec_fetch_site": "same-site"},
        {"x_csrf_token": None},
        {"x_csrf_token": "wrong"},
        {"x_csrf_token": session_of(TOKEN)},
    ],
)
def test_what_changes_something_must_come_from_the_page_itself(client, path, changes):
    assert client.post(path, headers=rightly(**changes)).status_code == 403


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_the_cookie_is_refused(stranger, path):
    assert stranger.post(path, headers=rightly()).status_code == 401


def test_the_token_in_a_form_does_as_well_as_in_a_header(client):
    form = {"csrf": csrf_of(TOKEN), "stamp": "0"}
    headers = rightly(x_csrf_token=None)
    assert client.post("/evening/forget", data=form, headers=headers).status_code == 303
    form["csrf"] = "wrong"
    assert client.post("/evening/forget", data=form, headers=headers).status_code == 403


def test_a_form_keeps_its_fields_behind_the_check(client):
    form = {"csrf": csrf_of(TOKEN), "sensor": "no-such@AA", "leg": "left", "participant": "P1"}
    answer = client.post("/evening/choose", data=form, headers=rightly(x_csrf_token=None))
    assert answer.status_code == 422
    form["sensor"], form["leg"] = "myo@AA name", "both"
    answer = client.post("/evening/choose", data=form, headers=rightly(x_csrf_token=None))
    assert "left or right" in answer.text


def test_a_body_larger_than_any_form_is_not_taken(client):
    body = b"a=" + b"x" * LARGEST_BODY
    assert client.post("/evening/forget", content=body, headers=rightly()).status_code == 413


@pytest.mark.parametrize("path", ["/evening", "/night/state", "/no-such-page", "/static/app.js"])
def test_every_answer_forbids_what_no_page_of_ours_needs(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_pages_are_not_kept_by_the_browser(client):
    assert client.get("/evening").headers["cache-control"] == "no-store"


def test_static_files_lead_nowhere_else(client):
    for path in ("/static/../settings.py", "/static/%2e%2e/settings.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404


def test_the_key_of_a_folder_is_for_its_owner_only(tmp_path):
    write_key(tmp_path, PageKey("secret", 8765))
    path = tmp_path / KEY_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(tmp_path) == PageKey("secret", 8765)
    path.chmod(0o644)
    assert read_key(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", json.dumps({"token": "x", "port": "many"})])
def test_a_damaged_key_is_made_anew(tmp_path, content):
    path = tmp_path / KEY_NAME
    path.write_text(content)
    path.chmod(0o600)
    assert read_key(tmp_path) is None


def test_the_token_is_not_shown_by_the_settings(tmp_path):
    assert TOKEN not in repr(AppSettings(tmp_path, token=TOKEN))
