"""`python3 -m fleet_agent --queue … --docker IMAGE`: the daemon, with the agent's own options."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from clearml_agent.errors import APIError, Sigterm
from clearml_agent.interface import get_parser
from clearml_agent.session import Session

from fleet_agent.drain import Drain, Drained
from fleet_agent.queues import QueuesGone
from fleet_agent.retries import ask_soon
from fleet_agent.settings import Settings
from fleet_agent.worker import FleetWorker


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon until it is drained.

    Parameters
    ----------
    arguments : sequence of str, optional
        Options of `clearml-agent daemon`; the command line's when left out.

    Returns
    -------
    int
        0 when drained; 1 when the container shall be started again: the server refused
        something, or no longer knows the queues.
    """
    os.umask(0o077)  # the agent copies its configuration, credentials and all, into its folder
    options = sys.argv[1:] if arguments is None else arguments
    parser = get_parser()
    parsed = parser.parse_args(["daemon", "--foreground", *options])
    values = vars(parsed).copy()
    parser.remove_top_level_results(values)
    Session.set_debug_mode(parsed.debug)
    ask_soon()
    settings = Settings.from_environment(os.environ)
    drain = Drain(settings.drain_seconds)
    drain.install()
    try:
        return FleetWorker(drain, settings, **vars(parsed)).daemon(**values) or 0
    except Drained:
        print("Drained: nothing is in hand, leaving", flush=True)
        return 0
    except QueuesGone as gone:
        print(f"error: the server no longer knows these queues: {gone}", file=sys.stderr)
        print("fix: run site.yml, which declares them; this agent starts again", file=sys.stderr)
    except (APIError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
    except (KeyboardInterrupt, Sigterm):
        print("Interrupted", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
