"""What a blinded re-estimation of the sample size says, in sentences and as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.report.words import significant
from equipoise.staging import write_files

if TYPE_CHECKING:
    from equipoise.analysis.reestimation_results import Reestimation

#: The file that is written last.
FILE = "reestimation.txt"


def reestimation_sentences(found: Reestimation) -> list[str]:
    """The recommendation first, then what it rests on."""
    simulated = ["SIMULATED DATA."] if found.origin == "simulated" else []
    return [*simulated, _recommended(found), *_basis(found)]


def _recommended(found: Reestimation) -> str:
    planned, taken = found.planned, found.recommended
    aim = (
        f"{100 * found.power:.0f} % power to find {significant(found.effect)} "
        f"({found.label}, {found.visit})"
    )
    if found.needed is None or found.needed > found.maximum:
        more = (
            "no size up to it is enough" if found.needed is None else f"{found.needed} are needed"
        )
        return (
            f"Recommended size: {taken} participants, the most that the protocol allows. For {aim} "
            f"{more}: the trial will have less power."
        )
    if taken == planned:
        return (
            f"Recommended size: {taken} participants, as planned. For {aim} {found.needed} are "
            "needed; the plan makes no trial smaller."
        )
    return f"Recommended size: {taken} participants instead of {planned}, for {aim}."


def _basis(found: Reestimation) -> list[str]:
    unit = "" if found.scale.startswith("log") else f" {found.unit}"
    active, control = found.ratio
    excess = (
        f"A variance without arm means is too large by pi(1 - pi) times the squared effect: with "
        f"arms {active} : {control} and the planned effect by {significant(found.excess)}, "
        f"{100 * found.excess / found.sd**2:.0f} % of what was seen. "
    )
    if found.subtract == "nothing":
        excess += (
            "The plan takes nothing off it, so that the trial is rather too large than too small."
        )
    else:
        excess += (
            f"The plan takes that off: an SD of {significant(found.sd_used)} is used, which is too "
            "small where the effect is smaller than planned."
        )
    return [
        f"Of the first {found.participants} participants {found.known} have an outcome at "
        f"{found.visit} ({100 * found.retention:.0f} %); the size allows for as many losses among "
        "all.",
        f"Standard deviation given baseline and strata, about one mean for all arms: "
        f"{significant(found.sd)}{unit} ({found.scale}; {found.df} degrees of freedom).",
        excess,
        "No arm was looked at. The level of the final test is practically unchanged (see "
        "docs/methods/reestimation.md); the new size is an amendment of the protocol.",
        f"Protocol {found.protocol_hash[:16]}, data {found.data_hash[:16]}, "
        f"Equipoise {found.software}.",
    ]


def write_reestimation(found: Reestimation, folder: str | Path) -> Path:
    """Write ``reestimation.txt`` and ``reestimation.json``, both or none; the text's path.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; it is then as it was before.
    """
    text = "\n".join(reestimation_sentences(found)) + "\n"
    data = json.dumps(found.model_dump(), indent=1, allow_nan=False) + "\n"
    files = {FILE: text.encode(), "reestimation.json": data.encode()}
    write_files(Path(folder), {"reestimation": files}, last=FILE)
    return Path(folder) / FILE
