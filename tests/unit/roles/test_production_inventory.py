"""The inventory to copy fits the contract, shows what people look for, and holds no secret."""

import pytest
import yaml

from fleet.inventory import inspect
from fleet.paths import REPOSITORY
from tests.own_contract import SPEC

PRODUCTION = REPOSITORY / "inventories" / "production"
HOSTS = (PRODUCTION / "hosts.yml").read_text()
pytestmark = pytest.mark.skipif(
    "example.com" not in HOSTS, reason="a site's own machines are in it: it is no example any more"
)


def test_only_images_that_were_never_built_are_missing():
    found = inspect(SPEC, PRODUCTION)

    assert {problem.rule for problem in found.problems} <= {"image-without-digest"}
    assert found.nodes >= 5


def test_the_vaults_example_names_each_secret_and_holds_none():
    folder = PRODUCTION / "group_vars" / "all"
    example = (folder / "vault.yml.example").read_text()
    main = yaml.safe_load((folder / "main.yml").read_text())
    named = [word for value in main.values() for word in str(value).split() if "vault_" in word]

    assert [word for word in named if word not in example and "group_vars" not in word] == []
    values = yaml.safe_load(example)
    assert set(values.values()) == {"EXAMPLE"}
    assert not (folder / "vault.yml").exists()


@pytest.mark.parametrize("word", ["gpu_nodes", "mig_nodes", "fleet_disabled", "fleet_overrides"])
def test_it_shows_what_people_look_for(word):
    assert word in HOSTS
