"""People at a web page, without a browser: they log in, fill in forms and press Save."""

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    url: str
    text: str


class Person:
    """Nobody in particular, unless they log in."""

    def __init__(self, url, credentials=None):
        self.url, self.cookies = url, http.cookiejar.CookieJar()
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        self._opener = urllib.request.build_opener(*handlers)
        if credentials:
            email, password = credentials
            self.get("/admin/login/")
            answer = self.post("/admin/login/?next=/", username=email, password=password)
            assert "sessionid" in self.cookie_header, answer

    @property
    def cookie_header(self):
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)

    def get(self, path, **headers):
        return self._open(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path, **fields):
        data = urllib.parse.urlencode(fields, doseq=True).encode()
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "")
        return self._open(urllib.request.Request(self.url + path, data, {"X-CSRFToken": token}))

    def fields(self, path):
        page = self.get(path)
        assert page.status == 200, page
        return filled_in(page.text)

    def save(self, path, **changes):
        """Opens a form of the administration, changes some fields, presses Save."""
        fields = {**self.fields(path), **changes, "_save": "Save"}
        answer = self.post(path, **{name: value for name, value in fields.items() if value is not None})
        assert answer.url != self.url + path, f"not saved: {_errors(answer.text)}"
        return answer

    def delete(self, path):
        answer = self.post(path, post="yes")
        assert answer.url != self.url + path, "not deleted"

    def _open(self, request):
        try:
            with self._opener.open(request, timeout=10) as response:
                return Answer(response.status, response.url, response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.url, error.read().decode())


def filled_in(page):
    """What the main form of an admin page would send if somebody only pressed Save."""
    form = _Form()
    form.feed(page)
    return form.fields


class _Form(HTMLParser):
    def __init__(self):
        super().__init__()
        self.fields, self._is_inside, self._name, self._text = {}, False, None, None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self._is_inside = attributes.get("id", "").endswith("_form")
        elif not self._is_inside:
            return
        name = attributes.get("name")
        if tag == "input" and name and _is_sent(attributes):
            self.fields[name] = attributes.get("value") or ("on" if attributes.get("type") == "checkbox" else "")
        elif tag in ("select", "textarea"):
            self._name, self._text = name, "" if tag == "textarea" else None
        elif tag == "option" and "selected" in attributes:
            self.fields[self._name] = attributes.get("value", "")

    def handle_data(self, data):
        if self._text is not None:
            self._text += data

    def handle_endtag(self, tag):
        if tag == "form":
            self._is_inside = False
        elif tag == "textarea" and self._text is not None:
            self.fields[self._name], self._text = self._text.removeprefix("\n"), None


def _is_sent(attributes):
    kind = attributes.get("type", "text")
    return kind not in ("submit", "button", "file", "image") and (
        kind not in ("checkbox", "radio") or "checked" in attributes
    )


def _errors(page):
    return [line.strip() for line in page.splitlines() if "errorlist" in line] or page[:300]
