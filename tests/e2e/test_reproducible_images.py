"""The same input gives the same content: the agent's image and what it stands on, built again.

It takes two minutes, for Debian itself is made anew. `fleet images reproduce` does it for all.
"""


def test_an_image_that_is_built_again_from_nothing_has_the_same_files(fleet):
    done = fleet.cli("images", "reproduce", "agent", timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "paths are the same" in done.stdout
