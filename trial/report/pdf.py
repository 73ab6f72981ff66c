"""A page of HTML to a tagged PDF (PDF/UA-1), from the same source and style sheet."""

from __future__ import annotations

import logging

from nightcramp.errors import UsageError

__all__ = ["page_to_pdf"]


def page_to_pdf(page: str) -> bytes:
    """Return a page as PDF/UA-1; nothing is fetched.

    Raises
    ------
    UsageError
        If WeasyPrint or the libraries it draws with are not installed.
    """
    try:
        import weasyprint  # noqa: PLC0415  (an extra)
        from weasyprint.urls import URLFetcher  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise UsageError(
            f"a PDF needs WeasyPrint and Pango, which cannot be loaded ({error}). Install the "
            "extra: pip install 'nightcramp[pdf]' (Debian also: apt-get install libpango-1.0-0 "
            "libpangoft2-1.0-0), or print report.html from a browser: it is laid out for A4"
        ) from error
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    fetcher = URLFetcher(allowed_protocols={"data"}, fail_on_errors=True)
    document = weasyprint.HTML(string=page, url_fetcher=fetcher)
    pdf: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
    return pdf
