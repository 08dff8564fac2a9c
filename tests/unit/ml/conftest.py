import numpy as np
import pandas as pd
import pytest

from ml.tabular.data.inspection import infer_schema
from ml.tabular.data.sources import load_builtin


@pytest.fixture
def dirty_table() -> pd.DataFrame:
    """Numbers, categories, dates and a target, with values missing in each feature."""
    random = np.random.default_rng(0)
    rows = 240
    size = random.normal(50, 10, rows)
    city = random.choice(["Kobe", "Oslo", "Lima"], rows)
    frame = pd.DataFrame(
        {
            "size": size,
            "city": city,
            "sold": pd.date_range("2020-01-01", periods=rows),
            "balcony": random.choice([True, False], rows),
            "price": size * 3 + (city == "Oslo") * 40 + random.normal(0, 2, rows),
        }
    )
    for position, column in enumerate(["size", "city", "sold"]):
        frame.loc[position::17, column] = None
    return frame


@pytest.fixture
def dirty_csv(dirty_table, tmp_path):
    path = tmp_path / "flats.csv"
    dirty_table.to_csv(path, index=False)
    return path


@pytest.fixture
def builtin():
    def load(name):
        frame, target = load_builtin(f"builtin:{name}")
        return frame, infer_schema(frame, target, name)

    return load
