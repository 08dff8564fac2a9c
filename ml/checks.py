"""Quick checks of a user's data file, before it is sent anywhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def check_file(
    path: str | os.PathLike[str],
    target: str,
    kind: str = "auto",
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
) -> None:
    """Refuse a data file that no run could learn from.

    Parameters
    ----------
    path : path
        A CSV or Parquet file.
    target : str
        The column to predict.
    kind : str
        ``auto``, ``regression`` or ``classification``.
    encoding : str
        Of a CSV.
    types : mapping, optional
        Column → type, as in :func:`ml.tabular.data.inspection.inspect`.

    Raises
    ------
    UserError
        An unreadable or empty file, no such target, a constant target, too few rows, …
    """
    # pandas and scikit-learn are loaded only when a file is really to be checked
    from ml.tabular.data.inspection import inspect, known_texts
    from ml.tabular.data.reading import read_arrow

    table = read_arrow(Path(path), known_texts(types or {}), encoding)
    inspect(table, target, Path(path).stem, kind, types, where=str(path))
