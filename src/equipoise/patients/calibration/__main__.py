"""``python -m equipoise.patients.calibration MODEL``: fit, write table, JSON, figure and page."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from equipoise.faults import EquipoiseError

#: The checkout: what is written lies in src/ and in docs/ of it.
ROOT = Path(__file__).resolve().parents[4]


def main(arguments: list[str] | None = None) -> int:
    """Calibrate a model; 0 when everything was written."""
    from equipoise.patients.calibration.targets import plans

    parser = argparse.ArgumentParser(prog="python -m equipoise.patients.calibration")
    parser.add_argument("model", help="one of: " + ", ".join(plans()))
    name = parser.parse_args(arguments).model
    try:
        calibrate(name)
    except EquipoiseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def calibrate(name: str) -> None:
    """Fit, then write the calibrated values into the model's table, and what was found of them."""
    from equipoise.mechanisms import find_model, model_path
    from equipoise.patients.calibration.figures import write_figure
    from equipoise.patients.calibration.fitting import fit
    from equipoise.patients.calibration.page import page
    from equipoise.patients.calibration.parameter_file import with_new_values
    from equipoise.patients.calibration.prediction_of_belief import predict
    from equipoise.patients.calibration.profile_likelihood import profiles
    from equipoise.patients.calibration.results import all_results
    from equipoise.patients.calibration.sensitivity import sensitivity
    from equipoise.patients.calibration.targets import read_plan

    started = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {words}", flush=True)

    plan, model = read_plan(name), find_model(name)
    fitted = fit(model, plan)
    say("fitted: " + ", ".join(f"{n} {fitted.after[n]:g}" for n in fitted.names))
    model = model.with_values(fitted.after)
    found = profiles(model, plan)
    say("profile likelihoods of " + ", ".join(found))
    sensitive = sensitivity(model, plan.seed)
    say("sensitivity: elasticities and Sobol indices")
    believed = predict(model, plan)
    say(f"prediction over the belief: worth {believed.effective:.0f} draws")
    results = all_results(model, plan, fitted, found, sensitive, believed)
    say("model against targets")
    table = model_path(name)
    table.write_text(
        with_new_values(table.read_text(encoding="utf-8"), fitted.after), encoding="utf-8"
    )
    folder = ROOT / "docs" / "reference"
    (folder / f"{name}-calibration.json").write_text(
        json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    write_figure(results, ROOT / "docs" / "images" / f"{name}-calibration.svg")
    (folder / f"{name}-calibration.md").write_text(page(model, plan, results), encoding="utf-8")
    say(f"written: {table.name}, docs/reference/{name}-calibration.json and .md, one figure")


if __name__ == "__main__":
    sys.exit(main())
