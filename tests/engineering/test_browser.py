"""What a person sees: the report in headless Chromium, light and dark, wide, narrow, on paper."""

from __future__ import annotations

import os
import shutil

import pytest
from tests.light_study import light_fixtures

import equipoise as eq

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is absent, and CI=true: .ci/run installs it")
        pytest.skip("Chromium is not installed (Debian's package `chromium`)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync", "--no-first-run"],
        )  # fmt: skip
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def reports(light_report, blinded_results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    twins = eq.operating_characteristics(eq.load_protocol("il2-depression"), 4, workers=1)
    whole = light_report / "report.html"
    if os.environ.get("EQUIPOISE_PICTURE"):  # it shows the study itself
        protocol = eq.load_protocol("il2-depression")
        results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
        whole = eq.write_report(results, folder / "open")
    return {
        "twins": eq.write_characteristics(twins, folder / "twins"),
        "open": whole,
        "blinded": eq.write_report(blinded_results, folder / "blinded"),
    }


@pytest.fixture
def visit(browser, reports):
    """Open a report; every request and every word on the console is kept."""
    contexts = []

    def open_page(name, width=1280, scheme="light", script=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.requests, page.words = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("console", lambda message: page.words.append(message.text))
        page.on("pageerror", lambda error: page.words.append(str(error)))
        page.goto(reports[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", ["open", "blinded", "twins"])
def test_no_request_leaves_the_page(visit, reports, name):
    page = visit(name)
    assert page.requests == [reports[name].as_uri()]
    assert page.words == []


@pytest.mark.parametrize("width", [1600, 1280, 768, 375])
@pytest.mark.parametrize("name", ["open", "blinded", "twins"])
def test_nothing_overflows(visit, name, width):
    page = visit(name, width)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(e => !e.closest('.table-scroll') && !e.closest('svg') && !e.closest('.skip'))
            .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
            .map(e => e.tagName + '.' + e.className)"""
    )
    assert wide == []
    scroll = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(scroll)


@pytest.mark.parametrize("name", ["open", "twins"])
def test_on_a_desk_no_table_needs_scrolling(visit, name):
    page = visit(name, 1280)
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.table-scroll')]
            .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.id)"""
    )
    assert cut == []


def test_the_contents_follow_the_reader(visit):
    page = visit("open")
    current = "() => [...document.querySelectorAll('nav [aria-current]')].map(a => a.hash)"
    assert page.evaluate(current) == ["#questions"]
    assert page.locator("nav a[href='#endpoint-treg_percent']").is_hidden()
    for target in ("endpoint-treg_percent", "harms", "baseline"):
        page.evaluate("id => document.getElementById(id).scrollIntoView()", target)
        page.wait_for_function(
            "id => document.querySelector('nav [aria-current]').hash === id", arg=f"#{target}"
        )
        assert page.evaluate(current) == [f"#{target}"]
        assert page.locator(f"nav a[href='#{target}']").is_visible()


def test_on_a_narrow_screen_the_contents_fold(visit):
    page = visit("open", 375)
    assert page.locator("nav a").first.is_hidden()
    page.locator("nav summary").focus()
    page.keyboard.press("Enter")
    link = page.locator("nav a[href='#harms']")
    assert link.is_visible()
    link.click()
    assert link.is_hidden()
    assert page.url.endswith("#harms")


def test_without_script_all_is_there(visit, reports):
    page = visit("open", script=False)
    assert page.locator("nav a[href='#endpoint-treg_percent']").is_visible()
    assert page.locator("figure svg").first.is_visible()
    assert page.locator("button").count() == 0
    for kind in ("CSV", "SVG"):
        assert page.locator(f"p.tools a[download]:text-is('{kind}')").count() > 5


def test_a_point_says_its_numbers_to_pointer_and_keyboard(visit, il2_results):
    page = visit("open")
    figure = page.locator("#figure-treg_percent")
    figure.scroll_into_view_if_needed()
    tip = page.locator(".tip")
    assert tip.is_hidden()
    figure.locator(".point").nth(1).hover()
    mean = [m for m in il2_results.endpoints["treg_percent"].means if m.group == "placebo"][1]
    assert tip.inner_text().startswith("Placebo, Week 4: ")
    assert f"{mean.ratio:.2f}" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    figure.locator(".point").first.focus()
    assert tip.inner_text().startswith("Placebo, Day 5: ")
    page.keyboard.press("ArrowRight")
    assert tip.inner_text().startswith("Placebo, Week 4: ")
    page.keyboard.press("End")
    assert tip.inner_text().startswith("Aldesleukin against Placebo, Week 8: ")
    assert figure.locator("[tabindex='0']").count() == 1


def test_a_figure_opens_large_and_goes_back(visit):
    page = visit("open")
    figure, dialog = page.locator("#figure-treg_percent"), page.locator("dialog")
    before = figure.locator("svg").bounding_box()["width"]
    figure.get_by_role("button", name="Enlarge").focus()
    page.keyboard.press("Enter")
    assert dialog.locator("svg").bounding_box()["width"] > before
    assert "SIMULATED" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert figure.locator("svg").is_visible()
    figure.locator("svg").click(position={"x": 5, "y": 5})
    assert dialog.is_visible()
    page.get_by_role("button", name="Close").click()
    assert figure.locator("svg").bounding_box()["width"] == before
    assert page.words == []


@pytest.mark.parametrize("kind", ["CSV", "SVG", "PNG"])
def test_what_is_downloaded_carries_its_origin(visit, tmp_path, kind):
    page = visit("open")
    with page.expect_download() as waiting:
        page.locator(".tools").get_by_text(kind, exact=True).nth(1).click()
    name = waiting.value.suggested_filename
    assert name.startswith("SIMULATED-il2-depression-")
    assert name.endswith(kind.lower())
    waiting.value.save_as(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    if kind == "PNG":
        assert content.startswith(b"\x89PNG")
        assert len(content) > 10_000
    else:
        assert b"SIMULATED" in content
    assert page.words == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["open", "blinded"])
def test_axe_finds_nothing_serious(visit, name, scheme):
    """The rules of axe-core (WCAG 2 A and AA, best practice), figures with their points too."""
    from axe_playwright_python.sync_playwright import Axe

    page = visit(name, scheme=scheme)
    found = Axe().run(page).response
    assert len(found["passes"]) > 20
    serious = [
        (rule["id"], node["target"], node.get("failureSummary"))
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:3]
    ]
    assert serious == []
    assert {rule["id"] for rule in found["violations"]} <= set()


CONTRAST = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = c.map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  const low = [];
  for (const e of document.querySelectorAll('main *, nav *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.closest('svg')) continue;
    const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2));
  }
  return low; }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_people_need(visit, scheme):
    # 4.5 : 1, WCAG 2.2 success criterion 1.4.3 level AA.
    assert visit("open", scheme=scheme).evaluate(CONTRAST) == []


def test_dark_is_dark_and_figures_follow(visit):
    colour = "() => getComputedStyle(document.querySelector('figure svg text')).fill"
    body = "() => getComputedStyle(document.body).backgroundColor"
    light, dark = visit("open"), visit("open", scheme="dark")
    assert light.evaluate(body) != dark.evaluate(body)
    assert light.evaluate(colour) != dark.evaluate(colour)


def test_on_paper_it_is_a_document(visit, tmp_path):
    page = visit("open", scheme="dark")
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"


def test_the_readme_has_this_picture(visit, tmp_path):
    """`EQUIPOISE_PICTURE=1` takes it anew; without, the picture must exist and be a PNG."""
    from tests.conftest import ROOT

    target = ROOT / "docs" / "images" / "report.png"
    if os.environ.get("EQUIPOISE_PICTURE"):
        page = visit("open", 1280)
        page.set_viewport_size({"width": 1280, "height": 1250})
        page.screenshot(path=str(target))
    assert target.read_bytes().startswith(b"\x89PNG")
    assert "docs/images/report.png" in (ROOT / "README.md").read_text(encoding="utf-8")
