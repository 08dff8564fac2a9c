"""`fleet server`: run the embedded ClearML server."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from fleet.server.run import serve
from fleet.server.settings import Settings


@click.command()
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the database, the files and clearml.conf; made when missing.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="ADDR", help="Address to listen on."
)
@click.option(
    "--port",
    default=8008,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the API; 0 takes a free one.",
)
@click.option(
    "--files-port",
    default=8081,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the file store; 0 takes a free one.",
)
@click.option(
    "--api-url",
    metavar="URL",
    help="Address of the API as clients reach it, when it is not http://HOST:PORT.",
)
@click.option("--files-url", metavar="URL", help="Address of the file store as clients reach it.")
def server(
    data: Path, host: str, port: int, files_port: int, api_url: str | None, files_url: str | None
) -> None:
    """Run the embedded ClearML server until it is interrupted.

    It writes DIR/clearml.conf, which works as CLEARML_CONFIG_FILE for the SDK as it is.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    serve(
        data,
        host=host,
        port=port,
        files_port=files_port,
        api_url=api_url,
        files_url=files_url,
        announce=_announce,
    )


def _announce(settings: Settings) -> None:
    click.echo(f"api:    {settings.api_url}")
    click.echo(f"files:  {settings.files_url}")
    click.echo(f"config: {settings.client_config}")
    click.echo("ready")
