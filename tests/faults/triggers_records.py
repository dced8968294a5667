"""Faults in what records say: outside the plan, outside its ranges, impossible in time."""

from __future__ import annotations

from tests.faults.catalogue import trigger


@trigger
def participant_unknown(box):
    """Somebody in a table has no row in `participants`."""
    box.read("labs", "P1,week4", "P01,week4")


@trigger
def visit_unknown(box):
    """A visit that the protocol does not have."""
    box.read("visits", "week2", "week_2")


@trigger
def day_out_of_window(box):
    """A day lies outside the window of its visit."""
    box.read("visits", "week2,14", "week2,20")


@trigger
def not_planned(box):
    """Something was measured at a visit at which it is not planned."""
    box.read("labs", "week4,28", "week2,14")


@trigger
def level_unknown(box):
    """A value is none of the levels of its covariate or exposure."""
    box.read("exposures", "positive", "pos")


@trigger
def covariate_out_of_range(box):
    """A covariate lies outside the range of the protocol."""
    box.read("participants", "female,40", "female,17")


@trigger
def instrument_unknown(box):
    """A rating scale that the protocol does not use."""
    box.read("scores", "P1,week2,14,hdrs", "P1,week2,14,hamd")


@trigger
def item_unknown(box):
    """An item that the protocol does not record."""
    box.read("scores", "P1,week2,14,hdrs,total", "P1,week2,14,hdrs,18")


@trigger
def score_out_of_range(box):
    """A score lies outside the range of its scale."""
    box.read("scores", "total,20", "total,99")


@trigger
def total_differs(box):
    """A total is not what its recorded items give."""
    items = list(range(1, 18))
    rows = "".join(f"P2,week2,14,hdrs,{n},1\n" for n in items) + "P2,week2,14,hdrs,total,25\n"
    box.files["scores.csv"] += rows.encode()
    box.read(changes=(("items = [3]", f"items = {items}"),))


@trigger
def population_unknown(box):
    """A cell population that the protocol does not have."""
    box.read("cells", "treg", "Tregs")


@trigger
def analyte_unknown(box):
    """A laboratory value that the protocol does not have."""
    box.read("labs", "crp", "hsCRP")


@trigger
def sign_unknown(box):
    """A vital sign that the protocol does not have."""
    box.read("vitals", "pulse", "puls")


@trigger
def exposure_unknown(box):
    """An exposure that the protocol does not have."""
    box.read("exposures", "cmv", "ebv")


@trigger
def measure_unknown(box):
    """A measure of an image that the protocol does not have."""
    box.read("imaging", "volume", "volum")


@trigger
def region_unknown(box):
    """A region that the protocol does not name for this image."""
    box.read("imaging", "left", "middle")


@trigger
def unit_unknown(box):
    """A value is given in another unit than the protocol says. Nothing is converted unasked."""
    box.read("labs", "mg/L,2.5", "mg/dL,0.25")


@trigger
def value_out_of_range(box):
    """A value that cannot be, or is beyond what the protocol holds plausible."""
    box.read("labs", "mg/L,2.5", "mg/L,2500")


@trigger
def grade_out_of_range(box):
    """The grade of an adverse event is not 1 to 5."""
    box.read("adverse_events", "3,5,1,false", "3,5,6,false")


@trigger
def end_before_start(box):
    """An event or a medication ends before it starts."""
    box.read("adverse_events", "3,5,1,false", "5,3,1,false")


@trigger
def organ_class_differs(box):
    """A term stands under another organ class than in the protocol, or under two."""
    box.read("adverse_events", "recovered,\n", "recovered,Psychiatric disorders\n")


@trigger
def protocol_differs(box):
    """Simulated records were drawn from another protocol than the one that analyses them."""
    box.files["manifest.json"] = (
        b'{"origin": "simulated", "scenario": "planned", "seed": 1, "protocol_hash": "'
        + b"0" * 64
        + b'"}'
    )
    box.read()
