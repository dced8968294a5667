"""What the published figures do not agree on, in plain words."""

CONFLICTS = (
    "**Kirchner against Konrad and the label.** With the published clearance the area under the "
    "curve of 20 MIU/m2 means that an eighth of a subcutaneous dose reaches the blood; the label "
    "says 31 to 47 %, the published plateau means about half. No linear model meets all three. "
    "The model stays inside the label, below the plateau, and misses Kirchner by a factor of "
    "three; assays, units, repeated high doses and other patients are possible reasons. What the "
    "cells do at low doses is hardly touched, since their response was fitted to doses.",
    "**20 % after one dose, 17 % after four.** A single dose of 0.9 MIU is said to raise Treg by "
    "20 % at its highest, four doses of 1 MIU by 17 % just before the fifth. The model meets both "
    "only because cells leave the blood after every dose: the pool in the body is then larger "
    "than blood shows. Part of the difference is arithmetic: the highest of five noisy samples is "
    "some 6 % above baseline without any drug.",
    "**When the peak comes.** After a single dose Treg are said to be high from day 2; in the "
    "model they are highest on about day 5. A faster programme of activation would bring the "
    "peak forward at the cost of other targets.",
    "**How flat the dose response is.** Half of the signal at 0.24 IU/mL, the upper end of the "
    "in-vitro window, saturates at doses that are given: the model's response rises too little "
    "from the lowest doses on; that of Hartemann, as recalled, is steeper and higher. A higher "
    "effective concentration would fit better, as its profile shows; the window was kept.",
    "**Desensitisation.** That the receptor becomes less available is known; how much cannot be "
    "told from these figures. It stays as a mechanism with assumed size.",
    "**Nothing is known of sizes beyond Treg.** Th2, naive cells, inflammatory tone and its link "
    "to mood have published directions and no published sizes. Their gains are assumed. What the "
    "model says about mood is the trial's hypothesis put into numbers, not evidence for it.",
)
