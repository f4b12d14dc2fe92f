"""An owner at the pretend maker's pages, without a browser: reads the forms, fills them in, follows them."""

import http.client
import urllib.parse
from html.parser import HTMLParser

from tests.infrastructure.simulator import Account

Field = tuple[str, str]


class _Forms(HTMLParser):
    """Every form of a page with its address and its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, list[dict[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.forms.append((found.get("action") or "", []))
        elif tag == "input" and self.forms:
            self.forms[-1][1].append(found)


def allow(address: str, account: Account, *, scopes: set[str] | None = None) -> str:
    """Sign in, allow the scopes that are ticked (or only those given), and return where the maker sends us."""
    consent = _submit(address, _ask("GET", address), {"email": account.email, "password": account.password})
    return _submit(address, consent, {"decision": "allow"}, scopes=scopes)


def cancel(address: str, account: Account) -> str:
    consent = _submit(address, _ask("GET", address), {"email": account.email, "password": account.password})
    return _submit(address, consent, {"decision": "cancel"})


def query_of(address: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def _submit(address: str, page: str, values: dict[str, str], *, scopes: set[str] | None = None) -> str:
    """Send the first form of a page; return the next page, or the address that it redirects to."""
    reader = _Forms()
    reader.feed(page)
    action, inputs = reader.forms[0]
    fields: list[Field] = [*values.items()]
    for field in inputs:
        name, value = field.get("name") or "", field.get("value") or ""
        if field.get("type") == "checkbox":
            if value in scopes if scopes is not None else "checked" in field:
                fields.append((name, value))
        elif name not in values:
            fields.append((name, value))
    return _ask("POST", urllib.parse.urljoin(address, action), urllib.parse.urlencode(fields))


def _ask(method: str, address: str, body: str | None = None) -> str:
    """Return the page, or the address of a redirect: it leads to us, where the test goes with Django's client."""
    parts = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, f"{parts.path}?{parts.query}", body, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
    finally:
        connection.close()
    assert answer.status in {200, 302, 303}, f"{method} {address}: {answer.status} {page[:500]}"
    return answer.headers["Location"] if answer.status != 200 else page
