"""Records against their protocol: every rule of every table, all faults together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.protocol.plan import AllocationMethod
from equipoise.records.manifest import Manifest
from equipoise.records.model import Records
from equipoise.records.people_flow import check_disposition, check_screening
from equipoise.records.rows import RowFaults, RowPlace
from equipoise.records.schema import (
    BLINDED_DRUG,
    DISPOSITION_EVENTS,
    EXCLUSIONS,
    Table,
    entered_word,
    tables,
)
from equipoise.records.scoring import check_against_items, with_scores
from equipoise.records.validation_of_exposures import check_exposures, check_imaging

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


def validate(
    protocol: Protocol,
    manifest: Manifest | None,
    frames: Mapping[str, pl.DataFrame],
    *,
    faults: list[Fault],
    allocation_list: pl.DataFrame | None,
    notes: tuple[str, ...],
    heading: str = "The records are refused",
    present: frozenset[str] | None = None,
    places: Mapping[str, RowPlace] | None = None,
) -> Records:
    """Check converted tables against the protocol and each other.

    Parameters
    ----------
    frames
        The tables with the columns and types of the schema.
    faults
        What reading already found; the new faults are added.
    present
        Tables for which there was a file, readable or not.
    places
        Table → where its rows stand, for the messages.

    Raises
    ------
    EquipoiseError
        With all faults.
    """
    schema = tables(protocol)
    present = frozenset(frames) if present is None else present
    blinded = "allocation" not in present and not protocol.single_arm
    check = _Checks(protocol, frames, dict(places or {}), blinded, list(notes))
    if "participants" not in present:
        faults.append(
            Fault(
                "table-missing",
                "",
                "participants",
                "",
                "records have a table `participants`, one row a participant",
                "add it; columns: " + ", ".join(c.name for c in schema["participants"].columns),
            )
        )
    if protocol.single_arm:
        faults += [
            Fault(
                "nothing-to-randomise",
                check.file(name),
                "",
                "",
                f"a single-arm trial has no `{name}`: everybody is in its one arm",
                "take the file out",
            )
            for name in ("allocation", "kits")
            if name in present
        ]
    if blinded and "kits" in present:
        faults.append(
            Fault(
                "blind-broken",
                check.file("kits"),
                "",
                "",
                "kits name the drug and stand beside the allocation",
                "move the file to where the allocation is kept",
            )
        )
    for name, frame in frames.items():
        check.unique(schema[name], frame)
        check.people(name, frame)
        check.visits_and_windows(name, frame)
        specific = getattr(check, name, None)
        if specific is not None:
            specific(frame, check.rows(name, frame))
    if allocation_list is not None and "allocation" in frames:
        check.against_list(frames["allocation"], allocation_list)
    faults += check.faults()
    if check.outside.height:
        check.notes.append(
            f"{check.outside.height} visits lie outside their window and were kept, as the "
            "protocol says"
        )
    if manifest is not None and manifest.simulated and manifest.protocol_hash != protocol.hash:
        faults.append(
            Fault(
                "protocol-differs",
                "manifest.json",
                "protocol_hash",
                str(manifest.protocol_hash)[:16] + "…",
                f"simulated records belong to the protocol they were drawn from, "
                f"{protocol.hash[:16]}…",
                "simulate again under the present protocol, or name the one that was used",
            )
        )
    elif manifest is not None and manifest.protocol_hash not in (None, protocol.hash):
        check.notes.append(
            f"The records were captured under another protocol ({manifest.protocol_hash[:16]}…) "
            "than the one that analyses them"
        )
    if allocation_list is not None and not blinded:
        check.notes.append("Each allocation was held against the randomisation list")
    if faults:
        raise EquipoiseError(heading, faults)
    assert manifest is not None
    records = Records(manifest=manifest, notes=tuple(check.notes), **frames)
    return with_scores(protocol, records)


class _Checks:
    """The checks of one set of records; each adds its faults to its table's."""

    def __init__(
        self,
        protocol: Protocol,
        frames: Mapping[str, pl.DataFrame],
        places: dict[str, RowPlace],
        blinded: bool,
        notes: list[str],
    ) -> None:
        self.protocol = protocol
        self.frames = frames
        self.blinded = blinded
        self.notes = notes
        self.outside = pl.DataFrame(schema={"participant": pl.String, "visit": pl.String})
        self._places = places
        self._rows: dict[str, RowFaults] = {}

    def file(self, name: str) -> str:
        return self._places[name].where if name in self._places else name

    def rows(self, name: str, frame: pl.DataFrame) -> RowFaults:
        if name not in self._rows:
            self._rows[name] = RowFaults(
                self._places.get(name, RowPlace(name)), frame, self.protocol, self.blinded
            )
        return self._rows[name]

    def faults(self) -> list[Fault]:
        return [fault for rows in self._rows.values() for fault in rows.faults]

    def unique(self, table: Table, frame: pl.DataFrame) -> None:
        """No two rows share the table's key."""
        key = list(table.key)
        repeated = ~frame.select(pl.struct(key).is_first_distinct()).to_series()
        if repeated.any():
            self.rows(table.name, frame).add(
                repeated,
                code="row-duplicate",
                field=", ".join(key),
                values=frame.select(pl.concat_str(key, separator=" · ", ignore_nulls=True))
                .to_series(),
                rule="each combination stands in one row; this one stood in a row above",
                remedy="remove the row, or correct what tells it apart",
            )  # fmt: skip

    def people(self, name: str, frame: pl.DataFrame) -> None:
        """Everybody named in a table is a participant."""
        people = self.frames.get("participants")
        if people is None or name == "participants" or "participant" not in frame.columns:
            return
        stranger = ~frame["participant"].is_in(people["participant"].implode())
        self.rows(name, frame).add(
            stranger.fill_null(False),
            code="participant-unknown",
            field="participant",
            values=frame["participant"],
            rule="everybody in a table has a row in `participants`",
            remedy="add the row, or correct the identifier",
        )

    def visits_and_windows(self, name: str, frame: pl.DataFrame) -> None:
        """Visits exist and days lie in their windows."""
        if "visit" not in frame.columns:
            return
        rows = self.rows(name, frame)
        ids = [visit.id for visit in self.protocol.visits]
        unknown = ~frame["visit"].is_in(ids)
        rows.add(
            unknown.fill_null(False),
            code="visit-unknown",
            field="visit",
            values=frame["visit"],
            rule="a visit of the protocol: " + ", ".join(ids),
            remedy="correct the visit",
        )
        low = {v.id: v.window[0] for v in self.protocol.visits}
        high = {v.id: v.window[1] for v in self.protocol.visits}
        lowest = frame["visit"].replace_strict(low, default=None, return_dtype=pl.Float64)
        highest = frame["visit"].replace_strict(high, default=None, return_dtype=pl.Float64)
        outside = ((frame["day"] < lowest) | (frame["day"] > highest)).fill_null(False)
        if not outside.any():
            return
        if self.protocol.conduct.out_of_window == "report":
            found = frame.filter(outside).select("participant", "visit").unique()
            self.outside = pl.concat([self.outside, found]).unique()
            return
        windows = "; ".join(
            f"{v.id} {v.window[0]:g} to {v.window[1]:g}" for v in self.protocol.visits
        )
        rows.add(
            outside,
            code="day-out-of-window",
            field="day",
            values=frame["day"],
            rule=f"the day lies in the visit's window ({windows})",
            remedy='correct the day or the visit, or set conduct.out_of_window = "report"',
        )

    def _one_of(
        self, rows: RowFaults, series: pl.Series, valid: list[str], code: str, what: str
    ) -> None:
        wrong = (series.is_not_null() & ~series.is_in(valid)).fill_null(False)
        if wrong.any():
            example = str(series.filter(wrong)[0])
            rows.add(
                wrong,
                code=code,
                field=series.name,
                values=series,
                rule=f"{what}: {', '.join(valid)}",
                remedy=nearest(example, valid),
            )

    def participants(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        for name, covariate in self.protocol.population.covariates.items():
            if covariate.type == "categorical":
                self._one_of(
                    rows, frame[name], list(covariate.levels), "level-unknown", f"levels of {name}"
                )
            else:
                self._range(rows, frame[name], covariate.minimum, covariate.maximum, "covariate")
        for name in self.protocol.randomisation.strata:
            rows.add(
                frame[name].is_null(),
                code="cell-empty",
                field=name,
                values=None,
                rule=f"randomisation is stratified by `{name}`: everybody has a value",
                remedy="fill it in",
            )

    def _range(
        self,
        rows: RowFaults,
        series: pl.Series,
        low: float | None,
        high: float | None,
        what: str,
    ) -> None:
        outside = pl.Series([False] * series.len(), dtype=pl.Boolean)
        if low is not None:
            outside = outside | (series < low).fill_null(False)
        if high is not None:
            outside = outside | (series > high).fill_null(False)
        rows.add(
            outside,
            code=f"{what}-out-of-range",
            field=series.name,
            values=series,
            rule=f"the {what} lies between {low} and {high}",
            remedy="correct it, or leave it empty where it was not measured",
        )

    def allocation(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        protocol = self.protocol
        self._one_of(rows, frame["arm"], list(protocol.arms), "arm-unknown", "arms")
        self._one_of(rows, frame["stratum"], list(protocol.strata), "stratum-unknown", "strata")
        numbered = frame["sequence"].is_not_null()
        in_turn = protocol.randomisation.method is AllocationMethod.MINIMISATION
        place = pl.struct("sequence") if in_turn else pl.struct("stratum", "sequence")
        repeated = ~frame.select(place.is_first_distinct()).to_series()
        rows.add(
            numbered & repeated,
            code="sequence-twice",
            field="sequence",
            values=frame["sequence"],
            rule="a place in the order of enrolment is given to one participant"
            if in_turn
            else "a place in the list of a stratum is given to one participant",
            remedy="correct one of the two",
        )
        people = self.frames.get("participants")
        if people is None:
            return
        missing = people.filter(
            ~pl.col("participant").is_in(frame["participant"].implode())
        )["participant"]  # fmt: skip
        for participant in missing.to_list():
            rows.faults.append(
                Fault(
                    "participant-not-allocated",
                    self.file("allocation"),
                    "participant",
                    str(participant),
                    "every row of `participants` is a randomised participant",
                    "add the allocation, or take the participant out of `participants`",
                )
            )
        strata = list(protocol.randomisation.strata)
        if not strata or not set(strata) <= set(people.columns):
            return
        actual = people.select(
            "participant", pl.concat_str(strata, separator=" / ").alias("actual")
        ).unique("participant")
        joined = frame.join(actual, on="participant", how="left", maintain_order="left")
        rows.add(
            (joined["stratum"] != joined["actual"]).fill_null(False),
            code="stratum-differs",
            field="stratum",
            values=frame["stratum"],
            rule="the stratum is the one that the participant's covariates give: "
            + " / ".join(strata),
            remedy="correct the stratum or the covariate",
        )

    def against_list(self, frame: pl.DataFrame, listed: pl.DataFrame) -> None:
        """Everybody got the arm that stands at their place in the list."""
        rows = self.rows("allocation", frame)
        drawn = listed.select("stratum", "sequence", pl.col("arm").alias("listed"))
        joined = frame.join(drawn, on=["stratum", "sequence"], how="left", maintain_order="left")
        rows.add(
            joined["listed"].is_null(),
            code="not-in-list",
            field="sequence",
            values=frame["sequence"],
            rule="every allocation has a place in the randomisation list",
            remedy="correct stratum or sequence, or name the right list",
        )
        rows.add(
            (joined["listed"] != joined["arm"]).fill_null(False),
            code="not-as-listed",
            field="arm",
            values=frame["arm"],
            rule="the arm is the one at this place in the randomisation list",
            remedy="correct it, or record the deviation and analyse as randomised",
        )

    def scores(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        protocol = self.protocol
        self._one_of(
            rows, frame["instrument"], list(protocol.instruments), "instrument-unknown",
            "instruments",
        )  # fmt: skip
        for key, use in protocol.instruments.items():
            scale = protocol.scale(key)
            mine = frame["instrument"] == key
            items = protocol.parts(key)
            rows.add(
                (mine & ~frame["item"].is_in(items)).fill_null(False),
                code="item-unknown",
                field="item",
                values=frame["item"],
                rule=f"items of {key}: {', '.join(items)}",
                remedy="correct the item",
            )
            for item in items:
                low, high = scale.range_of(item)
                outside = (
                    mine
                    & (frame["item"] == item)
                    & ((frame["score"] < low) | (frame["score"] > high))
                ).fill_null(False)
                rows.add(
                    outside,
                    code="score-out-of-range",
                    field="score",
                    values=frame["score"],
                    rule=f"{scale.label} {scale.label_of(item)} lies between {low} and {high}",
                    remedy="correct it, or leave it empty where it was not rated",
                )
            self._planned(rows, frame, mine, key, use.visits)
        check_against_items(protocol, frame, rows)

    def _planned(
        self, rows: RowFaults, frame: pl.DataFrame, mine: pl.Series, key: str, visits: object
    ) -> None:
        planned = list(visits)  # type: ignore[call-overload]
        known = [v.id for v in self.protocol.visits]
        rows.add(
            (mine & frame["visit"].is_in(known) & ~frame["visit"].is_in(planned)).fill_null(False),
            code="not-planned",
            field="visit",
            values=frame["visit"],
            rule=f"`{key}` is planned at {', '.join(planned)}",
            remedy="correct the visit, or add it to the protocol by an amendment",
        )

    def cells(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        protocol = self.protocol
        self._one_of(
            rows, frame["population"], list(protocol.cells), "population-unknown", "populations"
        )
        for key, population in protocol.cells.items():
            mine = frame["population"] == key
            rows.add(
                (mine & ~frame["unit"].is_in([str(u) for u in population.units])).fill_null(False),
                code="unit-unknown",
                field="unit",
                values=frame["unit"],
                rule=f"units of {key}: {', '.join(population.units)}",
                remedy="correct the unit",
            )
            self._planned(rows, frame, mine, key, population.visits)
        percent = frame["unit"].str.starts_with("%")
        outside = (frame["value"] < 0) | (percent & (frame["value"] > 100))
        rows.add(
            outside.fill_null(False),
            code="value-out-of-range",
            field="value",
            values=frame["value"],
            rule="a percentage lies between 0 and 100, a count is not negative",
            remedy="correct it, or leave it empty where it was not measured",
        )

    def labs(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        protocol = self.protocol
        self._one_of(rows, frame["analyte"], list(protocol.labs), "analyte-unknown", "analytes")
        for key, lab in protocol.labs.items():
            mine = frame["analyte"] == key
            rows.add(
                (mine & (frame["unit"] != lab.unit)).fill_null(False),
                code="unit-unknown",
                field="unit",
                values=frame["unit"],
                rule=f"{key} is given in {lab.unit}",
                remedy="convert the values and correct the unit",
            )
            outside = mine & ((frame["value"] < lab.minimum) | (frame["value"] > lab.maximum))
            rows.add(
                outside.fill_null(False),
                code="value-out-of-range",
                field="value",
                values=frame["value"],
                rule=f"{key} lies between {lab.minimum:g} and {lab.maximum:g} {lab.unit}",
                remedy="correct it, or leave it empty where it was not measured",
            )
            self._planned(rows, frame, mine, key, lab.visits)

    def vitals(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        protocol = self.protocol
        self._one_of(rows, frame["sign"], list(protocol.vitals), "sign-unknown", "vital signs")
        for key, sign in protocol.vitals.items():
            mine = frame["sign"] == key
            rows.add(
                (mine & (frame["unit"] != sign.unit)).fill_null(False),
                code="unit-unknown",
                field="unit",
                values=frame["unit"],
                rule=f"{key} is given in {sign.unit}",
                remedy="convert the values and correct the unit",
            )
            outside = mine & ((frame["value"] < sign.minimum) | (frame["value"] > sign.maximum))
            rows.add(
                outside.fill_null(False),
                code="value-out-of-range",
                field="value",
                values=frame["value"],
                rule=f"{key} lies between {sign.minimum:g} and {sign.maximum:g} {sign.unit}",
                remedy="correct it, or leave it empty where it was not measured",
            )
            self._planned(rows, frame, mine, key, sign.visits)

    def exposures(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        check_exposures(self.protocol, frame, rows, self._one_of, self._planned)

    def imaging(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        check_imaging(self.protocol, frame, rows, self._one_of, self._planned)

    def doses(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        rows.add(
            (frame["amount"] < 0).fill_null(False),
            code="value-out-of-range",
            field="amount",
            values=frame["amount"],
            rule="an amount is not negative",
            remedy="correct it",
        )
        rows.add(
            (frame["drug"] != BLINDED_DRUG).fill_null(False) & (not self.protocol.single_arm),
            code="blind-broken",
            field="drug",
            values=frame["drug"],
            rule=f"`doses` names the drug `{BLINDED_DRUG}`; what a kit holds stands in `kits`, "
            "beside the allocation",
            remedy=f"write `{BLINDED_DRUG}` and the volume",
        )
        kits = self.frames.get("kits")
        if kits is not None:
            rows.add(
                (frame["kit"].is_not_null() & ~frame["kit"].is_in(kits["kit"].implode())).fill_null(
                    False
                ),
                code="kit-unknown",
                field="kit",
                values=frame["kit"],
                rule="every kit has a row in `kits`",
                remedy="correct the number, or add the kit",
            )

    def adverse_events(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        rows.add(
            ((frame["grade"] < 1) | (frame["grade"] > 5)).fill_null(False),
            code="grade-out-of-range",
            field="grade",
            values=frame["grade"],
            rule="the grade lies between 1 and 5",
            remedy="correct it",
        )
        rows.add(
            (frame["end_day"] < frame["start_day"]).fill_null(False),
            code="end-before-start",
            field="end_day",
            values=frame["end_day"],
            rule="an event does not end before it starts",
            remedy="correct one of the two days",
        )
        self._organ_classes(frame, rows)

    def _organ_classes(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        """A term has one organ class: that of the protocol where it names the term."""
        named = {term: event.organ_class for term, event in self.protocol.safety.events.items()}
        planned = frame["term"].replace_strict(named, default=None, return_dtype=pl.String)
        rows.add(
            (planned != frame["organ_class"]).fill_null(False),
            code="organ-class-differs",
            field="organ_class",
            values=frame["organ_class"],
            rule="a term that the protocol names has the organ class of the protocol",
            remedy="leave the cell empty, or amend safety.events",
        )
        first = frame.select(
            pl.col("organ_class")
            .drop_nulls()
            .first()
            .over("term", mapping_strategy="group_to_rows")
        ).to_series()
        rows.add(
            (planned.is_null() & (first != frame["organ_class"])).fill_null(False),
            code="organ-class-differs",
            field="organ_class",
            values=frame["organ_class"],
            rule="a term has the same organ class in every row",
            remedy="correct one of the two",
        )

    def medications(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        rows.add(
            (frame["end_day"] < frame["start_day"]).fill_null(False),
            code="end-before-start",
            field="end_day",
            values=frame["end_day"],
            rule="a medication does not end before it starts",
            remedy="correct one of the two days",
        )

    def disposition(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        self._one_of(rows, frame["event"], list(DISPOSITION_EVENTS), "event-unknown", "events")
        check_disposition(frame, rows, self.frames.get("allocation"))

    def screening(self, frame: pl.DataFrame, rows: RowFaults) -> None:
        entered = entered_word(self.protocol)
        self._one_of(rows, frame["outcome"], [entered, *EXCLUSIONS], "outcome-unknown", "outcomes")
        check_screening(frame, rows, entered, self.frames.get("participants"))
