"""Every rule of queues.yml has an input that breaks it, and it alone: at that line and column."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from fleet.errors import FleetError
from fleet.spec import examine, load
from tests.own_contract import SPEC_TEXT

# Stands in an edit where the problem must be told; it is taken out before the file is read.
HERE = "@@"

GROUP = "    description: Work that needs no GPU\n"
END = "  entry: both\n"


class Case(NamedTuple):
    """An edit of the tests' contract, and the one problem that it must give."""

    rule: str
    old: str
    new: str
    what: str
    mend: str
    more: tuple[tuple[str, str], ...] = ()


def limits(text: str) -> str:
    return f"{GROUP}    limits: {{{text}}}\n"


def mounts(*entries: str) -> str:
    return f"{GROUP}    data:\n      mounts:\n" + "".join(
        f"        - {entry}\n" for entry in entries
    )


def stores(*entries: str) -> str:
    lines = "".join(f"        - {entry}\n" for entry in entries)
    return f"{GROUP}    data:\n      object_stores:\n{lines}"


def access(text: str) -> str:
    return f"{END}  access:\n{text}"


def bucket(more: str = "", url: str = "s3://team-data") -> str:
    return f"{{url: {url}, credentials: vault_s3{more}}}"


BROKEN = {
    # ----- YAML
    "bad yaml": Case(
        "yaml-syntax", "version: 1\n", "version: 1\nqueues: ]\n", "not valid", "quotes"
    ),
    "tab": Case("yaml-syntax", "    slots: 2\n", "@@\tslots: 2\n", "not valid YAML", "no tabs"),
    "second document": Case(
        "yaml-syntax", END, f"{END}@@---\nversion: 1\n", "second document", "remove the line"
    ),
    "undefined alias": Case(
        "yaml-syntax", "slots: 2", "slots: @@*two", "undefined alias", "write the value out"
    ),
    "control character": Case(
        "yaml-syntax", "slots: 2", "slots: @@\x002", "does not allow", "control character"
    ),
    "duplicate queue": Case(
        "duplicate-key",
        "  cpu-train:\n",
        "  cpu-preprocess:\n    node_group: cpu_nodes\n    priority: 9\n    phases: [training]\n"
        "  cpu-train:\n",
        "a second time; the first is in line 49",
        "rename one",
    ),
    "duplicate field": Case(
        "duplicate-key", "    slots: 2\n", "    slots: 2\n    @@slots: 3\n", "'slots'", "remove"
    ),
    "key that is no text": Case(
        "key-not-text", "policy:\n", "@@3: x\npolicy:\n", "not text", "quotes"
    ),
    "yes as a key": Case("key-not-text", "policy:\n", "@@yes: x\npolicy:\n", "not text", "quotes"),
    "list as a key": Case(
        "key-not-text", "policy:\n", "? @@[a, b]\n: x\npolicy:\n", "not text", "a plain word"
    ),
    "merge key": Case(
        "merge-key",
        "    slots: 2\n",
        "    @@<<: {slots: 2}\n",
        "merge key",
        "write the entry's keys",
    ),
    "unknown tag": Case("unknown-tag", "slots: 2", "slots: @@!two 2", "!two", "remove the tag"),
    "tagged mapping": Case(
        "unknown-tag", "policy:\n", "unmanaged: @@!all {}\npolicy:\n", "!all", "remove the tag"
    ),
    "impossible date": Case(
        "unreadable-value", "slots: 2", "slots: @@2024-13-45", "2024-13-45", "in quotes"
    ),
    "not the number it says": Case(
        "unreadable-value", "slots: 2", "slots: @@!!int abc", "'abc'", "in quotes"
    ),
    "alias to itself": Case(
        "alias-cycle",
        "    phases: [pipeline]\n",
        "    phases: @@&again [pipeline, *again]\n",
        "alias refers",
        "write the entry out",
    ),
    # ----- version
    "no version": Case("missing-version", "version: 1\n", "", "is missing", "version: 1"),
    "newer version": Case(
        "newer-version", "version: 1\n", "@@version: 2\n", "newer than this checkout", "git pull"
    ),
    "older version": Case(
        "older-version", "version: 1\n", "@@version: 0\n", "older than", "CHANGELOG.md"
    ),
    "version as text": Case(
        "unknown-version",
        "version: 1\n",
        '@@version: "1"\n',
        "'1', not a whole number",
        "version: 1",
    ),
    "version with a point": Case(
        "unknown-version", "version: 1\n", "@@version: 1.0\n", "1.0, not a whole", "version: 1"
    ),
    "version true": Case(
        "unknown-version", "version: 1\n", "@@version: true\n", "true, not a whole", "version: 1"
    ),
    # ----- keys and names
    "misspelled key": Case(
        "unknown-key",
        "    slots: 2\n",
        "    @@slotz: 2\n",
        "cpu_nodes.slotz",
        "did you mean 'slots'",
    ),
    "misspelled section": Case("unknown-key", "policy:\n", "@@polices:\n", "polices", "'policy'"),
    "misspelled required key": Case(
        "unknown-key", "    image: cuda\n", "    @@imag: cuda\n", "gpu_nodes.imag", "'image'"
    ),
    "misspelled accelerator": Case(
        "unknown-key", "    accelerator: gpu\n", "    @@acelerator: gpu\n", "acel", "'accelerator'"
    ),
    "key of another entry": Case(
        "unknown-key",
        "    priority: 2\n    phases: [data",
        "    priority: 2\n    @@slots: 2\n    phases: [data",
        "cpu-preprocess.slots",
        "it is a key of a node group",
    ),
    "missing field": Case(
        "missing-key",
        "  gpu_nodes:\n    image: cuda\n",
        "  @@gpu_nodes:\n",
        "gpu_nodes.image",
        "add `image`",
    ),
    "missing section": Case(
        "missing-key",
        SPEC_TEXT[SPEC_TEXT.index("version: 1") : SPEC_TEXT.index("# A node group")],
        "@@version: 1\n",
        "'images' is missing",
        "Images by name",
    ),
    "short queue name": Case(
        "bad-name", "  cpu-infer:\n", "  @@ci:\n", "'ci' is not allowed", "at least 3 characters"
    ),
    "queue name with blanks": Case(
        "bad-name", "  cpu-infer:\n", "  @@CPU infer:\n", "'CPU infer'", "such as cpu-infer"
    ),
    "group name with a hyphen": Case(
        "bad-name", "  gpu_nodes:\n", "  @@gpu-nodes:\n", "'gpu-nodes'", "such as gpu_nodes"
    ),
    "image name": Case("bad-name", "  cuda:\n", "  @@CUDA:\n", "'CUDA'", "an image's name"),
    # ----- values
    "misspelled choice": Case(
        "bad-value",
        "slots: per_gpu",
        "@@slots: per_gpus",
        "'per_gpus', not a whole number from 0 to 512, per_gpu or per_mig",
        "did you mean 'per_gpu'",
    ),
    "negative number": Case("bad-value", "slots: 2", "@@slots: -1", "is -1, not", "Agents on each"),
    "fraction": Case("bad-value", "slots: 2", "@@slots: 2.0", "2.0, not a whole number", "`slots`"),
    "quoted number": Case("bad-value", "slots: 2", '@@slots: "2"', "is '2'", "without quotes"),
    "boolean for a number": Case("bad-value", "slots: 2", "@@slots: true", "is true", "`slots`"),
    "nothing for a number": Case(
        "bad-value", "priority: 3", "@@priority:", "is empty, not a whole number from 1", "Order"
    ),
    "huge number": Case("bad-value", "slots: 2", f"@@slots: {10**30}", "1000000", "`slots`"),
    "number without end": Case(
        "bad-value", "slots: 2", f"@@slots: 0x{'f' * 5000}", "an endless number", "`slots`"
    ),
    "date for a number": Case(
        "bad-value", "slots: 2", "@@slots: 2024-01-02", "the date 2024-01-02", "`slots`"
    ),
    "quoted boolean": Case(
        "bad-value", "services: true", '@@services: "true"', "not true or false", "without quotes"
    ),
    "number for text": Case(
        "bad-value",
        "    description: Work that needs no GPU",
        "    @@description: 7",
        "is 7, not text",
        "in quotes",
    ),
    "text for a list": Case(
        "bad-value", "phases: [pipeline]", "@@phases: pipeline", "not a list", "such as [pipeline]"
    ),
    "empty list": Case(
        "bad-value", "phases: [pipeline]", "@@phases: []", "an empty list", "add at least one"
    ),
    "number for a mapping": Case(
        "bad-value",
        SPEC_TEXT[SPEC_TEXT.index("policy:\n") :],
        "@@policy: 3\n",
        "not a mapping",
        "indented",
    ),
    "item of the wrong type": Case(
        "bad-value", "phases: [pipeline]", "phases: [pipeline, @@3]", "item 2", "Phases that may"
    ),
    "unknown choice": Case(
        "bad-value", "queue_choice: phase", "@@queue_choice: fix", "fixed, phase or free", "'fixed'"
    ),
    "tag of an image": Case(
        "bad-value", "fleet/cpu\n", "fleet/cpu:1\n", "text such as fleet/cpu", "without host, tag"
    ),
    "digest": Case(
        "bad-value",
        "fleet/cpu\n",
        "fleet/cpu\n    @@digest: latest\n",
        "such as sha256:",
        "images/digests.yml",
    ),
    "memory without a unit": Case(
        "bad-value", GROUP, limits("@@memory: 16G"), "text such as 16GiB", "Memory"
    ),
    "quoted cpus": Case(
        "bad-value", GROUP, limits('@@cpus: "4"'), "is '4', not a number", "quotes"
    ),
    "no cpus": Case("bad-value", GROUP, limits("@@cpus: 0"), "from 0.01 to 4096", "CPU cores"),
    "relative mount": Case(
        "bad-value", GROUP, mounts("{@@source: data}"), "text such as /data/tables", "Absolute path"
    ),
    "credentials in clear": Case(
        "bad-value",
        GROUP,
        stores("{url: s3://team-data, @@credentials: AKIA}"),
        "text such as vault_s3_team_data",
        "Ansible Vault",
    ),
    # ----- references
    "unknown group": Case(
        "unknown-node-group",
        "node_group: controllers",
        "@@node_group: controlers",
        "'controlers'",
        "did you mean 'controllers'",
    ),
    "unknown image": Case("unknown-image", "image: cuda", "@@image: cuder", "'cuder'", "'cuda'"),
    "no agent image": Case(
        "no-agent-image", "images:\n  agent:", "@@images:\n  agents:", "'agent'", "add"
    ),
    "agent image for tasks": Case(
        "agent-image-for-tasks", "image: cuda", "@@image: agent", "agents' own image", "such as cpu"
    ),
    "unknown phase": Case(
        "unknown-phase", "[pipeline]", "[@@pipelin]", "'pipelin'", "did you mean 'pipeline'"
    ),
    # ----- queues
    "phase twice": Case(
        "repeated-phase", "[pipeline]", "[pipeline, @@pipeline]", "listed twice", "remove one"
    ),
    "phase without queue": Case(
        "phase-without-queue",
        "@@queues:\n",
        "",
        "no queue takes the phase 'data-registration'",
        "add data-registration",
        (("phases: [data-registration, ", "phases: ["),),
    ),
    "tie": Case(
        "priority-tie",
        "    priority: 3",
        "    @@priority: 2",
        "same priority in cpu_nodes",
        "of its own",
    ),
    # ----- groups
    "group without queue": Case(
        "group-without-queue",
        "  gpu_nodes:\n",
        "  @@spare_nodes:\n    image: cpu\n  gpu_nodes:\n",
        "node group 'spare_nodes'",
        "map a queue",
    ),
    "reserved group": Case(
        "reserved-group-name",
        "  cpu_nodes:\n",
        "  @@all:\n",
        "'all'",
        "such as cpu_nodes",
        (("node_group: cpu_nodes", "node_group: all"),),
    ),
    "services with two slots": Case(
        "services-slots", "slots: 1\n", "@@slots: 2\n", "has 2 slots", "many tasks at a time"
    ),
    "services with a slot per GPU": Case(
        "services-slots",
        "slots: 1\n",
        "@@slots: per_gpu\n    accelerator: gpu\n",
        "has per_gpu slots",
        "slots: 1",
    ),
    "services with GPU": Case(
        "services-with-gpu",
        "    services: true\n",
        "    services: true\n    @@accelerator: gpu\n",
        "many tasks would use",
        "remove `accelerator: gpu`",
    ),
    "per_gpu without gpu": Case(
        "gpu-slots-without-gpu",
        "    slots: per_gpu\n    accelerator: gpu\n",
        "    @@slots: per_gpu\n",
        "slot for each GPU but offers no GPU",
        "add `accelerator: gpu`",
    ),
    "per_mig without gpu": Case(
        "gpu-slots-without-gpu", "slots: 2", "@@slots: per_mig", "each MIG instance", "accelerator"
    ),
    "shared memory": Case(
        "shared-memory-above-memory",
        GROUP,
        limits("memory: 2GiB, @@shared_memory: 4096MiB"),
        "(4096MiB) is larger than memory (2GiB)",
        "raise `memory`",
    ),
    "memory too small": Case(
        "memory-too-small", GROUP, limits("@@memory: 4MiB"), "with 4MiB", "such as 16GiB"
    ),
    # ----- data
    "two mounts at one place": Case(
        "duplicate-mount",
        GROUP,
        mounts("{source: /data/a, target: /data}", "{source: /data/b, @@target: /data/}"),
        "second mount at /data; the first is in line 33",
        "another `target`",
    ),
    "a mount over the image": Case(
        "mount-hides-the-system",
        GROUP,
        mounts("{source: /data/a, @@target: /opt}"),
        "hide /opt/venv",
        "`target` of its own",
    ),
    "a mount over /tmp": Case(
        "mount-hides-the-system", GROUP, mounts("{@@source: /tmp}"), "hide /tmp", "`target`"
    ),
    "a mount over all": Case(
        "mount-hides-the-system",
        GROUP,
        mounts("{source: /data, @@target: /}"),
        "hide the whole image",
        "such as /data/tables",
    ),
    "a mount in /proc": Case(
        "mount-hides-the-system",
        GROUP,
        mounts("{source: /data, @@target: /proc/data}"),
        "/proc",
        "`target` of its own",
    ),
    "the node's own folder": Case(
        "mount-of-the-system",
        GROUP,
        mounts("{@@source: /etc, target: /data/etc}"),
        "can take over the node",
        "data alone",
    ),
    "the engine's socket": Case(
        "mount-of-the-system",
        GROUP,
        mounts("{@@source: /var/run/docker.sock}"),
        "docker.sock is the node's own",
        "data alone",
    ),
    "dots in a path": Case(
        "path-with-dots", GROUP, mounts("@@{source: /data/../etc}"), "'..'", "path that is meant"
    ),
    "store twice": Case(
        "duplicate-object-store",
        GROUP,
        stores(bucket(), "{@@url: s3://Team-data, credentials: vault_b}"),
        "a second time; the first is in line 33",
        "one pair of credentials",
    ),
    "region of an own store": Case(
        "region-of-own-store",
        GROUP,
        stores(bucket(", @@region: eu-west-1", "'s3://minio:9000/data'")),
        "minio:9000, which is a store of your own",
        "remove `region`",
    ),
    "no such port": Case(
        "bad-port",
        GROUP,
        stores("{@@url: 's3://minio:99999/data', credentials: vault_a}"),
        "99999",
        "65535",
    ),
    "store without port": Case(
        "store-without-port",
        GROUP,
        stores("{@@url: s3://minio/data, credentials: vault_a}"),
        "neither",
        "s3://minio:9000/data",
    ),
    "plain AWS": Case(
        "insecure-at-aws", GROUP, stores(bucket(", @@secure: false")), "by HTTPS", "the port of"
    ),
    # ----- access
    "unknown template": Case(
        "unknown-template",
        END,
        access("    may_run: {@@trainin: [ada]}\n"),
        "'trainin'",
        "'training'",
    ),
    "nobody may start it": Case(
        "nobody-may-start",
        END,
        access("    may_run: {@@training: []}\n"),
        "nobody",
        "everybody may",
    ),
    "unused access group": Case(
        "unused-access-group",
        END,
        access("    groups: {@@ops: [ada]}\n    may_run: {training: [opss]}\n"),
        "'ops' may start nothing",
        "did you mean 'opss'",
    ),
    "empty access group": Case(
        "empty-access-group",
        END,
        access("    groups: {@@ops: []}\n    may_run: {training: [ops]}\n"),
        "nobody is in",
        "name its members",
    ),
    "user twice in a group": Case(
        "repeated-name",
        END,
        access("    groups: {ops: [ada, @@ada]}\n    may_run: {training: [ops]}\n"),
        "'ada' is listed twice in ops",
        "remove one",
    ),
    "user twice in may_run": Case(
        "repeated-name",
        END,
        access("    may_run: {training: [ada, @@ada]}\n"),
        "in training",
        "remove",
    ),
    "group named as its user": Case(
        "ambiguous-name",
        END,
        access("    groups: {@@ada: [ada]}\n    may_run: {training: [ada]}\n"),
        "a group and a user",
        "ada-team",
    ),
    "group in a group": Case(
        "group-in-group",
        END,
        access("    groups: {ops: [ada], all: [@@ops]}\n    may_run: {training: [ops, all]}\n"),
        "'ops' is a group itself",
        "write the members",
    ),
    "user with blanks around": Case(
        "bad-value",
        END,
        access("    may_run: {training: [@@' ada']}\n"),
        "item 1",
        "remove the blanks",
    ),
    # ----- unmanaged
    "unmanaged and declared": Case(
        "unmanaged-declared-queue",
        END,
        f"{END}unmanaged: {{queues: [team-b-*, @@gpu-*]}}\n",
        "gpu-infer and gpu-train",
        "narrow the pattern",
    ),
    "unmanaged everything": Case(
        "unmanaged-everything",
        END,
        f"{END}unmanaged: {{workers: [@@'*']}}\n",
        "all workers",
        "team-b-*",
    ),
    "unmanaged twice": Case(
        "repeated-name", END, f"{END}unmanaged: {{workers: [a-*, @@a-*]}}\n", "'a-*'", "remove one"
    ),
}


