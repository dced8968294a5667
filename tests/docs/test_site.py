"""The documentation site builds strictly, and needs nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if importlib.util.find_spec("mkdocs") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mkdocs is absent, and CI=true: run make docs before make test")
        pytest.skip("the tools of the site are not installed: make docs brings them")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Tags(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.loaded, self.links, self.ids = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found.get("id"), found.get("name")}
        if tag == "a":
            self.links.append(found.get("href") or "")
        elif tag != "link" or found.get("rel") in ("stylesheet", "icon", "preconnect", "preload"):
            self.loaded += [found[name] for name in ("src", "href") if found.get(name)]


def test_every_page_is_on_the_site(site):
    for page in (ROOT / "docs").rglob("*.md"):
        assert (site / page.relative_to(ROOT / "docs").with_suffix(".html")).is_file()
    for name in ("changelog.html", "contributing.html", "search/search_index.js"):
        assert (site / name).is_file()


def test_nothing_is_loaded_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        elsewhere = [url for url in Tags(page).loaded if urlsplit(url).netloc]
        assert not elsewhere, page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8"))


def test_links_lead_to_pages_and_anchors_and_addresses_are_well_formed(site):
    pages = {page: Tags(page) for page in site.rglob("*.html") if page.name != "404.html"}
    for page, tags in pages.items():
        for link in tags.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                assert parts.scheme in ("https", "http"), (page.name, link)
                assert re.fullmatch(r"[a-z0-9.-]+\.[a-z]{2,}", parts.netloc), (page.name, link)
                continue
            target = (page.parent / parts.path).resolve() if parts.path else page
            assert target.exists(), (page.name, link)
            if parts.fragment and target in pages:
                assert parts.fragment in pages[target].ids, (page.name, link)


@pytest.mark.parametrize("wrong", ["[x](nowhere.md)", "[x](tables.md#no-such-anchor)"])
def test_a_broken_link_stops_the_build(site, tmp_path, wrong):
    for name in ("src", "examples", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path / "mine.yml")
    page = tmp_path / "docs" / "results.md"
    page.write_text(page.read_text(encoding="utf-8") + f"\n{wrong}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "mine.yml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode != 0
    assert "no-such-anchor" in done.stderr or "nowhere.md" in done.stderr
