import io
import tarfile

from fleet.images import tree


def archive(*members):
    """A tar of (name, content or None for a folder, changes of the entry)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content, changes in members:
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type = tarfile.DIRTYPE
            else:
                entry.size = len(content)
            for key, value in changes.items():
                setattr(entry, key, value)
            tar.addfile(entry, io.BytesIO(content) if content is not None else None)
    return tree.of_tar(io.BytesIO(stream.getvalue()))


FIRST = archive(("a", None, {"mode": 0o755}), ("a/b", b"x", {"mode": 0o644}))


def test_the_time_and_the_order_do_not_count():
    other = archive(("./a/b", b"x", {"mode": 0o644, "mtime": 7}), ("./a/", None, {"mode": 0o755}))
    assert tree.differences(FIRST, other) == []
    assert tree.summary(FIRST) == tree.summary(other)


def test_content_mode_and_owner_count():
    for content, changes, what in [
        (b"y", {"mode": 0o644}, "content"),
        (b"x", {"mode": 0o600}, "mode"),
        (b"x", {"mode": 0o644, "uid": 5}, "owner"),
        (b"x", {"mode": 0o644, "gid": 5}, "group"),
    ]:
        other = archive(("a", None, {"mode": 0o755}), ("a/b", content, changes))
        assert tree.differences(FIRST, other) == [f"/a/b: {what}"]
        assert tree.summary(FIRST) != tree.summary(other)


def test_a_path_that_only_one_has_is_named():
    other = archive(("a", None, {"mode": 0o755}), ("c", b"", {}))
    assert tree.differences(FIRST, other) == ["/a/b: only in the first", "/c: only in the second"]


def test_links_are_what_they_point_at():
    link = {"type": tarfile.SYMTYPE, "linkname": "/a"}
    same = archive(("l", b"", link))
    other = archive(("l", b"", link | {"linkname": "/b"}))
    assert tree.differences(same, other) == ["/l: content"]
    hard = archive(("f", b"x", {}), ("h", b"", {"type": tarfile.LNKTYPE, "linkname": "f"}))
    assert hard["h"].content == hard["f"].content
