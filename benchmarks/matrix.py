"""The matrix of compatibility: what a click on a filter costs, how that grows with the data, and what the page weighs.

Run `python -m benchmarks matrix`. `matrix_vs_trivial_view` is the answer to a click against a view that draws the same
rows from memory with the same template; `matrix_20x` is the same clicks with twenty times the makes, and with them
models, facts, lines and entries. All in this process, through all middleware; counts that the page keeps are forgotten
before every click, as if nobody had asked for them yet. `matrix_page_kb` is what a first visit to fifty rows sends.
"""

import gzip
import http.client
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from types import ModuleType
from typing import Any

import psycopg
from django.db import connections

from benchmarks.engine.rig import Rig, open_rig, run_apart
from benchmarks.engine.scale import report, scaled
from fleet.run import databases

LARGER = "fleetwell_larger"
TIMES_LARGER = 20
ROUNDS, WARM_UP = 20, 2
# What people click: nothing yet, a country, a make, an engine, one command, two, only without a condition, rare things.
CLICKS = {
    "nothing": "country=any",
    "country": "country=DE",
    "make": "country=DE&make=volkswagen",
    "engine": "country=DE&engine=BEV&engine=PHEV",
    "command": "country=DE&command=unlock",
    "without a condition": "country=DE&command=lock&command=unlock&support=full",
    "everywhere": "country=any&command=unlock&support=full",
    "rare command": "country=US&command=set_pin",
    "provider": "country=US&provider=tesla",
    "years": "country=NO&year_from=2019&year_to=2022",
    "all columns": "country=DE&columns=all",
    "second page": "country=DE&page=2",
}
PATH = "/compatibility/"
MAKE_LARGER = """
INSERT INTO compatibility_carline (make, make_key, model, model_key, engine, year_from, year_to, is_named)
SELECT make || ' ' || n, make_key || n, model, model_key, engine, year_from, year_to, is_named
FROM compatibility_carline CROSS JOIN generate_series(2, %(times)s) n ORDER BY make_key || n, id;
INSERT INTO compatibility_lineentry (line_id, provider, countries, supports, fact_ids)
SELECT new.id, e.provider, e.countries, e.supports, e.fact_ids
FROM compatibility_carline old JOIN compatibility_lineentry e ON e.line_id = old.id
CROSS JOIN generate_series(2, %(times)s) n
JOIN compatibility_carline new ON new.make_key = old.make_key || n AND new.model_key = old.model_key
    AND new.engine = old.engine AND new.year_from IS NOT DISTINCT FROM old.year_from
WHERE old.id <= %(last)s;
INSERT INTO compatibility_fact (provider, make, model, year_from, year_to, engine, countries, ability, support,
    condition, as_of, source, loaded_id)
SELECT provider, make || ' ' || n, model, year_from, year_to, engine, countries, ability, support, condition, as_of,
    source, loaded_id
FROM compatibility_fact CROSS JOIN generate_series(2, %(times)s) n;
INSERT INTO compatibility_dataload (digest, facts, added, ended, is_first) VALUES ('larger', 0, 0, 0, false);
"""


def main() -> None:
    run_apart("benchmarks.matrix")


def measure() -> None:
    with open_rig() as rig:
        url = rig.start_web()  # which also collects the static files that a page names
        from compatibility.loading import load  # these need Django, which the rig has set up
        from compatibility.reading import read_data

        load(read_data())
        _report_weight(url)
        took_ms, trivial_ms = _click_beside_trivial()
        _report_ratio(took_ms, trivial_ms)
        times = scaled(TIMES_LARGER, least=2)
        counts = _make_larger(rig, times)
        small_ms, larger_ms, rows = _click_both()
    medians = {name: [round(median(each[name]), 1) for each in (small_ms, larger_ms)] for name in CLICKS}
    p95_ms = [p95(_all(small_ms)), p95(_all(larger_ms))]
    baseline = {
        "multiplied": f"makes, with their models, facts, lines and entries, by {times}: {counts}",
        "p95_ms": [round(ms, 1) for ms in p95_ms],
        "ratios_of_medians": {name: round(larger / small, 2) for name, (small, larger) in medians.items()},
        "medians_ms": medians,
        # A filter that few cars fulfil shows more rows when there are twenty times as many.
        "rows_shown": rows,
        "aim_below": 1.5,
    }
    report("matrix_20x", ratio=round(p95_ms[1] / p95_ms[0], 2), unit="times", baseline=baseline, n=_clicks())


