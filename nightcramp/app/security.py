"""Who may use the page: whoever started it, from this computer, from the page itself.

Threats are other users of the computer, other pages in the same browser, and names that lead to
this computer (DNS rebinding). Against them stand a secret in the address that is exchanged for a
cookie (``HttpOnly``, ``SameSite=Strict``), the names the page may be called by, a check that what
changes something comes from the page itself (``Origin``, and a token in each form), and a content
security policy without anything inline (W3C CSP 3; OWASP, Cross-Site Request Forgery Prevention).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse

from nightcramp.app.pages import render

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from nightcramp.app.settings import AppSettings

COOKIE = "nightcramp"
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
LARGEST_BODY = 1 << 20
STATIC = "/static/"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_SAFE = ("GET", "HEAD")


def session_of(token: str) -> str:
    """Return what the cookie holds: it proves the token and does not tell it."""
    return _derived(token, "session")


def csrf_of(token: str) -> str:
    """Return what each form holds, and no other page can know."""
    return _derived(token, "csrf")


class Guard:
    """Lets a request through to the page, or says why not.

    Parameters
    ----------
    app : ASGIApp
    settings : AppSettings
    """

    def __init__(self, app: ASGIApp, settings: AppSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = self._refusal(request)
        if answer is None and request.method not in _SAFE:
            answer, receive = await self._check_form(request)
        await (answer or self._app)(scope, receive, _with_headers(send, scope["path"]))

    def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that may not come here, or brings the token."""
        if not self._is_called_right(request.headers):
            return _refuse(request, 421, "host")
        if request.url.path.startswith(STATIC) and request.method in _SAFE:
            return None
        token = request.query_params.get("token")
        if token is not None and request.method in _SAFE and self._is_token(token):
            return self._welcome(request)
        if not self._is_known(request):
            return _refuse(request, 401, "token")
        return None

    def _is_called_right(self, headers: Headers) -> bool:
        try:
            name = urlsplit(f"//{headers.get('host', '')}").hostname
        except ValueError:
            return False
        return name in self._settings.hosts

    def _is_token(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._settings.token.encode())

    def _is_known(self, request: Request) -> bool:
        shown = request.cookies.get(COOKIE, "")
        return hmac.compare_digest(shown.encode(), session_of(self._settings.token).encode())

    def _welcome(self, request: Request) -> Response:
        """Exchange the token for the cookie, and take it out of the address."""
        rest = request.url.remove_query_params("token")
        answer = RedirectResponse(rest.path + (f"?{rest.query}" if rest.query else ""), 303)
        answer.set_cookie(
            COOKIE, session_of(self._settings.token), httponly=True, samesite="strict", path="/"
        )
        return answer

    async def _check_form(self, request: Request) -> tuple[Response | None, Receive]:
        """Check that what changes something comes from a form of ours."""
        body = await _body(request)
        if body is None:
            return _refuse(request, 413, "large"), request.receive
        if not _is_from_here(request.headers):
            return _refuse(request, 403, "origin"), request.receive
        shown = request.headers.get(CSRF_HEADER) or _form_field(request.headers, body)
        if not hmac.compare_digest(shown.encode(), csrf_of(self._settings.token).encode()):
            return _refuse(request, 403, "csrf"), request.receive
        return None, _replayed(body, request.receive)


def _derived(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _is_from_here(headers: Headers) -> bool:
    """Whether the browser says that the page itself asks; one that says nothing is refused."""
    origin = headers.get("origin")
    if origin is not None:
        return origin == f"http://{headers.get('host', '')}"
    return headers.get("sec-fetch-site") == "same-origin"


async def _body(request: Request) -> bytes | None:
    """Return the body; None if it is larger than any form of ours."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _form_field(headers: Headers, body: bytes) -> str:
    if not headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=1000)
    return fields.get(CSRF_FIELD, [""])[0]


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body once more."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _with_headers(send: Send, path: str) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if not path.startswith(STATIC):
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers


def _refuse(request: Request, status: int, why: str) -> Response:
    """Say why not; the form token is not for whom it may concern."""
    return render(request, "refused.html.j2", status=status, why=why, csrf="")
