"""The Docker Engine of a node, asked over its socket: no process is started for a question."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
from urllib.parse import quote, urlencode

SOCKET = "/var/run/docker.sock"
# Where Debian, Docker's own packages and an administrator put the daemon.
_DAEMONS = ("/usr/sbin/dockerd", "/usr/bin/dockerd", "/usr/local/bin/dockerd")
_SECONDS = 30


class EngineError(Exception):
    """The engine refused something, or does not answer; the message says what."""


class Engine:
    """One node's engine.

    Parameters
    ----------
    path : str
        Its socket.
    """

    def __init__(self, path=SOCKET):
        self._path = path

    def answers(self):
        """Whether there is an engine that answers."""
        if not os.path.exists(self._path):
            return False
        try:
            return self._request("GET", "/_ping")[0] == http.client.OK
        except EngineError:
            return False

    def there(self):
        """Whether there is an engine, so that there may be containers.

        Raises
        ------
        EngineError
            One is installed and does not answer: what runs on the machine cannot be known.
        """
        if self.answers():
            return True
        if not is_installed():
            return False
        raise EngineError(
            "Docker is installed and does not answer, so that it cannot be known which agents are "
            "there; nothing was changed; fix: start it (`systemctl start docker`) or see "
            "`journalctl --unit docker` on the machine, then run the playbook again"
        )

    def containers(self, **labels):
        """Containers with all of these labels, stopped ones too, as `docker inspect` shows them.

        Parameters
        ----------
        **labels : str
            Label → value, an empty one for any; dots of a label are written as two underscores.
        """
        wanted = [
            f"{name.replace('__', '.')}={value}" if value else name.replace("__", ".")
            for name, value in labels.items()
        ]
        query = urlencode({"all": "1", "filters": json.dumps({"label": wanted})})
        found = (
            self._answer("GET", f"/containers/{one['Id']}/json", absent=None)
            for one in self._answer("GET", f"/containers/json?{query}")
        )
        # One that went meanwhile is no error.
        return [one for one in found if one is not None]

    def has_image(self, reference):
        """Whether an image is there."""
        found = self._answer("GET", f"/images/{quote(reference, safe='/:@')}/json", absent=None)
        return found is not None

    def keep_stopped(self, container):
        """See that the engine does not start a container again when it ends."""
        body = {"RestartPolicy": {"Name": "no"}}
        self._answer("POST", f"/containers/{container}/update", body, absent=None)

    def terminate(self, container):
        """Send SIGTERM; a container that has ended is no error."""
        status, answer = self._request("POST", f"/containers/{container}/kill?signal=TERM")
        if status >= http.client.BAD_REQUEST and status not in (
            http.client.NOT_FOUND,
            http.client.CONFLICT,
        ):
            raise EngineError(_told(answer))

    def remove(self, container):
        """Remove a container that has ended, and the volumes that were its own."""
        self._answer("DELETE", f"/containers/{container}?v=1", absent=None)

    def _answer(self, method, path, body=None, absent=...):
        status, answer = self._request(method, path, body)
        if status == http.client.NOT_FOUND and absent is not ...:
            return absent
        if status >= http.client.BAD_REQUEST:
            raise EngineError(_told(answer))
        return json.loads(answer) if answer else None

    def _request(self, method, path, body=None):
        connection = _Connection(self._path)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"the Docker Engine does not answer ({error})") from error
        finally:
            connection.close()


def is_installed():
    """Whether the machine has a Docker daemon, be it running or not."""
    return any(os.access(path, os.X_OK) for path in _DAEMONS)


def docker(*arguments, timeout=None, env=None):
    """Run the `docker` command to its end.

    Returns
    -------
    tuple of int and str
        Exit status, and all that it said.
    """
    try:
        done = subprocess.run(
            ["docker", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, **(env or {})},
            check=False,
        )
    except FileNotFoundError:
        return 127, "there is no docker command"
    except subprocess.TimeoutExpired:
        return 124, f"docker {arguments[0]} did not end in {timeout} s"
    return done.returncode, done.stdout


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _told(answer):
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace")[:500] or "the Docker Engine gave no reason"
