import pytest

from fleet.errors import FleetError, FleetErrors
from fleet.object_stores import credentials_by_group
from fleet.spec import Spec

SECRET = {"key": "AKID", "secret": "s3cret"}


def spec(**stores):
    """A contract with these groups and their stores."""
    groups = {
        name: {"image": "cpu", "data": {"object_stores": listed}} for name, listed in stores.items()
    }
    return Spec.model_validate(
        {
            "version": 1,
            "images": {"cpu": {"repository": "fleet/cpu"}},
            "node_groups": groups,
            "queues": {"work": {"node_group": "cpu_nodes", "priority": 1, "phases": ["training"]}},
        }
    )


def store(url, **other):
    return {"url": url, "credentials": "vault_store", **other}


def entry(url, **other):
    found = credentials_by_group(
        spec(cpu_nodes=[store(url, **other)]), ["cpu_nodes"], {"vault_store": SECRET}
    )
    return found["cpu_nodes"][0]


def test_a_bucket_at_aws_has_no_host():
    found = entry("s3://my-data", region="eu-central-1", secure=False)

    assert (found["host"], found["bucket"], found["region"]) == ("", "my-data", "eu-central-1")
    assert found["secure"] is True
    assert (found["key"], found["secret"]) == ("AKID", "s3cret")


def test_a_store_of_ones_own_is_its_host_and_port():
    found = entry("s3://store.example.com:9000/models", secure=False)

    assert (found["host"], found["bucket"]) == ("store.example.com:9000", "models")
    assert found["secure"] is False
    assert entry("s3://store.example.com:9000")["bucket"] == ""


def test_only_the_groups_of_the_node_get_credentials():
    contract = spec(cpu_nodes=[], gpu_nodes=[store("s3://a")])

    assert credentials_by_group(contract, ["cpu_nodes", "all"], {}) == {"cpu_nodes": []}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "'vault_store' is not defined"),
        ({"vault_store": "s3cret"}, "'vault_store' is not a mapping"),
        ({"vault_store": {"key": "AKID"}}, "has no `secret`"),
        ({"vault_store": {"key": " ", "secret": None}}, "has no `key` and no `secret`"),
    ],
)
def test_what_is_missing_in_the_vault_is_told_by_name_and_nothing_of_it(variables, said):
    contract = spec(cpu_nodes=[store("s3://a")])
    with pytest.raises(FleetError, match=said) as error:
        credentials_by_group(contract, ["cpu_nodes"], variables)
    assert "ansible-vault" in error.value.mend
    assert "s3cret" not in str(error.value)


def test_all_that_is_missing_is_told_at_once():
    stores = [store("s3://a"), {"url": "s3://b", "credentials": "vault_other"}]
    with pytest.raises(FleetErrors) as error:
        credentials_by_group(spec(cpu_nodes=stores), ["cpu_nodes"], {})
    assert len(error.value.problems) == 2
