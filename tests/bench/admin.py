"""The admin's lists on the history of this run: in every way that their links offer, as an administrator sees them."""

from __future__ import annotations

from tests.bench.bench import Bench, Numbers
from tests.bench.tally import percentile

MOST_QUERIES = 9
_SHOWN = 12


def lists_of_the_admin(bench: Bench) -> Numbers:
    webs = bench.webs
    assert webs is not None
    webs.run(webs.database, "-m", "tests.bench.office", "fill")
    rounds = "1" if bench.is_quick else "3"
    pages = webs.run(webs.database, "-m", "tests.bench.admin_pages", rounds)["pages"]
    by_time = sorted(pages, key=lambda page: page[2], reverse=True)
    bench.remark(f"{len(pages)} pages; the slowest, with their queries and ms on the server:")
    for name, queries, milliseconds, _processor, _url in by_time[:_SHOWN]:
        bench.remark(f"  {milliseconds:7.1f} ms {queries:3} queries  {name}")
    for name, queries, _milliseconds, _processor, url in pages:
        if queries > MOST_QUERIES and _is_list(url):
            bench.remark(f"  {queries} queries: {name} {url}")
    times = [page[2] for page in pages]
    return {
        "admin_p50": percentile(times, 50),
        "admin_slowest": max(times),
        "admin_slowest_processor": max(page[3] for page in pages),
        "admin_queries": max(page[1] for page in pages if _is_list(page[4])),
        "admin_queries_behind": max(page[1] for page in pages),
    }


def _is_list(url: str) -> bool:
    return url.partition("?")[0].count("/") == 4
