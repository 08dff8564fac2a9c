"""The one shape of an error that a user can mend: what is wrong, where, what to do about it."""

from __future__ import annotations


class UserError(Exception):
    """Something that a user did, or can put right; it is shown without a traceback.

    Parameters
    ----------
    what : str
        What is wrong, as a sentence without a full stop.
    where : str
        The file and line, the field, or the task.
    mend : str
        What to do about it.
    failure_class : str
        The kind of cause, one of :data:`ml.runtime.failures.CLASSES`.
    """

    def __init__(
        self, what: str, *, where: str = "", mend: str = "", failure_class: str = "override"
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend
        self.failure_class = failure_class

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"   at: {self.where}")
        if self.mend:
            lines.append(f"  fix: {self.mend}")
        return "\n".join(lines)


class DataError(UserError):
    """Data that cannot be read or cannot be learned from."""

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what, where=where, mend=mend, failure_class="data-access")
