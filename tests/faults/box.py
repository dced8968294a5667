"""A folder in which a fault is provoked: a small trial and its records, to be spoilt."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import equipoise as eq
from equipoise.design.kept_characteristics import software_key
from equipoise.faults import EquipoiseError, Fault

TRIAL = Path(__file__).with_name("trial.toml")

#: Records of two people that fit the trial.
RECORDS = {
    "manifest.json": '{"origin": "observed", "source": "a hospital"}\n',
    "participants.csv": "participant,site,sex,age\nP1,1,female,40\nP2,1,male,50\n",
    "allocation.csv": "participant,stratum,sequence,arm,day\nP1,female,1,active,0\nP2,male,1,placebo,0\n",
    "kits.csv": "kit,drug,amount,unit\nK1,drug,10,mg\n",
    "screening.csv": "screened,outcome,reason\nS1,randomised,\nS2,randomised,\nS3,declined,no time\n",
    "visits.csv": "participant,visit,day\nP1,baseline,0\nP1,week2,14\n",
    "scores.csv": "participant,visit,day,instrument,item,score\n"
    "P1,baseline,0,hdrs,total,24\nP1,week2,14,hdrs,total,20\nP2,baseline,0,hdrs,total,22\n",
    "cells.csv": "participant,visit,day,population,unit,value\nP1,week4,28,treg,%CD4,6.5\n",
    "labs.csv": "participant,visit,day,analyte,unit,value\nP1,week4,28,crp,mg/L,2.5\n",
    "vitals.csv": "participant,visit,day,sign,unit,value\nP1,week4,28,pulse,1/min,70\n",
    "exposures.csv": "participant,visit,day,exposure,value\nP1,baseline,0,cmv,positive\n",
    "imaging.csv": "participant,visit,day,measure,region,unit,value\nP1,baseline,0,volume,left,mm3,3000\n",
    "doses.csv": "participant,day,kit,drug,amount,unit,route\nP1,0,K1,study drug,1,mL,oral\n",
    "adverse_events.csv": "participant,term,start_day,end_day,grade,serious,related,outcome,organ_class\n"
    "P1,Headache,3,5,1,false,true,recovered,\n",
    "medications.csv": "participant,start_day,end_day,drug,class,dose,unit,reason\n"
    "P1,0,28,sertraline,antidepressant,50,mg,depression\n",
    "disposition.csv": "participant,event,day,reason\nP1,completed,28,\nP2,discontinued,14,withdrew\n",
}


@dataclass
class Box:
    """The present folder, empty at first."""

    monkeypatch: pytest.MonkeyPatch
    files: dict[str, bytes] = field(
        default_factory=lambda: {k: v.encode() for k, v in RECORDS.items()}
    )

    def write(self, path: str, content: str | bytes) -> Path:
        """A file in the folder."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def protocol(self, *changes: tuple[str, str]) -> Path:
        """The small trial with (old, new) pairs of text, as protocol.toml."""
        text = TRIAL.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        return self.write("protocol.toml", text)

    def check(self, *changes: tuple[str, str]) -> eq.Protocol:
        """The small trial with changes, checked."""
        return eq.load_protocol(self.protocol(*changes))

    def read(
        self,
        table: str = "",
        old: str = "",
        new: str = "",
        *,
        without: tuple[str, ...] = (),
        changes: tuple[tuple[str, str], ...] = (),
        listed: str | None = None,
    ) -> eq.Records:
        """The records with `old` in a table's file replaced by `new`, read."""
        if table:
            name = f"{table}.csv"
            text = self.files[name].decode()
            assert old in text, old
            self.files[name] = text.replace(old, new, 1).encode()
        for name, content in self.files.items():
            if name.split(".")[0] not in without:
                self.write(f"data/{name}", content)
        return eq.read_records("data", self.check(*changes), allocation_list=listed)

    def failing(self, name: str, error: int, after: int = 0) -> None:
        """From its call number `after` on, a call of the operating system fails."""
        real: Callable[..., object] = getattr(os, name)
        calls = []

        def broken(*arguments: object, **options: object) -> object:
            calls.append(name)
            if len(calls) > after:
                raise OSError(error, os.strerror(error))
            return real(*arguments, **options)

        self.monkeypatch.setattr(os, name, broken)

    def command(self, *arguments: str) -> None:
        """A command, called as the terminal does, without what turns errors into exit codes."""
        from equipoise.cli import application

        application()(list(arguments), standalone_mode=False)


@contextmanager
def boxed(folder: Path) -> Iterator[Box]:
    """An empty folder as the present one."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        yield Box(monkeypatch)


def provoked(trigger: Callable[[Box], object], folder: Path) -> EquipoiseError:
    """The error that a trigger raises in an empty folder."""
    with boxed(folder) as box:
        try:
            trigger(box)
        except EquipoiseError as error:
            return error
    raise AssertionError(f"{trigger.__name__} provokes nothing")


def example(error: EquipoiseError, code: str) -> str:
    """The message of the first fault of this kind, as it is said.

    Names that a run draws, and fingerprints of the sources, are replaced: the page of faults is
    not another one with every change of a line of code.
    """
    fault: Fault = next(f for f in error.faults if f.code == code)
    text = EquipoiseError(error.heading, [fault]).render()
    text = re.sub(r"\.equipoise-\w+", ".equipoise-k3v9x2ab", text)
    text = re.sub(r"[0-9a-f]{24}(?=\.trials)", "20ee4f84b20a9895395ebede", text)
    return text.replace(software_key(), "3983203952522be4")
