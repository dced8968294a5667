"""The reference pages say what the code says. `EQUIPOISE_TABLES=1` writes them anew."""

from __future__ import annotations

import pytest
from tests.docs.pages import hold
from tests.faults.catalogue import fault_page
from tests.faults.model_faults import model_fault_page

from equipoise.mechanisms import builtin_models, find_model
from equipoise.mechanisms.description import parameter_page
from equipoise.protocol.field_reference import field_page


def test_the_page_of_protocol_fields_is_the_models():
    hold("reference/protocol-fields.md", field_page())


def test_the_page_of_faults_is_what_is_said():
    hold("reference/faults.md", fault_page())


def test_the_page_of_model_faults_is_what_is_said():
    hold("reference/model-faults.md", model_fault_page())


@pytest.mark.parametrize("name", builtin_models())
def test_the_page_of_numbers_is_the_model(name):
    hold(f"reference/{name}-parameters.md", parameter_page(find_model(name)))