def _edited(old: str, new: str) -> tuple[str, tuple[int, int] | None]:
    """The file after an edit, and the line and column that the edit points at."""
    if old.startswith(HERE):  # the place is in text that stays
        old, new = old.removeprefix(HERE), old
    assert SPEC_TEXT.count(old) >= 1, old
    text = SPEC_TEXT.replace(old, new, 1)
    if HERE not in text:
        return text, None
    before, _, after = text.partition(HERE)
    return before + after, (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


def _examined(tmp_path: Path, text: str):
    file = tmp_path / "queues.yml"
    file.write_text(text)
    return examine(file)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_input_gives_one_problem_at_its_place(tmp_path, name):
    case = BROKEN[name]
    text, place = _edited(case.old, case.new)
    for old, new in case.more:
        assert old in text
        text = text.replace(old, new)
    _, problems = _examined(tmp_path, text)
    assert [problem.rule for problem in problems] == [case.rule], [str(p) for p in problems]
    problem = problems[0]
    assert case.what in problem.what
    assert case.mend in problem.mend
    if place is not None:
        assert (problem.place.line, problem.place.column) == place
    with pytest.raises(FleetError, match="fix: "):
        load(tmp_path / "queues.yml")


# What looks close to a breach and is none.
RIGHT = {
    "shared memory as large as memory": (GROUP, limits("memory: 1GiB, shared_memory: 1024MiB")),
    "the least memory": (GROUP, limits("memory: 6MiB")),
    "a fraction of a core": (GROUP, limits("cpus: 0.5")),
    "writable in read-only": (
        GROUP,
        mounts("{source: /data}", "{source: /data/out, writable: true}", "{source: /tmp/in}"),
    ),
    "one source at two places": (
        GROUP,
        mounts("{source: /data/a}", "{source: /data/a, target: /tables}"),
    ),
    "the highest port": (GROUP, stores(bucket(url="'s3://minio:65535/data'"))),
    "an own store by HTTP": (GROUP, stores(bucket(", secure: false", "'s3://minio:9000/data'"))),
    "a region at AWS": (GROUP, stores(bucket(", region: eu-west-1"))),
    "no slot but by override": ("slots: 1\n", "slots: 0\n"),
    "a fixed choice of several queues": ("queue_choice: phase", "queue_choice: fixed"),
    "a number of GPU slots": ("slots: per_gpu", "slots: 2"),
    "MIG": ("slots: per_gpu", "slots: per_mig"),
    "a user in two groups": (
        END,
        access("    groups: {a: [ada], b: [ada]}\n    may_run: {training: [a, b]}\n"),
    ),
    "foreign queues": (END, f"{END}unmanaged: {{queues: [team-*], workers: ['*-laptop']}}\n"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_no_breach_is_let_pass(tmp_path, name):
    old, new = RIGHT[name]
    text, _ = _edited(old, new)
    spec, problems = _examined(tmp_path, text)
    assert [str(problem) for problem in problems] == []
    assert spec is not None


@pytest.mark.parametrize(
    ("edits", "rules"),
    [
        # Values that are missing are equal to nothing.
        ([("    priority: 2\n", ""), ("    priority: 3\n", "")], ["missing-key"] * 2),
        (
            [("priority: 2\n", "priority: x\n"), ("priority: 3\n", "priority: y\n")],
            ["bad-value"] * 2,
        ),
        # A mount or pattern that cannot be read does not hide the next one's breach.
        (
            [(GROUP, mounts("{source: a, target: /x}", "7", "{source: /data, target: /tmp}"))],
            ["bad-value", "bad-value", "mount-hides-the-system"],
        ),
        (
            [(GROUP, mounts("{source: /etc}", "{source: /data, target: /tmp}"))],
            ["mount-of-the-system", "mount-hides-the-system"],
        ),
        (
            [(GROUP, stores("{url: x, credentials: vault_a}", bucket(", secure: false")))],
            ["bad-value", "insecure-at-aws"],
        ),
        (
            [(END, f"{END}unmanaged: {{workers: [3, '*']}}\n")],
            ["bad-value", "unmanaged-everything"],
        ),
        # A group may be meant where `may_run` cannot be read, and only there.
        ([(END, access("    groups: {ops: [ada]}\n    may_run: 3\n"))], ["bad-value"]),
        (
            [(END, access("    groups: {ops: [ada]}\n")), ("    slots: 2\n", "    slots: x\n")],
            ["bad-value", "unused-access-group"],
        ),
    ],
)
def test_what_cannot_be_read_neither_hides_nor_makes_other_problems(tmp_path, edits, rules):
    text = SPEC_TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    _, problems = _examined(tmp_path, text)
    assert [problem.rule for problem in problems] == rules
