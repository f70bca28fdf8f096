# SPDX-License-Identifier: Apache-2.0
"""The status page in a browser without a window: Debian's Chromium."""

import os
import re
import shutil

import pytest

from http_server import StatusServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# The page asks once a second; a browser on a busy machine may take its time for all else.
PATIENCE_S = 60
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1280,1000",
)  # fmt: skip


@pytest.fixture
def server(tmp_path):
    server = StatusServer(tmp_path / "u")
    yield server
    server.kill()


@pytest.fixture(params=["light", "dark"])
def browser(request, tmp_path, monkeypatch):
    """A browser that has its own profile and looks for no program of its own."""
    webdriver = pytest.importorskip("selenium.webdriver")
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if None in programs:
        pytest.skip("Chromium and its driver are not installed (tools/setup.sh --all-tests)")
    monkeypatch.setenv("SE_OFFLINE", "true")
    monkeypatch.setenv("SE_AVOID_STATS", "true")
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for flag in (*FLAGS, f"--user-data-dir={tmp_path}/profile"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(programs[1]))
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": request.param}]},
    )
    driver.color_scheme = request.param
    yield driver
    driver.quit()


def wait_for(browser, condition):
    """Waits until a condition, as a function of the browser, holds."""
    from selenium.webdriver.support.wait import WebDriverWait

    return WebDriverWait(browser, PATIENCE_S, 0.1).until(condition)


def text_of(browser, selector):
    return browser.execute_script("return document.querySelector(arguments[0]).innerText", selector)


def points_of(browser, plot):
    """How many points each curve of a plot has."""
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((curve) => curve.points.length)",
        f"#plot-{plot} polyline",
    )


def requests_of(browser):
    """The addresses that the page has asked for; not those of the browser's own first page."""
    import json

    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
        and not one["params"]["documentURL"].startswith("chrome://")
    ]


def number_of(text):
    return int(re.sub(r"\D", "", text) or 0)


def test_the_page_is_alive_and_says_when_the_server_is_gone(server, browser):
    browser.get(server.url)
    wait_for(browser, lambda b: text_of(b, "#state") == "serving")
    with server.session() as session:
        wait_for(browser, lambda b: len(b.find_elements("css selector", "#sessions tr")) == 1)
        counter = session.types.Counter()

        def is_busy(b):
            for i in range(200):
                session.toolkits.demo_addone(x=i)
            counter.increment()
            b.implicitly_wait(0)
            return points_of(b, "calls")[0] >= 6 and number_of(text_of(b, "#plot-calls .now")) > 0

        wait_for(browser, is_busy)
        assert points_of(browser, "bytes")[0] >= 6 and points_of(browser, "bytes")[1] >= 6
        assert points_of(browser, "memory")[0] >= 6
        cells = [
            one.text for one in browser.find_elements("css selector", "#sessions tr:first-child td")
        ]
        assert cells[1] == f"unix: pid {os.getpid()} uid {os.getuid()}"
        assert number_of(cells[3]) > 200 and cells[6] == "1"
        assert text_of(browser, "#plot-objects .now") == "1"
        assert str(server.process.pid) in text_of(browser, "#about")
        is_dark = browser.color_scheme == "dark"
        shade = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (max(map(int, re.findall(r"\d+", shade))) < 100) == is_dark
        save_screenshot(browser)
    wait_for(browser, lambda b: not b.find_elements("css selector", "#sessions tr"))
    severe = [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"]
    assert severe == []
    asked = set(requests_of(browser))
    assert {url for url in asked if not url.startswith(server.url)} <= {"data:,"}
    assert server.url + "status.json" in asked
    server.kill()
    wait_for(browser, lambda b: text_of(b, "#state") == "connection lost")


def save_screenshot(browser):
    """For people: into the folder that UNITY_TEST_SCREENSHOTS names, if it does."""
    folder = os.environ.get("UNITY_TEST_SCREENSHOTS")
    if folder:
        browser.save_screenshot(os.path.join(folder, f"status-{browser.color_scheme}.png"))


def test_a_page_that_nobody_sees_asks_for_nothing(server, browser, eventually):
    browser.get(server.url)
    wait_for(browser, lambda b: text_of(b, "#state") == "serving")
    hide = """
        Object.defineProperty(document, "hidden", {value: arguments[0], configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    """
    browser.execute_script(hide, True)
    # One question may be on its way; two seconds later there would be two more.
    browser.execute_async_script("setTimeout(arguments[0], 2500)")
    requests_of(browser)
    browser.execute_async_script("setTimeout(arguments[0], 2500)")
    assert requests_of(browser) == []
    browser.execute_script(hide, False)
    eventually(lambda: requests_of(browser) != [])
