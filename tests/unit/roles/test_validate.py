"""Settings that do not fit each other are told by the role itself, before it does anything."""

from __future__ import annotations

import pytest
import yaml

from fleet.paths import REPOSITORY

ROLES = sorted(path.parents[1].name for path in REPOSITORY.glob("roles/*/tasks/validate.yml"))
#: Role → settings that it refuses, and a word of what it says.
WRONG = {
    "docker": [
        ({"docker_log_max_size": "20 MB"}, "docker_log_max_size be a number with k, m or g"),
        ({"docker_daemon_options": {"log-driver": "local"}}, "log-driver"),
    ],
    "preflight": [
        ({"preflight_os_releases": {}}, "name at least one system in preflight_os_releases"),
    ],
    "nvidia": [
        ({"nvidia_daemon_options": {}}, "let docker_daemon_options hold what"),
        ({"nvidia_key_fingerprint": "ddcae044f796ecb0"}, "40 hexadecimal digits in capitals"),
    ],
    "upkeep": [
        ({"upkeep_cache_days": 0}, "upkeep_cache_days at least 1"),
        ({"upkeep_caches": [".agent"]}, "none of which begins with a dot"),
    ],
    "smoke": [({"smoke_repository": ""}, "smoke_repository is empty")],
    "queues": [
        ({"queues_names": ["a", "a"]}, "name each of queues_names once"),
        ({"queues_names": []}, "(0 are named)"),
    ],
}
VARIABLES = yaml.safe_load((REPOSITORY / "ansible" / "group_vars" / "all.yml").read_text())
#: What a role wants besides; for Docker on a node with GPUs, what all inventories share.
GIVEN = {
    "nvidia": {"nvidia_daemon_options": VARIABLES["fleet_gpu_daemon_options"]},
    "queues": {"queues_names": ["a"]},
    "smoke": {"smoke_repository": "git://example/fleet.git"},
}
#: Its module looks at what else can be wrong: a matching fleet pays for each task of this role.
BY_ITS_MODULE = "queues"


@pytest.fixture
def given(tmp_path):
    """What a role wants besides, and is right."""
    config = tmp_path / "clearml.conf"
    config.touch(mode=0o600)
    files = {role: {f"{role}_config_file": str(config)} for role in ("queues", "smoke")}
    return {role: {**settings, **files.get(role, {})} for role, settings in GIVEN.items()}


@pytest.mark.parametrize(
    ("role", "settings", "said"),
    [
        pytest.param(role, settings, said, id=f"{role}-{next(iter(settings))}")
        for role, cases in WRONG.items()
        for settings, said in cases
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(run_role, given, role, settings, said):
    run = run_role(role, tasks="validate", **{**given.get(role, {}), **settings})

    assert run.status == 2, run.said
    assert "Fix: " in run.words
    assert said in run.words


@pytest.mark.parametrize("role", WRONG)
def test_the_defaults_fit(run_role, given, role):
    run = run_role(role, tasks="validate", **given.get(role, {}))

    assert run.status == 0, run.said


@pytest.mark.parametrize("tasks", ["validate", "main"])
def test_credentials_that_others_may_read_are_refused(run_role, given, tmp_path, tasks):
    (tmp_path / "clearml.conf").chmod(0o644)
    run = run_role("queues", tasks=tasks, **given["queues"])

    assert run.status == 2
    assert "0600" in run.words


@pytest.mark.parametrize("role", ROLES)
def test_settings_are_looked_at_before_anything_is_done(role):
    """By the role's own first task, or by a playbook's first play, which connects to nobody."""
    first = yaml.safe_load((REPOSITORY / "roles" / role / "tasks" / "main.yml").read_text())[0]
    plays = yaml.safe_load((REPOSITORY / "ansible" / "services.yml").read_text())
    by_playbook = {
        task["ansible.builtin.include_role"]["name"]
        for task in plays[0]["tasks"]
        if task.get("ansible.builtin.include_role", {}).get("tasks_from") == "validate"
    }
    by_itself = first.get("ansible.builtin.import_tasks") == "validate.yml"
    assert by_itself or role in (*by_playbook, BY_ITS_MODULE)
