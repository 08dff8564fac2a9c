"""Values that refer to others: worked out as a playbook would, and once where many hosts share one.

A value's template names the variables that it needs, and those may be templates again. Hosts for
which all of these are the same get the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import AnsibleVaultError, EncryptedString
from ansible.template import Templar
from jinja2 import Environment, TemplateError, Undefined, meta, nodes

from fleet.inventory.model import NotKnown

_LOOKUPS = frozenset(("lookup", "query", "q"))
# These read no variable; of any other lookup it is not known.
_PLAIN_LOOKUPS = frozenset(("env", "file", "fileglob", "pipe", "url", "password"))
# By these a template reaches any variable, also those of other hosts.
_ANY = frozenset(("vars", "hostvars"))
_BUILTIN = "ansible.builtin."


class Templates:
    """Works out templates.

    Parameters
    ----------
    loader : DataLoader
        Reads the files that lookups name.
    """

    def __init__(self, loader: DataLoader) -> None:
        self._templar = Templar(loader=loader)
        self._parser = Environment()  # only to read names: nothing is rendered by it
        self._names: dict[str, frozenset[str] | None] = {}
        self._results: dict[tuple[Any, ...], Any] = {}
        self._kept: dict[int, Any] = {}

    def render(
        self, value: Any, variables: Mapping[str, Any], everything: Callable[[], dict[str, Any]]
    ) -> Any:
        """The value for a host.

        Parameters
        ----------
        value : object
            As the inventory has it; what is no template is returned as it is.
        variables : mapping
            The host's variables, raw.
        everything : callable
            Gives them together with all that Ansible adds for a playbook.

        Raises
        ------
        NotKnown
            A variable that it needs is not defined, a lookup fails, or it cannot be decrypted.
        """
        if isinstance(value, EncryptedString):
            return self._work_out(value, everything())
        if not _is_template(value):
            return value
        key = self._key(value, variables)
        if key is None:
            return self._work_out(value, everything())
        if key not in self._results:
            try:
                self._results[key] = self._work_out(value, everything())
            except NotKnown as error:
                self._results[key] = error
        result = self._results[key]
        if isinstance(result, NotKnown):
            raise result
        return result

    def _work_out(self, value: Any, variables: dict[str, Any]) -> Any:
        self._templar.available_variables = variables
        try:
            return self._templar.template(value)
        except AnsibleError as error:
            excused = any(map(_is_excused, _with_causes(error)))
            raise NotKnown(" ".join(str(error).split()), excused=excused) from None

    def _key(self, value: Any, variables: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """What the result depends on; None where that is not known."""
        names: set[str] = set()
        waiting = [value]
        while waiting:
            needed = self._needed(waiting.pop())
            if needed is None:
                return None
            for name in needed - names:
                names.add(name)
                if _is_template(variables.get(name)):
                    waiting.append(variables[name])
        return (
            self._identity(value),
            *((name, self._identity(variables.get(name))) for name in sorted(names)),
        )

    def _identity(self, value: Any) -> tuple[Any, ...]:
        """What is the same for the same value; a group's value is one object for all its hosts."""
        if isinstance(value, (str, int, float, bool, type(None))):
            return (type(value), value)
        # Kept, so that no other value gets its id.
        return (id(self._kept.setdefault(id(value), value)),)

    def _needed(self, value: Any) -> frozenset[str] | None:
        """Names of the variables that a template itself refers to; None: any."""
        if isinstance(value, Mapping):
            return _union([self._needed(item) for pair in value.items() for item in pair])
        if isinstance(value, list):
            return _union([self._needed(item) for item in value])
        if not isinstance(value, str):
            return frozenset()
        if value not in self._names:
            self._names[value] = self._read_names(value)
        return self._names[value]

    def _read_names(self, text: str) -> frozenset[str] | None:
        try:
            tree = self._parser.parse(text)
            names = meta.find_undeclared_variables(tree)
        except TemplateError:
            return None
        if names & _ANY or any(
            isinstance(call.node, nodes.Name)
            and call.node.name in _LOOKUPS
            and not _is_plain_lookup(call)
            for call in tree.find_all(nodes.Call)
        ):
            return None
        return frozenset(names) - _LOOKUPS


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_excused(error: BaseException) -> bool:
    """Whether a value is encrypted, or the inventory itself says why it is not defined."""
    undefined = getattr(error, "source", None)
    # Where an attribute is missing, Ansible makes a hint of its own, with the attribute's name.
    hinted = isinstance(undefined, Undefined) and (
        undefined._undefined_hint is not None and undefined._undefined_name is None
    )
    return hinted or isinstance(error, AnsibleVaultError)


def _is_plain_lookup(call: nodes.Call) -> bool:
    kind = call.args[0] if call.args else None
    return isinstance(kind, nodes.Const) and (
        str(kind.value).removeprefix(_BUILTIN) in _PLAIN_LOOKUPS
    )


def _is_template(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(_is_template(item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(_is_template(item) for item in value)


def _union(parts: list[frozenset[str] | None]) -> frozenset[str] | None:
    known = [part for part in parts if part is not None]
    return frozenset().union(*known) if len(known) == len(parts) else None
