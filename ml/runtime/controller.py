"""Running planned steps by ClearML's pipeline controller, each from its template."""

from __future__ import annotations

from collections.abc import Sequence

from clearml import PipelineController

from ml.pipeline import PlannedStep, Reference
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.origin import StepList
from ml.runtime.resuming import ResumingController
from ml.runtime.routing import Routing
from ml.runtime.server import Server

# the controller looks for ended steps once a second; the SDK's own default is twelve
_POLL_MINUTES = 1 / 60
_VERSION = "1.0.0"
_ON_WITH_THE_REST = {
    "continue_on_fail": True,
    "continue_on_abort": True,
    "skip_children_on_fail": False,
    "skip_children_on_abort": False,
}


def run_plan(
    planned: Sequence[PlannedStep],
    run_id: str,
    routing: Routing,
    server: Server,
    steps: StepList,
    *,
    is_put_back: bool = False,
) -> list[str]:
    """Run the steps, and wait for the last one.

    Steps that the list names already were made before the controller was cut: they are taken up,
    and not made again.

    Parameters
    ----------
    planned : sequence of PlannedStep
        Each after its parents.
    run_id : str
    routing : Routing
        Which queue and image a step gets.
    server : Server
    steps : StepList
        Where each step is named before it is enqueued.
    is_put_back : bool
        Whether the controller was cut by its agent, so that what failed has failed; where a
        person lets it go on, what failed or was stopped is made anew.

    Returns
    -------
    list of str
        The ids of the steps' tasks, in the order of the plan.

    Raises
    ------
    UserError
        Before anything is started: a phase without a template, a queue without a live agent.
    """
    templates = _templates(planned, routing, server)
    queues = {step.name: routing.queue_for(step.phase, step.accelerator) for step in planned}
    known = steps.known
    if not known:  # a run that has begun waits for an agent, as its steps do
        _check_queues(queues, server)
    pipeline = ResumingController(
        known=known,
        is_put_back=is_put_back,
        labels={step.name: (step.phase, step.detail or "") for step in planned},
        name="pipeline",
        project=names.RUN_PROJECT,
        version=_VERSION,
        pool_frequency=_POLL_MINUTES,
        target_project=names.RUN_PROJECT,
        abort_on_failure=False,
        add_run_number=False,
    )
    for step in planned:
        pipeline.add_step(
            name=step.name,
            base_task_id=templates[step.phase],
            parents=list(step.parents),
            parameter_override={path: _text(value) for path, value in step.parameters.items()},
            execution_queue=queues[step.name],
            continue_behaviour=dict(_ON_WITH_THE_REST) if step.may_fail else None,
        )
    by_name = {step.name: step for step in planned}

    def dress(_pipeline: PipelineController, node: PipelineController.Node, _given: dict) -> bool:
        # named first: a controller that is cut in between finds the step, and dresses it
        steps.add(node.job.task_id(), node.name)
        _dress(node, by_name[node.name], run_id, routing, server)
        return True

    pipeline.start(step_task_created_callback=dress, wait=False)
    pipeline.wait()
    nodes = pipeline.get_pipeline_dag()
    found = (_task_of(nodes[step.name]) for step in planned)
    return [task_id for task_id in found if task_id]


def _task_of(node: PipelineController.Node) -> str | None:
    return node.job.task_id() if node.job else node.executed or None


def _dress(
    node: PipelineController.Node,
    step: PlannedStep,
    run_id: str,
    routing: Routing,
    server: Server,
) -> None:
    """Give a step's task its name, its tags and the image of its queue, before it is enqueued."""
    task = node.job.task
    changes = {
        "name": names.task_name(step.phase, run_id, step.detail),
        "tags": names.step_tags(task.get_tags(), step.phase, run_id),
    }
    image = routing.image_for(node.queue)
    if image:
        changes["container"] = {**(task.data.container or {}), "image": image}
    server.edit_task(task.id, **changes)
    properties = {names.PROPERTY_RUN_ID: run_id}
    if step.phase == "training":
        properties[names.PROPERTY_MODEL] = step.detail
    task.set_user_properties(**properties)


def _templates(planned: Sequence[PlannedStep], routing: Routing, server: Server) -> dict[str, str]:
    templates = server.templates(routing.channel)
    missing = sorted({step.phase for step in planned} - set(templates))
    if missing:
        raise UserError(
            f"there is no template for: {', '.join(missing)}",
            where=f"project {names.TEMPLATE_PROJECT}, channel {routing.channel}",
            mend="publish the templates: fleet template publish",
            failure_class="infrastructure",
        )
    return templates


def _check_queues(queues: dict[str, str], server: Server) -> None:
    polled = server.polled_queues()
    silent = sorted(set(queues.values()) - polled)
    if silent:
        needed = [step for step, queue in queues.items() if queue in silent]
        raise UserError(
            f"no live agent polls: {', '.join(silent)} (needed by {', '.join(needed)})",
            where="the run's queues",
            mend="start the agents of these queues, or leave out what needs them",
            failure_class="queue",
        )


def _text(value: str | Reference) -> str:
    if isinstance(value, str):
        return value
    if value.property:
        return f"${{{value.step}.parameters.properties/{value.property}}}"
    return f"${{{value.step}.id}}"
