"""The module that lays a service down: its files, and what it asks of systemd."""

import collections
import importlib.util
import os
import pwd

import pytest

from fleet.paths import REPOSITORY

PATH = REPOSITORY / "ansible" / "plugins" / "modules" / "node_service.py"
OWN = str(os.geteuid())


@pytest.fixture
def module(monkeypatch):
    """The module, with a systemd that remembers: `.units` is unit → active, enabled.

    Like Docker's unit, none may be started more than three times a minute.
    """
    spec = importlib.util.spec_from_file_location("node_service", PATH)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    loaded.units, loaded.calls, loaded.started = {}, [], {}
    starts = collections.Counter()

    def systemctl(verb, *rest, check=True):
        active, enabled = loaded.units.get(rest[-1] if rest else "", (False, False))
        if verb == "is-active":
            return "active" if active else "inactive"
        if verb == "show":
            return f"@{int(loaded.started[rest[-1]])}" if rest[-1] in loaded.started else ""
        if verb == "is-enabled":
            return "enabled" if enabled else "disabled"
        if verb == "reset-failed":
            del starts[rest[-1]]
            return ""
        if verb in ("start", "restart"):
            starts[rest[-1]] += 1
            if starts[rest[-1]] > 3:
                raise loaded.Failure("Start request repeated too quickly.")
        loaded.calls.append(" ".join([verb, *rest]))
        if verb == "start":
            loaded.units[rest[-1]] = (True, enabled)
        if verb == "enable":
            loaded.units[rest[-1]] = (active, True)
        if verb == "disable":
            loaded.units.pop(rest[-1], None)
        return ""

    monkeypatch.setattr(loaded, "systemctl", systemctl)
    return loaded


def wanted(folder, **more):
    settings = {"path": f"{folder}/etc/settings", "content": "a\n", "mode": "0644"}
    return {
        "state": "present",
        "folders": [{"path": f"{folder}/data", "mode": "0700", "owner": OWN, "group": OWN}],
        "files": [{**settings, "owner": OWN, "group": OWN}],
        "secrets": {f"{folder}/etc/secret": "hidden\n"},
        "secrets_owner": OWN,
        "absent": [],
        "restarted": ["a.service"],
        "started": ["a.timer"],
        "stopped": [],
        "uses": [],
        **more,
    }


def test_a_bare_node_gets_everything_and_then_nothing(module, tmp_path):
    done, _ = module.bring_about(wanted(tmp_path), dry_run=False)

    assert done["written"] == [
        f"{tmp_path}/data",
        f"{tmp_path}/etc/settings",
        f"{tmp_path}/etc/secret",
    ]
    assert done["units"] == {"a.service": "start enable", "a.timer": "start enable"}
    assert (tmp_path / "etc" / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    again, _ = module.bring_about(wanted(tmp_path), dry_run=False)
    assert not any(again.values())


def test_a_dry_run_tells_all_of_that_and_does_nothing(module, tmp_path):
    done, differences = module.bring_about(wanted(tmp_path), dry_run=True)

    assert len(done["written"]) == 3
    assert len(done["units"]) == 2
    assert list(tmp_path.iterdir()) == []
    assert module.calls == []
    assert "hidden" not in str(differences)
    assert [one["after"] for one in differences] == ["a\n"]


def test_what_changes_restarts_the_service_and_no_timer(module, tmp_path):
    module.bring_about(wanted(tmp_path), dry_run=False)
    (tmp_path / "etc" / "settings").write_text("of somebody else\n")
    module.calls.clear()
    done, _ = module.bring_about(wanted(tmp_path), dry_run=False)

    assert done["units"] == {"a.service": "restart"}
    assert module.calls == ["restart a.service"]
    (tmp_path / "etc" / "secret").chmod(0o644)
    assert module.bring_about(wanted(tmp_path), dry_run=False)[0]["written"] == [
        f"{tmp_path}/etc/secret"
    ]


def test_a_service_is_restarted_as_often_as_it_changes(module, tmp_path):
    """systemd limits starts for units that crash; one that it refuses leaves the unit stopped."""
    for number in range(6):
        settings = {**wanted(tmp_path)["files"][0], "content": f"{number}\n"}
        done, _ = module.bring_about(wanted(tmp_path, files=[settings]), dry_run=False)

    assert done["units"] == {"a.service": "restart"}
    assert module.units["a.service"] == (True, True)


def test_systemd_reads_units_anew_only_where_one_changed(module, tmp_path, monkeypatch):
    module.bring_about(wanted(tmp_path), dry_run=False)
    assert "daemon-reload" not in module.calls
    monkeypatch.setattr(module, "UNIT_FOLDER", f"{tmp_path}/")
    (tmp_path / "etc" / "settings").write_text("")
    module.bring_about(wanted(tmp_path), dry_run=False)

    assert module.calls[-2:] == ["daemon-reload", "restart a.service"]


def test_what_is_absent_is_stopped_and_removed_and_data_stay(module, tmp_path):
    etc = {"path": f"{tmp_path}/etc", "mode": "0755", "owner": OWN, "group": OWN}
    service = wanted(tmp_path)
    service["folders"].append(etc)
    module.bring_about(service, dry_run=False)
    (tmp_path / "data" / "kept").touch()
    dry, _ = module.bring_about({**service, "state": "absent"}, dry_run=True)
    done, _ = module.bring_about({**service, "state": "absent"}, dry_run=False)

    assert dry == done
    assert set(done["units"].values()) == {"stop"}
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert not any(module.bring_about({**service, "state": "absent"}, dry_run=False)[0].values())


def test_a_user_who_is_not_there_yet_is_a_difference_in_a_dry_run_and_told_otherwise(
    module, tmp_path
):
    nobody = "no-such-user"
    with pytest.raises(KeyError):
        pwd.getpwnam(nobody)
    service = wanted(tmp_path)
    service["folders"][0].update(owner=nobody, group=nobody)

    assert f"{tmp_path}/data" in module.bring_about(service, dry_run=True)[0]["written"]
    with pytest.raises(module.Failure, match="there is no user no-such-user"):
        module.bring_about(service, dry_run=False)


def test_a_restart_that_an_earlier_run_did_not_come_to_is_made_up_for(module, tmp_path):
    module.bring_about(wanted(tmp_path), dry_run=False)
    laid_down = (tmp_path / "etc" / "settings").stat().st_ctime
    module.started = {"a.service": laid_down - 10, "a.timer": laid_down - 10}

    dry, _ = module.bring_about(wanted(tmp_path), dry_run=True)
    done, _ = module.bring_about(wanted(tmp_path), dry_run=False)

    assert dry["units"] == done["units"] == {"a.service": "restart"}
    assert module.calls[-1] == "restart a.service"
    module.started["a.service"] = laid_down + 10
    again, _ = module.bring_about(wanted(tmp_path), dry_run=False)
    assert not any(again.values())


def test_a_program_that_was_laid_down_after_the_start_restarts_the_unit(module, tmp_path):
    program = tmp_path / "program"
    program.write_text("new")
    module.bring_about(wanted(tmp_path, files=[], secrets={}), dry_run=False)
    module.started = {"a.service": program.stat().st_ctime - 10}

    unaware, _ = module.bring_about(wanted(tmp_path, files=[], secrets={}), dry_run=False)
    done, _ = module.bring_about(
        wanted(tmp_path, files=[], secrets={}, uses=[str(program)]), dry_run=False
    )

    assert unaware["units"] == {}
    assert done["units"] == {"a.service": "restart"}
