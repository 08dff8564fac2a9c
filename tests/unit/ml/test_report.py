from ml.report.provenance import Ran, steps_table
from ml.runtime.step import Outcome


def test_the_steps_table_tells_image_and_code():
    image = "registry:5000/fleet/cpu@sha256:0123456789abcdef"
    steps = [
        Outcome("t1", "training r1", "training", "completed", image=image, commit="f" * 40),
        Outcome("t2", "pipeline r1", "pipeline", "completed", image="registry:5000/fleet/cpu:1"),
    ]
    table = steps_table([Ran(one) for one in steps], "r1")
    assert table["image"].tolist() == ["cpu@0123456789", "cpu:1"]
    assert table["commit"].tolist() == ["f" * 10, ""]
