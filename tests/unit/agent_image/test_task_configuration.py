"""What is read quickly is what the agent's own parser reads."""

import json
import subprocess
import sys
from pathlib import Path

import clearml_agent.backend_api.config
import pytest
from clearml_agent.external.pyhocon import ConfigFactory
from fleet_task import configuration

from fleet.paths import REPOSITORY

AGENT = REPOSITORY / "images" / "agent"
DEFAULTS = sorted(Path(clearml_agent.backend_api.config.__file__).parent.rglob("*.conf"))
SITE = {
    "agent": {
        "git_pass": "s3cret",
        "sanitize_config_printout": {"hide_secrets": ["^key$", "a.b", "secret"]},
        "venvs_cache": {"path": "", "max_entries": 3},
        "docker_init_bash_script": ["true"],
    },
    "api": {"api_server": "http://localhost:8008", "credentials": {"access_key": "a:b#c"}},
    "sdk": {"aws": {"s3": {"credentials": [{"bucket": "x/y", "secret": 'q"${z}\\n', "n": None}]}}},
}


@pytest.fixture
def quick(tmp_path, monkeypatch):
    known = tmp_path / "known.json"
    configuration.keep_known(known)
    monkeypatch.setattr(configuration, "KNOWN", known)
    slow = ConfigFactory.__dict__["parse_string"]
    monkeypatch.setattr(ConfigFactory, "parse_string", slow)  # put back at the end
    configuration.read_quickly()


def _slowly(file):
    program = (
        "import json, sys; from clearml_agent.external.pyhocon import ConfigFactory; "
        "print(json.dumps(ConfigFactory.parse_file(sys.argv[1]).as_plain_ordered_dict()))"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, str(file)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.parametrize("file", DEFAULTS, ids=lambda file: file.stem)
def test_the_agents_own_files(quick, file, monkeypatch):
    def never(*_arguments):
        raise AssertionError("parsed")

    monkeypatch.setattr("clearml_agent.external.pyhocon.config_parser.ConfigParser.parse", never)

    assert ConfigFactory.parse_file(str(file)).as_plain_ordered_dict() == _slowly(file)


def test_what_the_outer_agent_writes(quick, tmp_path):
    whole = {file.stem: _slowly(file) for file in DEFAULTS} | SITE
    file = tmp_path / "clearml.conf"
    file.write_text(json.dumps(whole, indent=4))

    assert ConfigFactory.parse_file(str(file)).as_plain_ordered_dict() == _slowly(file)


def test_other_texts_are_left_to_the_parser(quick):
    assert ConfigFactory.parse_string("{ a.b: 1 } # HOCON").get("a.b") == 1


def test_the_sdk_gets_no_secret_of_the_agent():
    assert set(configuration.for_sdk(SITE)) == {"api", "sdk"}


def test_the_tools_for_packages_are_loaded_when_they_are_used():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from fleet_task.imports import without_package_tools; without_package_tools()\n"
        "import clearml_agent.commands\n"
        "from clearml_agent.external.requirements_parser import parse\n"
        "assert not hasattr(sys.modules['pkg_resources'], '__file__')\n"
        "(found,) = parse('numpy[x]>=1 ; python_version > \"3\"')\n"
        "assert found.name == 'numpy' and found.extras == ['x'], found\n"
        "assert sys.modules['pkg_resources'].__file__\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, str(AGENT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
