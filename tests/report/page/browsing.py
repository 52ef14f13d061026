"""The pages in a real Chromium, without a network, and what is measured there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: make browser"
)

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = (360, 768, 1440)
THEMES = ("light", "dark")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page of the browser, and what it asked for and said."""

    def __init__(self, context: Any, file: Path) -> None:
        self.page = context.new_page()
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda fault: self.said.append(str(fault)))
        self.page.goto(file.as_uri())

    def texts(self, selector: str) -> list[str]:
        """What the elements say."""
        return [text.strip() for text in self.page.locator(selector).all_text_contents()]

    def column(self, table: str, place: int) -> list[str | None]:
        """What the cells of a column are sorted by; None where nothing is known."""
        cells = self.page.locator(f"#{table} tbody tr > :nth-child({place + 1})")
        return cells.evaluate_all("cells => cells.map(cell => cell.dataset.value ?? null)")

    def misplaced(self) -> list[str]:
        """Texts that lie over others, are cut off, or stand outside; numbers on two lines."""
        return self.page.evaluate(_MISPLACED)


_MISPLACED = """() => {
  const faults = [], boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest("script, .hidden-title, .skip")) continue;
    if (parent.matches("title") || !parent.checkVisibility({ visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const what = node.data.trim().slice(0, 30);
    const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
    if (/^[-+<~$]*[\\d,.]+%?$/.test(what) && tops.size > 1) faults.push(`broken: ${what}`);
    for (const box of range.getClientRects()) {
      if (box.width < 0.5 || box.height < 0.5) continue;
      if (box.left < -0.5 || box.right > innerWidth + 0.5) faults.push(`outside: ${what}`);
      for (let up = parent; up; up = up.parentElement) {
        const style = getComputedStyle(up), of = up.getBoundingClientRect();
        if (style.overflowX === "visible" || up === document.body) continue;
        if (box.left < of.left - 0.5 || box.right > of.right + 0.5) faults.push(`cut: ${what}`);
      }
      boxes.push({ box, what, node });
    }
  }
  for (const [place, one] of boxes.entries()) {
    for (const two of boxes.slice(place + 1)) {
      if (one.node === two.node) continue;
      const wide = Math.min(one.box.right, two.box.right) - Math.max(one.box.left, two.box.left);
      const high = Math.min(one.box.bottom, two.box.bottom) - Math.max(one.box.top, two.box.top);
      if (wide > 1 && high > 0.35 * Math.min(one.box.height, two.box.height))
        faults.push(`over each other: ${one.what} | ${two.what}`);
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the window");
  return faults;
}"""
"""Line boxes of neighbouring lines may touch: a third of the height is where letters would."""
