"""The page before a maker's sign-in on which brokers ask for the make. The sign-in itself is authorize_pages'."""

from dataclasses import replace

from aiohttp import web

from simulator.authorize_pages import page, speak
from simulator.brands import BRANDS, Brand
from simulator.dialects.brokers import write_make
from simulator.pages import Markup, fill, render_look, words

_LOOK = Brand(
    key="",
    name="",
    account_name="",
    ink="#1d2433",
    paper="#f7f7fb",
    accent="#3b3bb3",
    on_accent="#ffffff",
    header="#ffffff",
    on_header="#1d2433",
    radius="10px",
    typeface="plain",
)


# Added to the page's own address by its way out.
CANCEL = {"decision": "cancel"}


def has_cancelled(request: web.Request) -> bool:
    return request.query.get("decision") == CANCEL["decision"]


def make_broker(*, prefix: str, name: str, account_name: str, accent: str) -> Brand:
    """Return the look of a broker's own pages; its style sheet is served below its prefix."""
    return replace(_LOOK, key=prefix.strip("/"), name=name, account_name=account_name, accent=accent)


def show_brands(request: web.Request, broker: Brand, *, client_name: str, parameter: str) -> web.Response:
    """Ask for the make: a link each to the same page with the make added."""
    language = speak(request)
    text = words(language)
    rows = [
        fill(
            "brand.html", {"href": str(request.rel_url.update_query({parameter: write_make(key)})), "name": brand.name}
        )
        for key, brand in sorted(BRANDS.items(), key=lambda pair: pair[1].name)
    ]
    body = fill(
        "brands.html",
        {
            "heading": text["brands_heading"],
            "lead": text["brands_lead"].format(client=client_name),
            "rows": Markup("\n".join(rows)),
            "cancel_action": str(request.rel_url.update_query(CANCEL)),
            "cancel": text["cancel"],
        },
    )
    return page(broker, language, text["brands_heading"], body)


def show_broker_look(broker: Brand) -> web.Response:
    return web.Response(text=render_look(broker), content_type="text/css", headers={"Cache-Control": "max-age=3600"})
