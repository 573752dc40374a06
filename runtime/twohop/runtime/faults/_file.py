"""A plan as it is written down: a list of rules, or `{twohop: 1, seed, faults: [rules]}`, in YAML or as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ._kinds import FaultError

FORMAT = 1


def read_faults(path: Path) -> Mapping[str, Any]:
    """Return the data of a YAML file `{twohop: 1, seed, faults: [...]}`; FaultError says what is wrong with it."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise FaultError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, Mapping):
        raise FaultError(f"{path}: expected a mapping with a list of faults; got {type(data).__name__}")
    rules, seed = faults_of(data, str(path))
    return {"faults": rules, **({} if seed is None else {"seed": seed})}


def faults_of(data: Any, where: str) -> tuple[Sequence[Any], int | None]:
    """Return the rules and the seed of `{seed, faults: [...]}`, or of a list of rules alone."""
    if data is None:
        return (), None
    if isinstance(data, Mapping):
        for name in data:
            if name not in ("twohop", "seed", "faults"):
                raise FaultError(f"{where}: there is no {name!r}; there are twohop, seed, faults")
        if data.get("twohop", FORMAT) != FORMAT:
            raise FaultError(f"{where}: 'twohop' says the format, {FORMAT}; got {data['twohop']!r}")
        seed, rules = data.get("seed"), data.get("faults", [])
    else:
        seed, rules = None, data
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise FaultError(f"{where}: seed is a whole number; got {seed!r}")
    if isinstance(rules, str | bytes) or not isinstance(rules, Iterable):
        raise FaultError(f"{where}: expected a list of faults; got {rules!r}")
    return list(rules), seed
