"""Immune profiles at baseline: what is planned."""

from __future__ import annotations

from pydantic import Field

from equipoise.protocol.base import Int, Key, Number, Part


class Cutoff(Part):
    """Above which value somebody counts as inflamed, and how common that was elsewhere."""

    above: Number = Field(gt=0, description="In the unit of the laboratory value")
    percent: Number | None = Field(None, ge=0, le=100, description="Published share, per cent")
    lower: Number | None = Field(None, ge=0, le=100, description="Its lower limit, per cent")
    upper: Number | None = Field(None, ge=0, le=100, description="Its upper limit, per cent")
    source: Key | None = Field(None, description="Key of a table in `sources`")


class ProfilesPlan(Part):
    """Inflammation by cut-offs, and latent profiles of markers at baseline."""

    inflammation: Key | None = Field(
        None, description="Laboratory value whose cut-offs say who is inflamed"
    )
    cutoffs: tuple[Cutoff, ...] = Field((), description="Its cut-offs")
    markers: tuple[Key, ...] = Field(
        (),
        description="Predictors and labs of `analysis.prediction` that make the latent profiles, "
        "by their values at baseline; none: no latent profiles",
    )
    most: Int = Field(3, ge=2, le=6, description="Most profiles that are tried")
    related: tuple[Key, ...] = Field(
        (), description="Covariates and exposures that are held against the profiles"
    )
    subsamples: Int = Field(
        100, ge=20, le=10_000, description="Subsamples of four fifths, for stability and intervals"
    )
    permutations: Int = Field(
        999, ge=19, le=1_000_000, description="Permutations for the relations"
    )
    seed: Int = Field(1, ge=0, description="Of all that is drawn; open, and not that of the list")
