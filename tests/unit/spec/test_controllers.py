import pytest

from fleet.explain.routes import routes_of_phase
from fleet.spec import notes
from ml.catalog import PHASES
from tests.own_contract import SPEC


@pytest.mark.parametrize("phase", [name for name in PHASES if PHASES[name].is_controller])
def test_each_controller_that_shares_slots_with_its_steps_is_noted(phase):
    assert not [note for note in notes(SPEC) if "holds a slot" in note]
    (queue,) = SPEC.queues_of_phase(phase)
    moved = SPEC.queues[queue].model_copy(update={"node_group": "cpu_nodes", "priority": 9})
    spec = SPEC.model_copy(update={"queues": {**SPEC.queues, queue: moved}})
    (note,) = (note for note in notes(spec) if "holds a slot" in note)
    assert f"each pipeline on '{queue}' holds a slot of 'cpu_nodes'" in note
    assert routes_of_phase(spec, phase) == []
