"""Follows every link that a page of ours shows, as somebody curious would, by GET only."""

from collections import Counter, deque
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from django.test import Client

MOST_PER_PATH = 3  # a list's filters multiply: some of each are enough
MOST_PAGES = 300


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [value for name in ("href", "data-href") if (value := given.get(name))]


def pages(client: Client, *starts: str, **headers: str) -> Iterator[tuple[str, Any]]:
    """Each address once, with the answer to it."""
    waiting, seen, of_path = deque(starts), set(starts), Counter[str]()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.popleft()
        response = client.get(address, headers=headers)
        yield address, response
        if "html" not in response.get("Content-Type", ""):
            continue
        links = Links()
        links.feed(response.content.decode())
        for link in links.found:
            there = urldefrag(urljoin(f"http://testserver{address}", link)).url
            place = urlsplit(there)
            path = place.path + (f"?{place.query}" if place.query else "")
            if place.netloc == "testserver" and not place.path.startswith("/static/") and path not in seen:
                of_path[place.path] += 1
                if of_path[place.path] <= MOST_PER_PATH:
                    seen.add(path)
                    waiting.append(path)


def text_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", errors="replace")
