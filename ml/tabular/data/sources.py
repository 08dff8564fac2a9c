"""The data sets that scikit-learn bundles: real data without a download."""

from __future__ import annotations

import pandas as pd

from ml.runtime.errors import UserError

PREFIX = "builtin:"

_BUNDLED = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def load_builtin(source: str, where: str = "Data/source") -> tuple[pd.DataFrame, str]:
    """A bundled data set and the name of its target column.

    Parameters
    ----------
    source : str
        ``builtin:NAME``.
    where : str
        The field that named it.

    Returns
    -------
    frame : DataFrame
        Features and the column ``target``; classes bear their names where they have some.
    target : str
    """
    name = source.removeprefix(PREFIX)
    if name not in _BUNDLED:
        raise UserError(
            f"there is no bundled data set {name!r}",
            where=where,
            mend=f"choose one of {', '.join(PREFIX + known for known in _BUNDLED)}",
        )
    # a second and 60 MB that a file of one's own does not need
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.frame.copy()
    names = getattr(bunch, "target_names", None)
    if names is not None and all(isinstance(label, str) for label in names):
        frame["target"] = [str(names[code]) for code in frame["target"]]
    return frame, "target"
