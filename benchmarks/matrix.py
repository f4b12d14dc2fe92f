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

from benchmarks.engine.rig import Rig, open_rig, run_apart
from benchmarks.engine.scale import report, scaled

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
        times = scaled(TIMES_LARGER, least=2)
        _report_weight(url)
        took_ms, trivial_ms = _click_all(with_trivial=True)
        _report_ratio(took_ms, trivial_ms)
        rows = _rows_shown()
        counts = _make_larger(rig, times)
        larger_ms, _ = _click_all(with_trivial=False)
        larger_rows = _rows_shown()
    ratios = {name: round(median(larger_ms[name]) / median(took_ms[name]), 2) for name in CLICKS}
    in_ms = {name: [round(median(took_ms[name]), 1), round(median(larger_ms[name]), 1)] for name in CLICKS}
    all_ratio = p95(_all(larger_ms)) / p95(_all(took_ms))
    baseline = {
        "multiplied": f"makes, with their models, facts, lines and entries, by {times}: {counts}",
        "p95_ms": [round(p95(_all(took_ms)), 1), round(p95(_all(larger_ms)), 1)],
        "ratios_of_medians": ratios,
        "medians_ms": in_ms,
        # A filter that few cars fulfil shows more rows when there are twenty times as many.
        "rows_shown": {name: [rows[name], larger_rows[name]] for name in CLICKS},
        "aim_below": 1.5,
    }
    report("matrix_20x", ratio=round(all_ratio, 2), unit="times", baseline=baseline, n=ROUNDS * len(CLICKS))


def _report_ratio(took_ms: dict[str, list[float]], trivial_ms: dict[str, list[float]]) -> None:
    baseline = {
        "p95_ms": round(p95(_all(took_ms)), 1),
        "trivial_p95_ms": round(p95(_all(trivial_ms)), 1),
        "medians_ms": {name: [round(median(took_ms[name]), 1), round(median(trivial_ms[name]), 1)] for name in CLICKS},
        "aim_below": 3,
    }
    ratio = p95(_all(took_ms)) / p95(_all(trivial_ms))
    report("matrix_vs_trivial_view", ratio=round(ratio, 2), unit="times", baseline=baseline, n=ROUNDS * len(CLICKS))


def _click_all(*, with_trivial: bool) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return what each click took in milliseconds, and what the trivial view took for the same rows; taking turns."""
    from compatibility import matrix_page

    took: dict[str, list[float]] = {name: [] for name in CLICKS}
    trivial: dict[str, list[float]] = {name: [] for name in CLICKS}
    with _trivial_views() if with_trivial else _none() as from_memory:
        for turn in range(WARM_UP + ROUNDS):
            for name, query in CLICKS.items():
                matrix_page._totals.clear()  # noqa: SLF001 - what the page keeps is not what is measured
                ms = _took_ms(f"{PATH}?{query}")
                memory_ms = _took_ms(f"/trivial/?{query}") if from_memory else 0
                if turn >= WARM_UP:
                    took[name].append(ms)
                    trivial[name].append(memory_ms)
    return took, trivial


def _took_ms(address: str) -> float:
    from django.test import Client

    client = Client(headers={"HX-Request": "true", "host": "localhost", "accept-encoding": "gzip"})
    began = time.perf_counter()
    answer = client.get(address)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"not a valid run: {address} answered {answer.status_code}")
    return took


def _rows_shown() -> dict[str, int]:
    from django.test import Client

    client = Client(headers={"HX-Request": "true", "host": "localhost"})
    return {name: client.get(f"{PATH}?{query}").content.count(b'<th scope="row">') for name, query in CLICKS.items()}


@contextmanager
def _none() -> Iterator[bool]:
    yield False


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
    """Multiply the makes with all that hangs on them; return what there is then."""
    with rig.admin() as connection:
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
