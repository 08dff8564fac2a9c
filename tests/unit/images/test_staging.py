import os

from fleet.images.staging import stage


def test_a_checkouts_umask_does_not_reach_an_image(tmp_path):
    """COPY keeps the modes of the context."""
    for name, mode in {"plain": 0o664, "closed": 0o600, "script": 0o775}.items():
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    before = os.umask(0o077)
    try:
        files = {f"folder/{name}": tmp_path / name for name in ("plain", "closed", "script")}
        stage(tmp_path / "context", files, parent_locks=[])
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "context").rglob("*")}
    assert modes == {"folder": 0o755, "plain": 0o644, "closed": 0o644, "script": 0o755}
