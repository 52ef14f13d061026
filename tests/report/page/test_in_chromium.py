"""The page in a real Chromium: what a reader, a keyboard, a phone and a screen reader meet."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from costspan.cli import main
from tests.report.page.browsing import CHROMIUM, THEMES, WIDTHS, Opened, chromium
from tests.report.page.samples import NAMES

pytestmark = [
    pytest.mark.system,
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]
KINDS = ("rich", "one", "none", "hostile")
Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Any, files: dict[str, Path]) -> Iterator[Open]:
    """Opens a page by its name, in a browser that has no network."""
    contexts = []

    def page(name: str, width: int = 1440, theme: str = "light", **more: Any) -> Opened:
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, color_scheme=theme, offline=True, **more)
        contexts.append(context)
        return Opened(context, files[name])

    yield page
    for context in contexts:
        context.close()


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """What `costspan report --json` prints, every digit kept."""
    assert main(["report", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out, parse_float=Decimal)


@pytest.mark.parametrize("name", KINDS)
def test_it_asks_for_nothing_and_complains_of_nothing(opened: Open, files, name: str):
    found = opened(name)

    assert found.requests == [files[name].as_uri()]
    assert found.said == []


class TestFigures:
    @pytest.mark.parametrize("by", ["model", "agent", "endpoint"])
    def test_the_sums_are_those_of_the_report(self, opened: Open, folders, capsys, by: str):
        report = printed(capsys, folders["rich"], "--by", by)
        page = opened("rich")

        assert page.column(f"by-{by}", 0) == [row[by] or "" for row in report["rows"]]
        for place, figure in ((1, "cost_usd"), (3, "calls"), (4, "errors"), (5, "input_tokens")):
            cells = page.column(f"by-{by}", place)
            values = [None if cell is None else Decimal(cell) for cell in cells]
            assert values == [row[figure] for row in report["rows"]], figure
            assert sum(value or 0 for value in values) == report["total"][figure]

    def test_the_periods_sum_up_to_the_total(self, opened: Open, folders, capsys):
        total = printed(capsys, folders["rich"])["total"]

        found = opened("rich").column("spend-table", 1)

        assert len(found) == 21
        assert sum(map(Decimal, found)) == total["cost_usd"]

    def test_the_headline_is_the_total(self, opened: Open, folders, capsys):
        total = printed(capsys, folders["rich"])["total"]

        (headline,) = opened("rich").texts("h1")

        assert headline == f"${total['cost_usd']:.2f} for {total['calls']:,} calls"

    def test_the_data_in_the_page_are_the_reports(self, opened: Open, folders, capsys):
        text = opened("rich").page.locator("#data").text_content()
        data = json.loads(text, parse_float=Decimal)

        for by in ("model", "agent", "endpoint", "day"):
            report = printed(capsys, folders["rich"], "--by", by)
            assert data["reports"][by] == report
        assert '"cost_usd":' in text


class TestNames:
    def test_nothing_of_a_name_is_run(self, opened: Open):
        found = opened("hostile")

        assert found.page.title().startswith("LLM spend")
        assert found.page.locator("script").count() == 2
        assert found.page.locator("img").count() == 0

    def test_every_name_is_in_the_data_as_it_was(self, opened: Open):
        data = json.loads(opened("hostile").page.locator("#data").text_content())
        report = data["reports"]["agent"]
        names = {row["agent"] for row in report["rows"]}

        assert names <= {*NAMES, None}
        assert len(report["rows"]) == 10
        assert report["other"]["rows"] == len(NAMES) + 1 - 10

    def test_a_long_name_is_shortened_and_told_whole(self, opened: Open):
        name = opened("hostile").page.locator("#by-agent bdi", has_text="WWW")

        assert len(name.text_content()) == 64
        assert name.get_attribute("title") == "W" * 1_000


class TestLayout:
    @pytest.mark.parametrize("theme", THEMES)
    @pytest.mark.parametrize("width", WIDTHS)
    @pytest.mark.parametrize("name", KINDS)
    def test_no_text_is_cut_or_covered(self, opened: Open, name: str, width: int, theme: str):
        assert opened(name, width, theme).misplaced() == []

    def test_the_narrowest_phones(self, opened: Open):
        assert opened("hostile", 320).misplaced() == []

    def test_what_is_cut_or_covered_is_seen(self, opened: Open):
        found = opened("rich")
        found.page.evaluate("""() => {
          document.querySelector("h1").style.marginTop = "-2.2rem";
          document.querySelector("nav").style.cssText = "width: 9rem; overflow: hidden";
          document.querySelector("nav ul").style.flexWrap = "nowrap";
          document.querySelector("nav ul").style.whiteSpace = "nowrap";
        }""")

        faults = " ".join(found.misplaced())

        assert "over each other: LLM spend" in faults
        assert "cut: " in faults

    @pytest.mark.parametrize("width", WIDTHS)
    def test_every_axis_has_a_unit_and_labels(self, opened: Open, width: int):
        page = opened("rich", width).page
        charts = page.locator(".chart")

        assert charts.count() == 3
        for chart in charts.all():
            vertical, plot = chart.locator(".vertical"), chart.locator(".plot")
            assert vertical.locator(".unit").text_content() in ("US dollars", "seconds")
            assert vertical.locator("text:not(.unit)").count() >= 3
            assert plot.locator(".unit").text_content() == "days, UTC"
            assert plot.locator(".label:visible").count() >= 3
            assert plot.locator("title").text_content()


class TestAccessibility:
    @pytest.mark.parametrize("theme", THEMES)
    @pytest.mark.parametrize("name", KINDS)
    def test_axe_finds_nothing_serious(self, opened: Open, name: str, theme: str):
        assert violations(opened(name, theme=theme).page) == []

    @pytest.mark.parametrize("width", WIDTHS[:2])
    def test_nor_on_a_phone_or_a_tablet(self, opened: Open, width: int):
        assert violations(opened("rich", width).page) == []

    def test_axe_would_find_a_grey_that_is_too_light(self, opened: Open):
        page = opened("one").page
        page.evaluate("document.documentElement.style.setProperty('--quiet', '#b0b0b0')")

        assert "color-contrast" in violations(page)


def violations(page: Any) -> list[str]:
    """The rules that axe finds broken, serious and critical ones."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response
    assert found["testEngine"]["name"] == "axe-core"
    return [one["id"] for one in found["violations"] if one["impact"] in ("serious", "critical")]


