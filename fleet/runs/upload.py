"""A user's data file on its way to the file server."""

from __future__ import annotations

from pathlib import Path

from fleet.clearml_api import Api
from fleet.errors import FleetError


def upload(api: Api, file: Path, run_id: str) -> str:
    """Put a data file on the file server.

    Parameters
    ----------
    api : Api
        The server; the upload uses its file server and its credentials.
    file : path
        CSV or Parquet.
    run_id : str
        The run that the file is for: files of two runs never overwrite each other.

    Returns
    -------
    str
        The URL that the registration step reads.

    Raises
    ------
    FleetError
        The file server did not take it.
    """
    # Imported late: the SDK reads its configuration, which `connect` has set, when imported.
    from clearml import StorageManager

    url = f"{api.files_url}/uploads/{run_id}/{file.name}"
    if not StorageManager.upload_file(str(file), url, retries=2):
        raise FleetError(
            f"{file.name} could not be uploaded",
            where=url,
            mend="see that the file server answers: fleet local status",
        )
    return url
