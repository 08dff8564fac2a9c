import pytest

from fleet.errors import FleetError
from fleet.images import build


@pytest.mark.parametrize(
    ("names", "options", "told"),
    [
        (["gpu"], {}, "no image 'gpu'"),
        (["cpu"], {"torch": "rocm"}, "no PyTorch 'rocm'"),
        (["cpu"], {"bases": "hub"}, "bases cannot come from 'hub'"),
    ],
)
def test_a_wrong_wish_is_refused_before_docker_is_asked(monkeypatch, names, options, told):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FleetError, match=told) as caught:
        build(names, **options)
    assert caught.value.mend


def test_a_machine_without_docker_is_told_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FleetError, match="no docker command"):
        build(["node"])