def _clicks() -> int:
    return ROUNDS * len(CLICKS)


def _report_ratio(took_ms: dict[str, list[float]], trivial_ms: dict[str, list[float]]) -> None:
    baseline = {
        "p95_ms": round(p95(_all(took_ms)), 1),
        "trivial_p95_ms": round(p95(_all(trivial_ms)), 1),
        "medians_ms": {name: [round(median(took_ms[name]), 1), round(median(trivial_ms[name]), 1)] for name in CLICKS},
        "aim_below": 3,
    }
    ratio = p95(_all(took_ms)) / p95(_all(trivial_ms))
    report("matrix_vs_trivial_view", ratio=round(ratio, 2), unit="times", baseline=baseline, n=_clicks())


def _click_beside_trivial() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return what each click took in milliseconds, and what the trivial view took for the same rows; taking turns."""
    took: dict[str, list[float]] = {name: [] for name in CLICKS}
    trivial: dict[str, list[float]] = {name: [] for name in CLICKS}
    with _trivial_views():
        for turn in range(WARM_UP + ROUNDS):
            for name, query in CLICKS.items():
                ms, memory_ms = _took_ms(f"{PATH}?{query}"), _took_ms(f"/trivial/?{query}")
                if turn >= WARM_UP:
                    took[name].append(ms)
                    trivial[name].append(memory_ms)
    return took, trivial


def _click_both() -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, list[int]]]:
    """Return what each click took with the data as it is and with the larger, taking turns, and the rows it showed."""
    from compatibility import catalog

    took: list[dict[str, list[float]]] = [{name: [] for name in CLICKS} for _ in range(2)]
    rows: dict[str, list[int]] = {name: [0, 0] for name in CLICKS}
    kept: list[Any] = [catalog._kept, ((0, ""), catalog.Catalog())]  # noqa: SLF001 - what each of them would have kept
    with _connections() as both:
        for turn in range(WARM_UP + ROUNDS):
            for name, query in CLICKS.items():
                for place, connection in enumerate(both):
                    connections["default"] = connection
                    catalog._kept = kept[place]  # noqa: SLF001
                    ms = _took_ms(f"{PATH}?{query}")
                    kept[place] = catalog._kept  # noqa: SLF001
                    if turn >= WARM_UP:
                        took[place][name].append(ms)
                    else:
                        rows[name][place] = _rows_shown(query)
    return took[0], took[1], rows


@contextmanager
def _connections() -> Iterator[list[Any]]:
    """Give a connection to the data as it is and one to the larger; the product's own pool is left as it was."""
    before = connections["default"]
    both = [connections.create_connection("default") for _ in range(2)]
    for connection, name in zip(both, (before.settings_dict["NAME"], LARGER), strict=True):
        options = {key: value for key, value in before.settings_dict["OPTIONS"].items() if key != "pool"}
        connection.settings_dict = before.settings_dict | {"NAME": name, "OPTIONS": options, "CONN_MAX_AGE": None}
    yield both
    for connection in both:
        connection.close()
    connections["default"] = before


def _rows_shown(query: str) -> int:
    from django.test import Client

    client = Client(headers={"HX-Request": "true", "host": "localhost"})
    return client.get(f"{PATH}?{query}").content.count(b'<th scope="row">')


def _took_ms(address: str) -> float:
    from django.test import Client

    from compatibility import matrix_page

    matrix_page._totals.clear()  # noqa: SLF001 - what the page keeps is not what is measured
    client = Client(headers={"HX-Request": "true", "host": "localhost", "accept-encoding": "gzip"})
    began = time.perf_counter()
    answer = client.get(address)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"not a valid run: {address} answered {answer.status_code}")
    return took


