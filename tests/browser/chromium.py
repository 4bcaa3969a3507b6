"""Debian's Chromium, driven through its own chromedriver and nothing from the network."""

import json
import logging
import os
import shutil
from contextlib import contextmanager

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("headless=new", "no-proxy-server", "no-first-run", "disable-gpu", "disable-quic"),
    *("disable-background-networking", "disable-component-update", "disable-sync", "disable-default-apps"),
    # Every window counts as looked at: what a hidden one does is tested by hiding it.
    *(
        "disable-backgrounding-occluded-windows",
        "disable-renderer-backgrounding",
        "disable-background-timer-throttling",
    ),
)


@contextmanager
def running(profile):
    """The driver, or Chromium's own reason why there is none."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.enable_bidi = True  # contexts of their own for each visitor
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in (*FLAGS, f"user-data-dir={profile}", *(["no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(f"--{flag}")
    logging.getLogger("websocket").setLevel(logging.WARNING)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


class Browser:
    """What one test does with Chromium: visitors with cookies of their own, and the pages they have open."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url
        self._home, self._contexts, self._expected = driver.current_window_handle, [], []
        self._socket_frames = []
        self._drain()

    def visitor(self, person=None):
        """A fresh context; it has the cookies of `person`."""
        context = self.driver.browser.create_user_context()
        self._contexts.append(context)
        return Visitor(self, context, person)

    def open(self, path="/", *, person=None, **looks):
        return self.visitor(person).open(path, **looks)

    def focus(self, handle):
        self.driver.switch_to.window(handle)

    def expects(self, *words):
        """Complaints with one of these words in them are what this test is about."""
        self._expected += words

    def complaints(self):
        """Errors in the console: scripts, policies, addresses that do not answer."""
        found = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [message for message in found if not any(words in message for words in self._expected)]

    def socket_frames(self):
        """Everything that sockets have brought so far, in all pages."""
        for event in self._events():
            if event["method"] == "Network.webSocketFrameReceived":
                self._socket_frames.append(event["params"]["response"]["payloadData"])
        return self._socket_frames

    def close(self):
        self.focus(self._home)
        for context in self._contexts:
            self.driver.browser.remove_user_context(context)

    def _events(self):
        return [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]

    def _drain(self):
        self.driver.get_log("browser")
        self.driver.get_log("performance")


class Visitor:
    def __init__(self, browser, context, person):
        self._browser, self._context, self._person = browser, context, person

    def open(self, path="/", *, size=(1400, 900), is_dark=False, language="en", is_calm=False, has_script=True):
        handle = self._browser.driver.browsing_context.create(type="window", user_context=self._context)
        page = Page(self._browser, handle)
        page.resize(*size)
        features = {"prefers-color-scheme": "dark" if is_dark else "light"}
        features["prefers-reduced-motion"] = "reduce" if is_calm else "no-preference"
        media = [{"name": name, "value": value} for name, value in features.items()]
        page.cdp("Emulation.setEmulatedMedia", features=media)
        page.cdp("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
        if not has_script:
            page.cdp("Emulation.setScriptExecutionDisabled", value=True)
        for cookie in self._person.cookies if self._person else ():
            page.cdp("Network.setCookie", name=cookie.name, value=cookie.value, url=self._browser.url)
        page.go(path)
        return page


class Page:
    """A window. Several are open at once: each says first that it is meant."""

    def __init__(self, browser, handle):
        self._browser, self._handle = browser, handle

    @property
    def driver(self):
        self._browser.focus(self._handle)
        return self._browser.driver

    @property
    def url(self):
        return self.driver.current_url

    @property
    def source(self):
        return self.driver.page_source

    def go(self, path):
        self.driver.get(path if "://" in path else self._browser.url + path)
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def value(self, expression, *arguments):
        return self.run(f"return {expression}", *arguments)

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def resize(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def has(self, css):
        return bool(self.all(css))

    def shows(self, css):
        """It is there, and to be seen."""
        return self.value("[...document.querySelectorAll(arguments[0])].some(each => each.checkVisibility())", css)

    def click(self, css):
        """On what stands there now: a live page may replace it at this moment."""
        while True:
            try:
                return self.find(css).click()
            except StaleElementReferenceException:
                continue

    def text(self, css):
        """As a reader sees it; None where there is nothing."""
        return self.value("document.querySelector(arguments[0])?.innerText ?? null", css)

    def texts(self, css):
        return self.value("[...document.querySelectorAll(arguments[0])].map(each => each.innerText.trim())", css)

    def press(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def offline(self, is_offline):
        self.cdp(
            "Network.emulateNetworkConditions",
            offline=is_offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    # ---- the wall ----------------------------------------------------------------------------------------------------

    def state(self, machine):
        """None where the machine is not on the page."""
        return self.value("document.getElementById(arguments[0])?.dataset.state ?? null", f"machine-{machine}")

    def count(self, state=None):
        """The number on the button that shows machines in this state, or all."""
        of_state = f".{state}" if state else ":not(.free, .in_use, .maintenance, .blocked, .offline)"
        return int(self.text(f".states > a{of_state} b"))

    def card(self, machine):
        return self.text(f"#machine-{machine}") or ""

    def is_live(self):
        return self.value("document.documentElement.dataset.live") == "live"

    def is_lost(self):
        return self.value("document.documentElement.dataset.live") == "lost"
