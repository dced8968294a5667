"""``equipoise randomise``: the list and its seal, or under minimisation people in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from equipoise.cli.commands import Out, Study, app


@app.command()
def randomise(
    study: Study,
    out: Out = Path("out/randomisation"),
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="An open seed, for rehearsal. Left out: a secret one."),
    ] = None,
    verify: Annotated[
        str | None,
        typer.Option(
            "--verify",
            metavar="COMMITMENT",
            help="Check the list in --out against what was published.",
        ),
    ] = None,
    enrolled: Annotated[
        Path | None,
        typer.Option(
            "--enrolled",
            metavar="FILE",
            help="Under minimisation: everybody in the order of enrolment (CSV); whoever is new "
            "gets an arm from the numbers in --out.",
        ),
    ] = None,
) -> None:
    """Draw the randomisation list with its commitment, verify one, or allocate in turn.

    Under minimisation there is no list: what is drawn and sealed are its random numbers, and each
    arm follows from them and from who enrolled before.
    """
    import secrets

    from equipoise.faults import single
    from equipoise.protocol import load_protocol
    from equipoise.randomisation import randomise as draw
    from equipoise.randomisation import (
        read_seal,
        verify_commitment,
        write_allocated,
        write_allocation,
    )

    protocol = load_protocol(study)
    if enrolled is not None:
        if seed is not None or verify is not None:
            raise typer.BadParameter(
                "people are allocated from numbers that were drawn before", param_hint="--enrolled"
            )
        everybody, new = write_allocated(protocol, enrolled, out)
        print(f"{everybody} allocated, {new} of them now")
        print(f"Arms (readable by you alone, keep from the blinded): {out / 'allocation.csv'}")
        return
    if verify is not None:
        if seed is not None:
            raise typer.BadParameter("a list is either drawn or verified", param_hint="--seed")
        frame, seal = read_seal(out)
        if not verify_commitment(frame, protocol.hash, seal.salt, verify):
            raise single(
                "The list is not the one that was committed to",
                code="commitment-differs",
                where=str(out),
                rule="SHA-256 over salt, protocol hash and list equals the published commitment",
                remedy="check study and commitment; if both are right, do not use the list",
            )
        what = "list" if "arm" in frame.columns else "list of random numbers"
        print(f"The {what} of {frame.height} places is the one that was committed to.")
        return
    drawn = draw(protocol, secrets.randbits(128) if seed is None else seed)
    seal = write_allocation(drawn, out, rehearsal=seed is not None)
    if seed is not None:
        print("REHEARSAL: a list from an open seed is not fit for a real trial.")
    print(f"Commitment, to be published now: {seal.commitment}")
    print(f"List and secret (readable by you alone, keep from the blinded): {out}")
