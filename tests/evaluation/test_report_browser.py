"""The page in a browser: it opens, narrows, sorts, works by keyboard and fits a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import SEGMENTS, repair

from retranslate.evaluation import Evaluation, System
from retranslate.evaluation.report import page

pytestmark = pytest.mark.enable_socket  # the driver is spoken to on the loopback

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync"
).split()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    if not CHROMIUM or not DRIVER:
        pytest.skip("chromium or chromedriver is not installed")
    folder = tmp_path_factory.mktemp("page")
    scores = Evaluation(100, 0).run([System("full", repair), System("peer", list)], SEGMENTS, "tiny.jsonl")
    (folder / "report.html").write_text(page([scores]), "utf-8")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (*FLAGS, f"user-data-dir={folder / 'profile'}", "window-size=1200,900"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.get((folder / "report.html").as_uri())
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Any) -> Any:
    browser.refresh()
    return browser


def count(browser: Any) -> str:
    return str(browser.find_element("id", "count").text)


def choose(browser: Any, control: str, value: str) -> None:
    script = "const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event(arguments[2]))"
    browser.execute_script(script, control, value, "input" if control == "search" else "change")


def shown(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('article h4')].map(e => e.firstChild.textContent)"
    return list(browser.execute_script(script))


def test_it_opens_without_complaint_and_lists_the_first_segments(opened: Any) -> None:
    assert count(opened) == "64 of 64 segments"
    assert len(shown(opened)) == 40
    assert opened.get_log("browser") == []


def test_a_filter_narrows_the_list(opened: Any) -> None:
    choose(opened, "tag", "V3")
    assert (count(opened), shown(opened)) == ("1 of 64 segments", ["a-2"])
    choose(opened, "tag", "")
    choose(opened, "state", "over")
    assert shown(opened) == ["a-3"]
    choose(opened, "state", "refused")
    assert shown(opened) == ["a-2"]
    assert opened.find_element("css selector", ".refused del").text == "The road was opened by Karim."


def test_the_search_looks_into_all_texts(opened: Any) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    opened.find_element("id", "search").send_keys("mobilization goes")
    WebDriverWait(opened, 5).until(lambda driver: shown(driver) == ["a-1"])


def test_it_sorts_and_shows_another_system(opened: Any) -> None:
    choose(opened, "sort", "loss")
    assert shown(opened)[0] == "a-3"
    choose(opened, "system", "peer")
    choose(opened, "state", "changed")
    assert count(opened) == "0 of 64 segments"


def test_it_works_by_keyboard(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    opened.find_element("id", "sort").send_keys(Keys.TAB)
    opened.switch_to.active_element.send_keys(Keys.ENTER)
    tip = opened.find_element("id", "tip")
    assert tip.is_displayed()
    assert tip.text.startswith("model: go → goes.")
    opened.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not tip.is_displayed()
    more = opened.find_element("id", "more")
    more.send_keys(Keys.ENTER)
    assert len(shown(opened)) == 64
    assert not more.is_displayed()


def test_it_fits_a_phone(opened: Any) -> None:
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert opened.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
