"""The public example with exposures and images, for the tests of both."""

from __future__ import annotations

from tests.conftest import protocol_text

TABLES = """
[exposures.cmv]
label = "Cytomegalovirus antibodies"
kind = "serology"
type = "categorical"
levels = ["negative", "positive"]
level_labels = { positive = "Positive", negative = "Negative" }
covariate = true

[exposures.ctq]
label = "Childhood adversity"
kind = "adversity"
type = "numeric"
unit = "points"
minimum = 25
maximum = 125

[exposures.titre]
label = "Titre"
kind = "serology"
type = "numeric"
unit = "IU/mL"
minimum = 0
maximum = 500
visits = ["baseline", "week6"]

[imaging.tspo]
label = "TSPO binding"
modality = "PET"
tracer = "11C-PK11195"
measure = "binding potential"
unit = "ratio"
regions = ["hippocampus", "prefrontal cortex"]
maximum = 10
visits = ["baseline", "week6"]

[imaging.volume]
label = "Grey matter"
modality = "MRI"
sequence = "T1"
measure = "volume"
unit = "mL"
regions = ["hippocampus"]
maximum = 100
unblinding = true

[endpoints.tspo_hippocampus]
label = "TSPO binding, hippocampus"
imaging = "tspo"
region = "hippocampus"
scale = "change"
better = "lower"
model = "single"

[endpoints.titre]
label = "Titre"
exposure = "titre"
scale = "change"
better = "neither"
model = "single"

[analysis.models.single]
formula = "change ~ baseline + sex + cmv + arm"

[assumptions.statistical.exposures]
cmv = { probabilities = { negative = 0.6, positive = 0.4 } }
ctq = { mean = 45, sd_between = 12 }

[assumptions.statistical.exposures.titre]
mean = 100
sd_between = 30
sd_within = 5
change = { placebo = { week6 = 0 }, drug = { week6 = 20 } }

[assumptions.statistical.imaging.tspo]
mean = { hippocampus = 1.2, "prefrontal cortex" = 1.0 }
cv_between = 0.15
cv_within = 0.08

[assumptions.statistical.imaging.tspo.shift.placebo]
hippocampus = { week6 = 0 }
"prefrontal cortex" = { week6 = 0 }

[assumptions.statistical.imaging.tspo.shift.drug]
hippocampus = { week6 = -0.3 }
"prefrontal cortex" = { week6 = -0.1 }

[assumptions.statistical.imaging.volume]
mean = { hippocampus = 3.5 }
cv_between = 0.1
cv_within = 0.02
shift = {}
"""


def exposed_text(*changes: tuple[str, str]) -> str:
    """The protocol with the tables above: (old, new) pairs, each must occur."""
    text = protocol_text("antidepressant-example") + TABLES
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def write_exposed(folder, *changes):
    """Its file in a folder."""
    path = folder / "protocol.toml"
    path.write_text(exposed_text(*changes), encoding="utf-8")
    return path
