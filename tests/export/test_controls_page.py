"""The page of `quo controls`: self-contained, every name escaped, readable at any width, nothing claimed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quowarranto.case.store import Snapshot
from quowarranto.export.controls import controls_html
from quowarranto.findings.by_control import by_control
from tests.export.test_browser import _CHROMIUM, _FLAGS

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
needs_browser = pytest.mark.skipif(_CHROMIUM is None, reason="no chromium on this machine (set CHROMIUM to its path)")


def page_of(snapshot: Snapshot, title: str = "Controls") -> str:
    return controls_html(by_control(snapshot), title, str(snapshot.folder))


def test_every_control_is_there_and_none_is_said_to_be_met(demo: Snapshot) -> None:
    page = page_of(demo)
    found = by_control(demo)
    assert page.count('<details class="control') == len(found["controls"])
    assert "provides evidence relevant to" in page
    assert not re.search(r"\b(compliant|complies|satisfied)\b", page)
    assert found["sampling"]["seed"] + ":ID" in page


def test_a_sample_can_be_checked_from_the_page_alone(demo: Snapshot) -> None:
    """File, line, first byte, digest of the whole line, and a time with its zone."""
    page = page_of(demo)
    samples = [one for control in by_control(demo)["controls"] for one in control["samples"]["exceptions"]]
    assert samples
    for one in samples:
        origin = one["origin"]
        assert f":{origin['line']}</code> from byte {origin['offset']}<br>" in page
        assert f"SHA-256 of the line <code>{origin['sha256']}</code>" in page
        assert f"{one['time'][:19].replace('T', ' ')} UTC" in page


def test_a_control_of_authorities_alone_says_of_how_many(demo: Snapshot) -> None:
    """`no exception` of nothing would claim something."""
    found = next(one for one in by_control(demo)["controls"] if one["authorities"] and not one["population"])
    count = found["authorities"][0]["on_record"]
    assert re.search(rf"no exception among {count:,} logs", page_of(demo))


def test_names_out_of_a_log_stay_text(hostile: Snapshot) -> None:
    page = page_of(hostile, "</title><script>alert(1)</script>")
    assert "<script" not in page
    assert "\u202e" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href|action)=["']?(?!#|data:,")[a-z]+:""", page)


def test_ids_of_the_page_are_unique_and_every_link_inside_leads_somewhere(demo: Snapshot) -> None:
    page = page_of(demo)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_FLAGS))
        yield found
        found.close()


@needs_browser
@pytest.mark.parametrize("case", ("demo", "hostile"))
@pytest.mark.parametrize("width", (1280, 400))
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_the_page_asks_for_nothing_and_overflows_nowhere(
    browser: Any, case: str, width: int, scheme: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """As an auditor would: every control opened."""
    path = tmp_path / "controls.html"
    path.write_text(page_of(request.getfixturevalue(case)), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(path.as_uri())
    page.locator("details.control summary").first.click()
    page.locator("details.control dl.sums").first.wait_for(state="visible")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in requests if not url.startswith("file:")] == []
    assert errors == []
    page.close()
