"""For modules that run on the control machine: what `fleet` says is told as Ansible tells it."""

from __future__ import annotations

from contextlib import contextmanager


@contextmanager
def told(module):
    """Fail the module with what is wrong, instead of a traceback.

    The package `fleet` is imported inside the block: where it or what it needs is missing, that is
    told, too.

    Parameters
    ----------
    module : AnsibleModule
        The module that runs.
    """
    try:
        from fleet.errors import FleetError
    except ImportError as error:
        _fail_without_packages(module, error)
    try:
        yield
    except ImportError as error:
        _fail_without_packages(module, error)
    except FleetError as error:
        module.fail_json(msg=str(error))


def _fail_without_packages(module, error):
    module.fail_json(
        msg=f"{error}. Run Ansible from the repository's .venv (`make venv` creates it)."
    )
