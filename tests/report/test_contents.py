"""The report's sections: each has its template, each template is a section."""

from __future__ import annotations

import re

from tests.light_study import light_fixtures

from equipoise.report.contents import sections

#: Its full numbers do not matter here: the study with few draws.
il2, il2_records, il2_results, blinded_results, write_protocol = light_fixtures()


def test_every_section_has_one_template_and_every_template_is_used(il2_results):
    from importlib import resources

    folder = resources.files("equipoise.report") / "templates" / "sections"
    there = {path.name.removesuffix(".html.j2") for path in folder.iterdir()}
    # `looks` is shown by trials that plan interim looks (tests/analysis/test_interim.py).
    assert there == {section.template for section in sections(il2_results)} | {"title", "looks"}


def test_the_contents_name_what_stands_in_the_page_in_its_order(il2_results, light_report):
    page = (light_report / "report.html").read_text(encoding="utf-8")
    found = re.findall(r'<section id="([^"]+)"', page)
    assert found == [section.key for section in sections(il2_results)]
    for section in sections(il2_results):
        assert f'<h2 id="h-{section.key}">{section.title}</h2>' in page
        for key, _ in section.entries:
            assert f'id="{key}"' in page
