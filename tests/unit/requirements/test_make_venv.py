"""The script that makes the virtual environment."""

import os
import subprocess
import sys
import venv
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "requirements" / "make-venv"


def test_an_environment_that_is_in_path_is_made_anew(tmp_path):
    place = tmp_path / "environment"
    venv.create(place, symlinks=True)
    environment = {
        **{key: value for key, value in os.environ.items() if key != "PYTHON"},
        "PATH": f"{place}/bin:{os.environ['PATH']}",
        # What is installed is another matter: nothing is.
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
    }

    done = subprocess.run(
        [SCRIPT, place], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert "No matching distribution" in done.stderr, done.stderr
    made = subprocess.run([place / "bin" / "python", "-c", "import pip"], check=False)
    assert made.returncode == 0
    assert sys.version_info[:2] == (3, 11)