@contextmanager
def _trivial_views() -> Iterator[bool]:
    """Add /trivial/: draws the rows that a click shows, from memory, with the page's own template."""
    from django.conf import settings
    from django.http import HttpRequest, HttpResponse
    from django.template.loader import render_to_string
    from django.urls import clear_url_caches, include, path
    from django.views.decorators.gzip import gzip_page

    pages = {query: _page_of(query) for query in CLICKS.values()}

    @gzip_page
    def trivial(request: HttpRequest) -> HttpResponse:
        page = pages[request.META["QUERY_STRING"]]()
        return HttpResponse(render_to_string("compatibility/_matrix.html", {"page": page}))

    module: Any = ModuleType("benchmark_urls")
    module.urlpatterns = [path("trivial/", trivial), path("", include("fleet.urls"))]
    settings.ROOT_URLCONF = module
    clear_url_caches()
    yield True
    settings.ROOT_URLCONF = "fleet.urls"
    clear_url_caches()


def _page_of(query: str) -> Callable[[], Any]:
    """Return what makes the page of a query out of rows in memory: they are drawn anew each time, and nothing else."""
    from dataclasses import replace

    from django.http import QueryDict

    from compatibility.catalog import current_catalog
    from compatibility.filters import read_filter
    from compatibility.matrix import PAGE_SIZE, find_first_of_makes, find_lines, rows_of
    from compatibility.matrix_page import make_matrix_page
    from compatibility.table import draw_groups

    catalog, asked = current_catalog(), QueryDict(query)
    wanted = read_filter(asked, extra=("columns",), catalog=catalog)
    page = make_matrix_page(wanted, catalog, every_column="columns" in asked)
    offset = (wanted.page - 1) * PAGE_SIZE
    if wanted.make:
        lines = find_lines(wanted, limit=PAGE_SIZE, offset=offset)
    else:
        lines = find_first_of_makes(wanted, catalog, limit=PAGE_SIZE, offset=offset)
    rows = rows_of(lines, wanted, page.columns)
    return lambda: replace(page, groups=draw_groups(rows, wanted, page.columns, catalog))


def _make_larger(rig: Rig, times: int) -> str:
    """Copy the database, multiply the makes in it with all that hangs on them; return what there is then."""
    connections["default"].close()
    connections["default"].close_pool()
    rig.supervisor.stop()  # the web process, which would stand in the way of the copy
    databases.create_database(rig.postgres.url(), LARGER, template=databases.DATABASE)
    with psycopg.connect(rig.postgres.url(LARGER), autocommit=True) as connection:
        (last,) = connection.execute("SELECT max(id) FROM compatibility_carline").fetchone() or (0,)
        for statement in MAKE_LARGER.split(";\n"):
            connection.execute(statement.replace("%(times)s", str(times)).replace("%(last)s", str(last)))
        connection.execute("VACUUM ANALYZE compatibility_carline, compatibility_lineentry, compatibility_fact")
        counts = {
            table: (connection.execute(f"SELECT count(*) FROM compatibility_{table}").fetchone() or (0,))[0]  # noqa: S608
            for table in ("carline", "lineentry", "fact")
        }
    return ", ".join(f"{number} {table}" for table, number in counts.items())


def _report_weight(url: str) -> None:
    """Report what a first visit to fifty rows sends, compressed as it is sent: the page itself and all it names."""
    page = f"{PATH}?{CLICKS['country']}"
    html, html_bytes = _fetch(url, page)
    named = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', html))
    assets = {name: _fetch(url, name)[1] for name in sorted(named)}
    # The font that a text of Latin letters needs; the browser asks for no other file.
    by_kind = {
        kind: round(sum(size for name, size in assets.items() if name.endswith(kind)) / 1024, 1)
        for kind in (".css", ".js", ".svg", ".woff2")
    }
    rows = html.count('<th scope="row">')
    baseline = {
        "rows": rows,
        "html_kb": round(html_bytes / 1024, 1),
        "html_uncompressed_kb": round(len(html.encode()) / 1024, 1),
        "assets_kb": by_kind,
        "aim_below": 150,
    }
    total = (html_bytes + sum(assets.values())) / 1024
    report("matrix_page_kb", value=round(total, 1), unit="KiB", baseline=baseline, n=1)


def _fetch(url: str, path: str) -> tuple[str, int]:
    """Return a text and how many bytes came over the line."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"not a valid run: {path} answered {answer.status}")
    unpacked = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
    return unpacked.decode(errors="replace"), len(body)


def _all(took: dict[str, list[float]]) -> list[float]:
    return [ms for each in took.values() for ms in each]


def p95(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.95)]


if __name__ == "__main__":
    measure()
