"""The report in a real browser: no request leaves it, nothing overflows, its script runs and the timelines open."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quowarranto.export.report import report_html
from quowarranto.export.timeline import timeline_svg
from tests.export import examples

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
_CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
_FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="no chromium on this machine (set CHROMIUM to its path)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_FLAGS))
        yield found
        found.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with ordinary and hostile chains."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    ones = [*examples.everything(), examples.hostile(), examples.long_chain(16)]
    path.write_text(report_html(examples.a_report(ones)), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", (1280, 400))
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_the_page_asks_for_nothing_overflows_nowhere_and_opens_its_timelines(
    browser: Any, page_file: Path, width: int, scheme: str
) -> None:
    """As a person would use it: open it, filter, open a finding, look at the timeline."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(page_file.as_uri())
    finding = page.locator("details.finding").first
    finding.locator("summary").first.click()
    timeline = finding.locator(".wide svg.tl" if width > 640 else ".narrow svg.tl").first
    timeline.wait_for(state="visible")
    assert timeline.bounding_box()["width"] <= width
    legend = timeline.locator("use[href^='#legend']").bounding_box()
    assert legend["x"] + legend["width"] <= width
    page.locator("#filter").fill("QW201")
    assert 0 < page.locator("details.finding:visible").count() < page.locator("details.finding").count()
    page.locator("#filter").fill("")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in requests if not url.startswith("file:")] == []
    assert errors == []
    page.close()


@pytest.mark.parametrize("kind", ("details.finding", "details.action"))
def test_a_link_to_a_finding_or_an_action_opens_it(browser: Any, page_file: Path, kind: str) -> None:
    """Both can be sent to a colleague by their address; what is around them opens as well."""
    page = browser.new_page()
    page.goto(page_file.as_uri())
    name = page.locator(kind).nth(2).get_attribute("id")
    page.goto(f"{page_file.as_uri()}#{name}")
    page.locator(f"details[id='{name}'][open]").wait_for()
    page.locator(f"details[id='{name}'] summary").first.wait_for(state="visible")
    page.close()


def test_without_script_findings_and_timelines_open_all_the_same(browser: Any, page_file: Path) -> None:
    """Mail programs and careful people run none."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    finding = page.locator("details.finding").first
    finding.locator("summary").first.click()
    finding.locator("details.action summary").first.click()
    finding.locator(".wide svg.tl").first.wait_for(state="visible")
    assert page.locator(".filter").is_hidden()
    context.close()


def test_the_keyboard_opens_a_finding(browser: Any, page_file: Path) -> None:
    """What a mouse can do, Enter can."""
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.locator("details.finding summary").first.focus()
    page.keyboard.press("Enter")
    page.locator("details.finding .wide svg.tl").first.wait_for(state="visible")
    page.close()


@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_a_picture_alone_draws_without_error(browser: Any, tmp_path: Path, scheme: str) -> None:
    """The file of `quo explain --svg`, opened by itself."""
    path = tmp_path / "one.svg"
    path.write_text(timeline_svg(examples.hostile()), encoding="utf-8")
    page = browser.new_page(color_scheme=scheme)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.localName") == "svg"
    assert page.evaluate("document.querySelectorAll('parsererror').length") == 0
    assert requests == [path.as_uri()]
    page.close()
