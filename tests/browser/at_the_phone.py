"""What a thumb does on a page of the administration."""

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.broker.lab import until

PHONE = (390, 844)
FETCH = """
const form = document.querySelector(arguments[0]);
const data = new FormData(form, document.querySelector(arguments[1]));
const answer = await fetch(form.action, {method: 'POST', body: data});
return [answer.headers.get('Content-Disposition'), [...new Uint8Array(await answer.arrayBuffer())]];
"""


def touch(page, css):
    """In the middle of the screen, and nothing lies over it; what a live page is replacing is touched again."""
    until(lambda: _touched(page, css))


def _touched(page, css):
    try:
        element = page.find(css)
        page.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()
    except (NoSuchElementException, StaleElementReferenceException, ElementClickInterceptedException):
        return False
    return True


def go_by(page, css):
    """To the page that a link or a button opens."""
    old = page.find("html").id
    touch(page, css)
    until(lambda: page.find("html").id != old and page.value("document.readyState") == "complete", 20)


def write(page, css, text):
    """Instead of what stands there. Days are picked, and how a browser has them typed is its own affair."""
    field = page.find(css)
    page.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", field)
    if field.get_attribute("type") == "date":
        page.run("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))", field, text)
        return
    field.clear()
    field.send_keys(text)


def find_by_typing(page, field, text):
    """The first one that is found, in Django's own search."""
    touch(page, f".field-{field} .select2-selection")
    until(lambda: page.has(".select2-search__field:focus"))
    page.press(text)
    until(lambda: text in (page.text(".select2-results__option--highlighted") or ""), 20)
    page.press(Keys.ENTER)
    until(lambda: text in page.text(f".field-{field} .select2-selection"))


def do_with(page, number, action):
    """One row of a list is ticked, and an action chosen."""
    touch(page, f".action-select[value='{number}']")
    Select(page.find("select[name=action]")).select_by_value(action)
    go_by(page, "button[name=index]")


def save(page, css="[name=_save]"):
    go_by(page, css)
    assert not page.has(".errornote, .errorlist"), page.texts(".errornote, .errorlist")


def list_of(page, model):
    """From the home page."""
    go_by(page, f".apps .model-{model} th a")


def download(page, form, button="button"):
    """The name and the bytes of what a form sends, with the browser's own cookies."""
    name, content = page.run(FETCH, form, f"{form} {button}")
    return name, bytes(content)