class TestKeyboard:
    def test_tab_reaches_every_control_and_shows_where_it_is(self, opened: Open):
        page = opened("rich").page
        page.evaluate("document.querySelector('details').open = true")
        controls = page.locator("button, a, summary, .mark[tabindex='0']").count()

        stops = [page.evaluate(_FOCUSED)]
        for _ in range(controls):
            page.keyboard.press("Tab")
            stops.append(page.evaluate(_FOCUSED))

        assert stops[0] is None
        assert len({stop["path"] for stop in stops[1:]}) == controls
        assert [stop for stop in stops[1:] if not stop["shown"]] == []

    def test_enter_sorts(self, opened: Open):
        page = opened("rich")
        head = page.page.locator("#by-agent thead th").nth(3)
        before = list(map(int, page.column("by-agent", 3)))

        head.locator("button").focus()
        page.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending"
        assert list(map(int, page.column("by-agent", 3))) == sorted(before, reverse=True)

        page.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert list(map(int, page.column("by-agent", 3))) == sorted(before)
        assert page.page.locator("#by-agent [aria-sort]").count() == 1

    def test_names_are_sorted_as_names_and_what_is_unknown_stays_below(self, opened: Open):
        page = opened("rich")

        page.page.locator("#by-model thead button").nth(0).press("Enter")
        names = page.column("by-model", 0)
        assert names == sorted(names)

        for _ in range(2):
            page.page.locator("#by-model thead button").nth(1).press("Enter")
            assert page.column("by-model", 1)[-1] is None

    def test_arrows_tell_the_values_of_a_chart(self, opened: Open):
        page = opened("rich").page
        chart = page.locator("#spend-chart")
        resting = chart.locator(".readout").text_content()

        chart.locator(".mark").first.focus()
        for key, place in (
            ("ArrowRight", 1),
            ("End", 20),
            ("ArrowRight", 20),
            ("ArrowLeft", 19),
            ("Home", 0),
        ):
            page.keyboard.press(key)
            told = chart.locator(".mark").nth(place).get_attribute("aria-label")
            assert chart.locator(".readout").text_content() == told
        assert told.startswith("Sunday, 1 Nov 2026: $")

        page.keyboard.press("Tab")
        assert chart.locator(".readout").text_content() == resting

    def test_a_mark_that_is_pointed_at_tells_its_values(self, opened: Open):
        chart = opened("rich").page.locator("#latency-chart")

        chart.locator(".mark").nth(3).hover()

        assert chart.locator(".readout").text_content().startswith("Wednesday, 4 Nov 2026: p50 ")


_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one.matches(".mark") ? one.querySelector(".field") : one);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const stroke = style.stroke !== "none" && parseFloat(style.strokeWidth) >= 2;
  const all = [...document.querySelectorAll("*")];
  return { path: all.indexOf(one), shown: ring || stroke, what: one.outerHTML.slice(0, 80) };
}"""


class TestThemes:
    def test_the_switch_changes_the_theme_for_good(self, opened: Open):
        page = opened("one").page
        paper = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(paper)
        button = page.locator("#theme")
        assert button.text_content() == "Dark theme"

        button.press("Enter")
        dark = page.evaluate(paper)
        assert dark != light
        assert button.text_content() == "Light theme"

        page.reload()
        assert page.evaluate(paper) == dark

    def test_paper_is_light(self, opened: Open):
        page = opened("one", theme="dark").page
        page.emulate_media(media="print")

        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 35)"
        assert not page.locator(".tools").is_visible()
        assert page.pdf(format="A4")[:5] == b"%PDF-"


_REFUSED = """(what) => new Promise((resolve) => {
  const tell = (event) => resolve(event.effectiveDirective);
  document.addEventListener("securitypolicyviolation", tell);
  if (what === "image") new Image().src = "https://example.com/pixel.png";
  const style = document.createElement("style");
  style.textContent = "body { display: none }";
  if (what === "style") document.head.append(style);
})"""


class TestPolicy:
    def test_no_other_style_or_script_is_used(self, opened: Open):
        found = opened("one")
        refused = found.page.evaluate(_REFUSED, "style")

        assert refused == "style-src-elem"
        with pytest.raises(Exception, match="TrustedScript"):
            found.page.evaluate("document.createElement('script').text = 'alert(1)'")

    def test_nothing_can_be_fetched(self, opened: Open):
        refused = opened("one").page.evaluate(_REFUSED, "image")

        assert refused == "img-src"

    def test_it_reads_without_scripts(self, opened: Open, files):
        page = opened("rich", java_script_enabled=False).page

        assert page.locator("#by-model tbody tr").count() == 6
        assert page.locator(".plot .mark").count() == 3 * 21
        assert not page.locator(".tools").is_visible()
