"""Errors as the API answers them: an HTTP code, a sub-code and a message."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal that the caller sees in the envelope's `meta`.

    Parameters
    ----------
    code : int
        HTTP status and `result_code`.
    subcode : int
        `result_subcode`: what exactly is wrong, as clients compare it.
    message : str
        `result_msg`.
    """

    def __init__(self, code: int, subcode: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.subcode = subcode
        self.message = message


def _detail(message: str, **values: object) -> str:
    named = ", ".join(f"{key}={value}" for key, value in values.items() if value is not None)
    return f"{message}: {named}" if named else message


def missing_field(name: str) -> ApiError:
    """A required field of the request is not there."""
    return ApiError(400, 11, _detail("Missing required fields", field=name))


def invalid_field(name: str, why: str) -> ApiError:
    """A field of the request has the wrong type or value."""
    return ApiError(400, 12, f"Validation error ({name}: {why})")


def invalid_pattern(pattern: str) -> ApiError:
    """A filter is not a regular expression."""
    return ApiError(400, 21, _detail("Invalid regular expression", pattern=pattern))


def invalid_task(**values: object) -> ApiError:
    """No such task."""
    return ApiError(400, 101, _detail("Invalid task id", **values))


def invalid_status(**values: object) -> ApiError:
    """The task's status does not allow the change."""
    return ApiError(400, 110, _detail("Invalid task status", **values))


def invalid_model(**values: object) -> ApiError:
    """No such model."""
    return ApiError(400, 201, _detail("Invalid model id", **values))


def model_in_use(**values: object) -> ApiError:
    """A model that tasks refer to is not deleted without force."""
    return ApiError(400, 205, _detail("Model is used in tasks", **values))


def invalid_project(**values: object) -> ApiError:
    """No such project."""
    return ApiError(400, 401, _detail("Invalid project id", **values))


def project_has_tasks(**values: object) -> ApiError:
    """A project that holds tasks is not deleted without force."""
    return ApiError(400, 402, _detail("Project has associated tasks", **values))


def invalid_queue(**values: object) -> ApiError:
    """No such queue."""
    return ApiError(400, 701, _detail("Invalid queue id", **values))


def queue_not_empty(**values: object) -> ApiError:
    """A queue that holds tasks is not deleted without force."""
    return ApiError(400, 702, _detail("Queue is not empty", **values))


def task_not_queued(**values: object) -> ApiError:
    """The task is not in that queue."""
    return ApiError(400, 703, _detail("Invalid queue id or task not queued", **values))


def task_already_queued(**values: object) -> ApiError:
    """The task waits in that queue already."""
    return ApiError(400, 706, _detail("Task already queued", **values))


def no_default_queue() -> ApiError:
    """No queue was named, and there is no queue `default`."""
    return ApiError(400, 707, "No default queue is found")


def invalid_data(message: str, **values: object) -> ApiError:
    """A value that cannot be stored."""
    return ApiError(400, 800, _detail(message, **values))


def not_unique(**values: object) -> ApiError:
    """Another object has that name."""
    return ApiError(400, 801, _detail("Value combination already exists", **values))


def worker_not_registered(**values: object) -> ApiError:
    """No such worker."""
    return ApiError(400, 1001, _detail("Worker is not registered", **values))


def unauthorized(subcode: int, message: str) -> ApiError:
    """No or wrong credentials or token."""
    return ApiError(401, subcode, f"Unauthorized ({message})")


def unknown_endpoint(name: str) -> ApiError:
    """The service has no such action."""
    return ApiError(404, 0, _detail("Unable to find endpoint for name", name=name))
