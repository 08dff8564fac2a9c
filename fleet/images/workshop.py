"""Building what is missing, several steps at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.images import bases as base_images
from fleet.images import debootstrap, disk, engine, record, wheels
from fleet.images.catalog import IMAGES_DIR, BaseSpec, ImageSpec, lineage
from fleet.images.inputs import context_files, hash_inputs
from fleet.images.model import Base, BuiltImage, Torch
from fleet.images.process import Programs, Stopped
from fleet.images.recipe import build_command, secrets_folder
from fleet.images.site import this_site
from fleet.images.staging import stage
from fleet.paths import STATE

WORK = STATE / "build"
RECORD = WORK / "built.json"

_MOST_STEPS = 4


@dataclass(frozen=True)
class Choices:
    """What is chosen for all images.

    Parameters
    ----------
    torch : {"cpu", "cuda"}
        The build of PyTorch.
    bases : {"auto", "registry", "debootstrap"}
        Where bases come from.
    mark : str
        The end of the tags of what is to be built from nothing, beside what may be there already:
        without the builder's cache, and from a base that is made anew where it is made here.
    """

    torch: Torch
    bases: base_images.Mode
    mark: str = ""


def repository_of(name: str) -> str:
    """Name of an image in a registry."""
    return f"fleet/{name}"


class Workshop:
    """Sees to it that images are there.

    Parameters
    ----------
    specs, base_specs
        The catalog.
    choices : Choices
        What is chosen.
    programs : Programs
        Runs the programs of the build; all are ended when one fails.
    logs : Path
        Folder for one log for each image and base.
    echo : callable
        Takes one line for each step.
    """

    def __init__(
        self,
        specs: dict[str, ImageSpec],
        base_specs: dict[str, BaseSpec],
        choices: Choices,
        *,
        programs: Programs,
        logs: Path,
        echo: Callable[[str], None],
    ) -> None:
        self._specs = specs
        self._base_specs = base_specs
        self._choices = choices
        self._logs = logs
        self._echo = echo
        self._programs = programs
        self._noting = threading.Lock()
        self._steps = threading.BoundedSemaphore(max(2, min(_MOST_STEPS, os.cpu_count() or 2)))

    def ensure(
        self, names: Iterable[str], ready: Callable[[BuiltImage], None]
    ) -> dict[str, BuiltImage]:
        """The images, by name; those that are missing are built first.

        Parameters
        ----------
        names : iterable of str
            The images, each after the one that it stands on.
        ready : callable
            Is given each image as soon as it is there; it may be called from several threads.
        """
        names = list(names)
        self._ready = ready
        self._ours = engine.our_images()
        bases, images = self._what_is_there(names)
        missing = [name for name in names if name not in images]
        if not missing:
            self._echo(f"images: nothing to build, {', '.join(images)} unchanged")
            self._tell_ready(images)
            return images
        self._logs.mkdir(parents=True, exist_ok=True)
        with _only_one(WORK / "lock", self._echo):
            # What another run built in the meantime is not built again.
            self._ours = engine.our_images()
            bases, images = self._what_is_there(names)
            missing = [name for name in names if name not in images]
            self._tell_ready(images)
            if missing:
                self._build(missing, bases, images)
        return images

    def missing(self, names: Iterable[str]) -> list[str]:
        """Which of the images are not there; nothing is built."""
        names = list(names)
        self._ours = engine.our_images()
        _, images = self._what_is_there(names)
        return [name for name in names if name not in images]

    def _tell_ready(self, images: dict[str, BuiltImage]) -> None:
        for image in images.values():
            self._ready(image)

    def _what_is_there(self, names: list[str]) -> tuple[dict[str, Base], dict[str, BuiltImage]]:
        if self._choices.mark:
            return {}, {}
        bases: dict[str, Base] = {}
        for name in dict.fromkeys(self._base_of(name) for name in names):
            spec = self._base_specs[name]
            if found := base_images.find(name, spec, self._choices.bases, self._ours):
                bases[name] = found
        images: dict[str, BuiltImage] = {}
        for name in names:
            parent = self._specs[name].parent
            on = images.get(parent) or bases.get(parent)
            if on and (there := self._if_there(name, on)):
                images[name] = there
        return bases, images

    def _build(
        self, missing: list[str], bases: dict[str, Base], images: dict[str, BuiltImage]
    ) -> None:
        """Build what is missing; `images` is completed."""
        self._check_disk(missing)
        self._builder = engine.find_builder()
        self._machine = (engine.query("version", "--format", "{{.Server.Arch}}") or "").strip()
        self._site = this_site()
        debootstrap.remove_remains(WORK / "bases")
        self._echo(f"images: building {', '.join(missing)}; logs in {self._logs}")

        jobs: dict[str, Future] = {}
        # Each job is given to the pool after those that it waits for, so none can wait for ever.
        pool = ThreadPoolExecutor(max_workers=2 * len(missing) + len(self._base_specs))
        try:
            for name in missing:
                base = self._base_of(name)
                if base not in bases and base not in jobs:
                    jobs[base] = pool.submit(self._obtain_base, base)
            fetches = {name: pool.submit(self._fetch, name) for name in missing}
            for name in missing:
                parent = self._specs[name].parent
                on = jobs.get(parent) or images.get(parent) or bases[parent]
                jobs[name] = pool.submit(self._build_image, name, on, fetches[name])
            done, _ = wait([*jobs.values(), *fetches.values()], return_when=FIRST_EXCEPTION)
            _raise_first(done)
        except BaseException:
            self._programs.end()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        built = {name: jobs[name].result() for name in missing}
        images |= built
        shutil.rmtree(WORK / "contexts", ignore_errors=True)

    def _obtain_base(self, name: str) -> Base:
        with self._steps:
            start = time.monotonic()
            base = base_images.obtain(
                name,
                self._base_specs[name],
                self._choices.bases,
                mark=self._choices.mark,
                echo=self._echo,
                folder=WORK / "bases",
                log=self._logs / f"base-{name}.log",
                programs=self._programs,
            )
        self._note(f"base-{name}", base.reference)
        how = "pulled" if base.origin == "registry" else "made with debootstrap"
        self._echo(f"base {name}: {how} in {time.monotonic() - start:.0f} s")
        return base

    def _fetch(self, name: str) -> Path:
        """Lay out the build context of an image, with its wheels."""
        context = WORK / "contexts" / name
        parents = lineage(name, self._specs)[:-1]
        locks = [self._specs[parent].lock_for(self._choices.torch) for parent in parents]
        lock = stage(
            context, self._files(name), parent_locks=[IMAGES_DIR / path for path in locks if path]
        )
        if lock.exists():
            with self._steps:
                wheels.fetch(
                    lock,
                    context / "wheels",
                    machine=self._machine,
                    programs=self._programs,
                    log=self._logs / f"wheels-{name}.log",
                )
        return context

    def _build_image(
        self, name: str, on: Future | Base | BuiltImage, fetched: Future[Path]
    ) -> BuiltImage:
        parent = on.result() if isinstance(on, Future) else on
        context = fetched.result()
        image = self._planned(name, parent)
        with self._steps, secrets_folder(self._site) as secrets:
            start = time.monotonic()
            self._programs.run(
                build_command(
                    self._builder,
                    image,
                    parent,
                    self._site,
                    secrets,
                    context,
                    cache=not self._choices.mark,
                ),
                env=self._builder.env,
                log=self._logs / f"image-{name}.log",
                what=f"the image '{name}' could not be built",
                mend=f"mend images/{name}/Dockerfile or what it reaches, and run this again",
            )
        self._note(name, image.reference)
        found = engine.inspect(image.reference) or {}
        seconds = time.monotonic() - start
        self._echo(f"image {name}: built in {seconds:.0f} s, {found['Size'] / 1e6:.0f} MB")
        image = replace(image, image_id=found["Id"])
        self._ready(image)
        return image

    def _check_disk(self, missing: list[str]) -> None:
        root = (engine.query("info", "--format", "{{.DockerRootDir}}") or "").strip()
        specs = [self._specs[name] for name in missing]
        torch = self._choices.torch
        disk.require(
            disk.room(specs, torch),
            (Path(root or "/"), WORK),
            f"building {', '.join(missing)}",
            cuda=torch == "cuda" and any(spec.has_torch for spec in specs),
        )

    def _note(self, name: str, reference: str) -> None:
        # What is built beside another to be compared with it takes nothing's place.
        if self._choices.mark:
            return
        with self._noting:
            record.note(name, reference, RECORD)

    def _if_there(self, name: str, parent: Base | BuiltImage) -> BuiltImage | None:
        image = self._planned(name, parent)
        image_id = self._ours.get(image.reference)
        return replace(image, image_id=image_id) if image_id else None

    def _planned(self, name: str, parent: Base | BuiltImage) -> BuiltImage:
        """The image as it will be; its id is not known yet."""
        spec = self._specs[name]
        torch = self._choices.torch if spec.has_torch else ""
        inputs = hash_inputs(
            self._files(name),
            base=parent.identity if isinstance(parent, Base) else parent.inputs,
            settings={"torch": torch},
        )
        return BuiltImage(
            name=name,
            image_id="",
            reference=f"{repository_of(name)}:{inputs[:16]}{self._choices.mark}",
            repository=repository_of(name),
            digest="",
            inputs=inputs,
            base=parent.origin if isinstance(parent, Base) else parent.base,
            torch=torch,
        )

    def _files(self, name: str) -> dict[str, Path]:
        return context_files(name, self._specs[name], self._choices.torch, IMAGES_DIR)

    def _base_of(self, name: str) -> str:
        return self._specs[lineage(name, self._specs)[0]].parent


@contextmanager
def _only_one(path: Path, echo: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of builds on this checkout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            echo("images: another build is running here; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _raise_first(done: Iterable[Future]) -> None:
    """Raise what went wrong, rather than what was ended because of it."""
    errors = [error for future in done if (error := future.exception())]
    if errors:
        raise next((error for error in errors if not isinstance(error, Stopped)), errors[0])
