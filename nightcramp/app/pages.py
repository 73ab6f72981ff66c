"""Templates become pages."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from nightcramp.app.texts import LANGUAGE, day, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request


def render(
    request: Request,
    template: str,
    values: Mapping[str, object] = MappingProxyType({}),
    *,
    status: int = 200,
    **more: object,
) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    request : Request
    template : str
        Name in ``nightcramp/app/templates``; may use ``text``, ``day``, ``csrf``,
        ``path``, ``language``.
    values : mapping, optional
        For the template.
    status : int
        Of the response.
    **more
        Further values.
    """
    own = {
        "csrf": request.app.state.csrf,
        "path": request.url.path,
        "language": LANGUAGE,
    }
    content = _environment().get_template(template).render({**own, **values, **more})
    return HTMLResponse(content, status)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nightcramp.app"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(text=text, day=day)
    return environment
