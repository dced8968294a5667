"""The equations of a virtual patient as data: what an exported file says in MathML.

The same equations as `equipoise.patients` solves (``docs/methods/mechanistic-patients.md``);
tests follow both and compare.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that changes with time.

    Attributes
    ----------
    name, meaning, unit
        As exported; in words; as the parameter tables write units.
    formula
        Of its value (an assignment), or of its rate of change (a state).
    initial
        Of a state, at time 0; None for an assignment.
    """

    name: str
    meaning: str
    unit: str
    formula: str
    initial: float | None = None


#: Compartment → (meaning, what its size is, or None for a place without a volume).
COMPARTMENTS = {
    "depot": ("Where a dose waits to be absorbed", None),
    "lymph": ("Second step of absorption", None),
    "central": ("Central compartment", "V1"),
    "peripheral": ("Peripheral compartment", "Q / k21"),
}

#: Reaction → (meaning, from, to or None, rate in amount per day).
TRANSFERS = {
    "absorption": ("Out of the depot", "depot", "lymph", "ka * amount_depot"),
    "uptake": ("Into blood", "lymph", "central", "kl * amount_lymph"),
    "elimination": ("Out of the body", "central", None, "CL / V1 * amount_central"),
    "distribution": (
        "Between central and peripheral compartment",
        "central",
        "peripheral",
        "Q / V1 * amount_central - k21 * amount_peripheral",
    ),
}

SIGNALS = (
    Quantity("signal_treg", "Occupancy of the Treg receptors", "1",
             "concentration / (concentration + ECT)"),
    Quantity("signal_traffic", "Signal to leave the blood; of a direct effect, its share", "1",
             "concentration / (concentration + EM)"),
    Quantity("background", "Share of severity that placebo and background treatment took", "1",
             "Bmax * (1 - exp(-kB * time))"),
)  # fmt: skip

STATES = (
    Quantity("sensitivity", "Receptor availability", "1",
             "kR * (1 - sensitivity) - kD * signal_treg * sensitivity", 1.0),
    Quantity("margination", "Share of mobile cells outside the blood", "1",
             "kin * signal_traffic * (1 - margination) - kout * margination", 0.0),
    Quantity("activation", "Activation programme", "1",
             "kQ * (signal_treg * sensitivity - activation)", 0.0),
    Quantity("treg", "Treg in the body, fold of baseline", "1",
             "pT * activation - kT * (treg - 1)", 1.0),
    Quantity("th2", "Th2 in the body, fold of baseline", "1",
             "pH * activation - kH * (th2 - 1)", 1.0),
    Quantity("naive_cd4", "Naive CD4+ cells in the body, fold of baseline", "1",
             "pN4 * activation - kN4 * (naive_cd4 - 1)", 1.0),
    Quantity("naive_cd8", "Naive CD8+ cells in the body, fold of baseline", "1",
             "pN8 * activation - kN8 * (naive_cd8 - 1)", 1.0),
    Quantity("nk", "NK cells in the body, fold of baseline", "1",
             "pK * activation - kK * (nk - 1)", 1.0),
    Quantity("eosinophils", "Eosinophils in the body, fold of baseline", "1",
             "pG * activation - kG * (eosinophils - 1)", 1.0),
    Quantity("other_cd4", "Memory and effector CD4+ cells in the body, fold of baseline", "1",
             "kE * (1 / (1 + w * (treg - 1)) - other_cd4)", 1.0),
    Quantity("tone", "Inflammatory tone, its logarithm", "1",
             "kI * (fl * margination - gT * (treg - 1) - gH * (th2 - 1) - gN * (naive_cd4 - 1)"
             " - gD * signal_traffic - tone)", 0.0),
    Quantity("severity", "Severity of depression", "points",
             "kS * (S0 * (1 - background) * (1 - phi * (1 - exp(tone))) - severity)", None),
)  # fmt: skip

_CD4 = "(cd4_treg + cd4_th2 + cd4_naive + cd4_other)"
_CD8 = "(cd8_naive + cd8_other)"

#: What is in the blood, without error of measurement; fractions are of the count at baseline.
BLOOD = (
    Quantity("cd4_treg", "Treg in blood, fraction of CD4+ cells at baseline", "1",
             "fT * treg * (1 - mT * margination)"),
    Quantity("cd4_th2", "Th2 in blood, fraction of CD4+ cells at baseline", "1",
             "fH * th2 * (1 - mC * margination)"),
    Quantity("cd4_naive", "Naive CD4+ cells in blood, fraction of CD4+ cells at baseline", "1",
             "fN * naive_cd4 * (1 - mC * margination)"),
    Quantity("cd4_other", "Other CD4+ cells in blood, fraction of CD4+ cells at baseline", "1",
             "(1 - fT - fH - fN) * other_cd4 * (1 - mE * margination)"),
    Quantity("cd8_naive", "Naive CD8+ cells in blood, fraction of CD8+ cells at baseline", "1",
             "fN8 * naive_cd8 * (1 - mC * margination)"),
    Quantity("cd8_other", "Other CD8+ cells in blood, fraction of CD8+ cells at baseline", "1",
             "(1 - fN8) * (1 - mE * margination)"),
    Quantity("treg_percent", "Treg, % of CD4+ cells", "1", f"100 * cd4_treg / {_CD4}"),
    Quantity("th2_percent", "Th2, % of CD4+ cells", "1", f"100 * cd4_th2 / {_CD4}"),
    Quantity("naive_cd4_percent", "Naive cells, % of CD4+ cells", "1",
             f"100 * cd4_naive / {_CD4}"),
    Quantity("other_cd4_percent", "Other cells, % of CD4+ cells", "1",
             f"100 * cd4_other / {_CD4}"),
    Quantity("naive_cd8_percent", "Naive cells, % of CD8+ cells", "1",
             f"100 * cd8_naive / {_CD8}"),
    Quantity("treg_count", "Treg", "cells/uL", "CD4 * cd4_treg"),
    Quantity("th2_count", "Th2", "cells/uL", "CD4 * cd4_th2"),
    Quantity("naive_cd4_count", "Naive CD4+ cells", "cells/uL", "CD4 * cd4_naive"),
    Quantity("other_cd4_count", "Other CD4+ cells", "cells/uL", "CD4 * cd4_other"),
    Quantity("naive_cd8_count", "Naive CD8+ cells", "cells/uL", "CD8 * cd8_naive"),
    Quantity("cd4_count", "CD4+ cells", "cells/uL", f"CD4 * {_CD4}"),
    Quantity("cd8_count", "CD8+ cells", "cells/uL", f"CD8 * {_CD8}"),
    Quantity("nk_count", "NK cells", "cells/uL", "NK0 * nk * (1 - mK * margination)"),
    Quantity("eosinophil_count", "Eosinophils", "10^9/L",
             "EOS0 * eosinophils * (1 - mG * margination)"),
    Quantity("crp", "C-reactive protein", "mg/L", "CRP0 * exp(cL * tone)"),
)  # fmt: skip
