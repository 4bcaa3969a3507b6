"""Debian's Chromium, driven through its own chromedriver and nothing from the network."""

import json
import os
import shutil
import urllib.request
from contextlib import closing, contextmanager

import websocket
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("headless=new", "no-proxy-server", "no-first-run", "disable-gpu", "disable-quic"),
    *("disable-background-networking", "disable-component-update", "disable-sync", "disable-default-apps"),
    # Every window counts as looked at: what a hidden one does is tested by hiding it.
    *("disable-backgrounding-occluded-windows", "disable-renderer-backgrounding"),
    "disable-background-timer-throttling",
)


@contextmanager
def running(profile):
    """The driver, or Chromium's own reason why there is none."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in (*FLAGS, f"user-data-dir={profile}", *(["no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        with closing(Contexts(driver.capabilities["goog:chromeOptions"]["debuggerAddress"])) as contexts:
            yield driver, contexts
    finally:
        driver.quit()


class Contexts:
    """Each has cookies of its own. Chromium makes them on a line of its own: the driver does not offer them."""

    def __init__(self, address):
        without_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with without_proxies.open(f"http://{address}/json/version", timeout=10) as answer:
            url = json.load(answer)["webSocketDebuggerUrl"]
        self._line = websocket.create_connection(url, timeout=10, suppress_origin=True, http_no_proxy=["*"])
        self._asked = 0

    def make(self):
        return self._ask("Target.createBrowserContext")["browserContextId"]

    def open_window(self, context):
        return self._ask("Target.createTarget", url="about:blank", newWindow=True, browserContextId=context)["targetId"]

    def remove(self, context):
        """With all its windows."""
        self._ask("Target.disposeBrowserContext", browserContextId=context)

    def close(self):
        self._line.close()

    def _ask(self, method, **parameters):
        self._asked += 1
        self._line.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while (answer := json.loads(self._line.recv())).get("id") != self._asked:
            pass
        return answer["result"]


class Browser:
    """What one test does with Chromium: visitors with cookies of their own, and the pages they have open."""

    def __init__(self, driver, contexts, url):
        self.driver, self.url = driver, url
        self._contexts, self._made, self._home = contexts, [], driver.current_window_handle
        self._expected, self._socket_frames = [], []
        self._drain()

    def visitor(self, person=None):
        """A fresh context; it has the cookies of `person`."""
        self._made.append(self._contexts.make())
        return Visitor(self, self._made[-1], person)

    def open(self, path="/", *, person=None, **looks):
        return self.visitor(person).open(path, **looks)

    def open_window(self, context):
        return self._contexts.open_window(context)

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
        for context in self._made:
            self._contexts.remove(context)

    def _events(self):
        return [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]

    def _drain(self):
        self.driver.get_log("browser")
        self.driver.get_log("performance")


class Visitor:
    def __init__(self, browser, context, person):
        self._browser, self._context, self._person = browser, context, person

    def open(self, path="/", *, size=(1400, 900), is_dark=False, language="en", is_calm=False, has_script=True):
        page = Page(self._browser, self._browser.open_window(self._context))
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
