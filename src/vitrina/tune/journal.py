"""What was tried, a JSON line each, beside the recipe to be written: an interrupted search goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vitrina.errors import DataError, RecipeError

HEAD = '{"data": '
"""How the first line begins."""


@dataclass(frozen=True)
class Trial:
    """One setting of one family: its hyperparameters, NDCG@10 alone by placement, seconds it took.

    `given_up`: the seconds it was allowed, where it took longer and was not judged. `folds`: by placement the
    parts of its NDCG@10, as of `prove.by_fold`; none where it was not judged.
    """

    family: str
    params: Mapping[str, Any]
    scores: Mapping[str, float]
    seconds: float
    given_up: float = 0.0
    folds: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Journal:
    """A file whose first line says what its trials were made on."""

    file: Path
    trials: tuple[Trial, ...]

    @staticmethod
    def share(file: Path) -> float:
        """The share of customers that the trials in a file were made on, 0 where none can be read."""
        try:
            with file.open(encoding="utf-8") as lines:
                head, trial = lines.readline(), lines.readline()
            return float(json.loads(head).get("share", 1.0)) if trial.endswith("\n") else 0.0
        except (OSError, ValueError, TypeError, AttributeError):  # which `open` will tell of
            return 0.0

    @classmethod
    def open(cls, file: Path, made_on: Mapping[str, Any]) -> Journal:
        """The trials so far; a new file where there is none. Raises RecipeError where they were made on
        something else, DataError where the file cannot be used."""
        try:
            if not file.exists():
                return cls._new(file, made_on)
            text = file.read_text(encoding="utf-8")
            whole = text[: text.rfind("\n") + 1]  # the writer may have been killed in the middle of a line
            if not whole and (text.startswith(HEAD) or HEAD.startswith(text)):
                return cls._new(file, made_on)
            head, *lines = whole.splitlines() or ["{}"]
            trials = tuple(Trial(**json.loads(line)) for line in lines)
            then = {"share": 1.0, **json.loads(head)}
            if not trials and then.keys() >= made_on.keys():  # of another search nothing is lost
                return cls._new(file, made_on)
            _same(file, then, made_on)
            if whole != text:
                file.write_text(whole, encoding="utf-8")
        except (OSError, ValueError, TypeError) as reason:
            raise DataError(f"cannot use the journal {file}: {reason}; remove it to begin anew") from reason
        return cls(file, trials)

    @classmethod
    def _new(cls, file: Path, made_on: Mapping[str, Any]) -> Journal:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(dict(made_on)) + "\n", encoding="utf-8")
        except OSError as reason:
            raise DataError(f"cannot write {file}: {reason}; give an --out that can be written") from reason
        return cls(file, ())

    def add(self, trial: Trial) -> None:
        """Write one more. Raises DataError where the disk does not take it."""
        try:
            with self.file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(trial)) + "\n")
        except OSError as reason:
            raise DataError(f"cannot write the journal {self.file}: {reason}") from reason


def _same(file: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = [name for name, value in now.items() if then.get(name) != value]
    if changed:
        verb = "differs" if len(changed) == 1 else "differ"
        raise RecipeError(
            f"{file} holds trials of another search: {', '.join(changed)} {verb}; "
            "give another --out, or remove the journal to begin anew"
        )
