"""Files and passwords of Ansible Vault: what cannot be opened is left out, and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import (
    AnsibleVaultError,
    VaultSecret,
    VaultSecretsContext,
    get_file_vault_secret,
)

from ansible import constants
from fleet.inventory.model import shown

_PROMPTS = ("prompt", "prompt_ask_vault_pass")
_FOLDERS = frozenset(("group_vars", "host_vars"))


class Loader(DataLoader):
    """Ansible's reader of files, that reads on where a file of variables cannot be decrypted.

    Most inventories have such a file, of credentials, and nothing that a plan is made of is in it.

    Parameters
    ----------
    notes : list of str
        Gets a line for each file that is left out.

    Attributes
    ----------
    left_out : set of str
        Those files.
    """

    def __init__(self, notes: list[str]) -> None:
        super().__init__()
        self._notes = notes
        self.left_out: set[str] = set()
        self._use_passwords()

    def load_from_file(self, file_name: str, *arguments: Any, **options: Any) -> Any:
        """Data of a file; none where it is a file of variables that cannot be decrypted."""
        if file_name in self.left_out:
            return {}
        try:
            return super().load_from_file(file_name, *arguments, **options)
        except AnsibleVaultError:
            if not _FOLDERS & set(Path(file_name).parts):
                raise
            self.left_out.add(file_name)
            self._notes.append(
                f"{shown(file_name)} is encrypted and left out; "
                "ANSIBLE_VAULT_PASSWORD_FILE names the file of its password"
            )
            return {}

    def _use_passwords(self) -> None:
        """Take the passwords that Ansible's settings name; nobody is asked for one here."""
        named = [
            entry.rpartition("@")[::2] for entry in constants.DEFAULT_VAULT_IDENTITY_LIST or []
        ]
        if constants.DEFAULT_VAULT_PASSWORD_FILE:
            named.append((constants.DEFAULT_VAULT_IDENTITY, constants.DEFAULT_VAULT_PASSWORD_FILE))
        secrets: list[tuple[str, VaultSecret]] = []
        for name, file in named:
            if file in _PROMPTS:
                continue
            try:
                secret = get_file_vault_secret(filename=file, vault_id=name or None, loader=self)
                secret.load()
            except AnsibleError as error:
                self._notes.append(f"the password file of the vault: {error.message}")
                continue
            secrets.append((name or constants.DEFAULT_VAULT_IDENTITY, secret))
            # A password file may itself be encrypted, with one that was named before it.
            self.set_vault_secrets(secrets)
        if VaultSecretsContext.current(optional=True) is None:
            # Values that are encrypted one by one are decrypted with these.
            VaultSecretsContext.initialize(VaultSecretsContext(secrets))
