"""reported.csv beside a second typing of the printed numbers, in the form in which the paper has them; and what print
says of itself."""

from pathlib import Path

import pytest

from saccade.cards.paper import read_paper
from saccade.judging.reported import printed_cells

FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
PRINTED = printed_cells(read_paper(ROOT, "epitoma"))  # with the cost that stands in tsn's file

TABLE_1 = """
    RNet2D        _  16 _    61.7  0.13 61.8  67.27
    RNet2D+Ours   16 8  0.94 30.8  0.13 31.9  68.02
    SNet3D        _  16 _    17.2  0.13 17.3  63.37
    SNet3D+Ours   16 8  0.94 8.6   0.13 9.6   65.11
    I3D           _  16 _    207.7 0.13 207.7 76.91
    I3D+Ours      16 8  0.94 103.8 0.13 104.8 78.11"""
COLUMNS = ("LightNet timesteps", "HeavyNet timesteps", "LightNet+Gating", "HeavyNet", "Classifier", "Total", "Accuracy")
TABLE_2 = {  # a line each for Uniform, Random and Selector; 1 to 128 timesteps
    "I3D": """
        20.83 58.94 67.01 74.05 76.91 84.38 84.11 84.90
        42.75 53.13 60.96 69.22 75.60 81.45 83.52 83.81
        48.34 60.74 68.74 79.69 82.81 85.68 86.46 87.50""",
    "ShuffleNet3D": """
        18.75 38.54 46.27 60.76 63.37 69.62 67.27 66.23
        36.34 45.81 50.50 58.00 60.90 67.17 66.57 65.82
        39.93 50.23 54.09 63.11 64.41 69.36 68.32 66.49""",
    "ResNet2D": """
        27.00 50.69 61.02 67.01 67.27 72.22 74.57 76.13
        41.37 51.80 57.43 62.97 63.74 70.97 72.95 74.28
        46.63 56.28 63.89 68.02 69.62 73.15 74.38 74.98""",
}
PROSE = {
    "Abstract": {
        ("Off-the-shelf classifiers", "Computation saved, most"): "50",
        ("I3D", "Computation, share of I3D's"): "50",
    },
    "Sec. 4.2": {
        ("Stand-alone selector", "Timesteps of training"): "32",
        ("Stand-alone selector", "Timesteps kept"): "16",
        ("Off-the-shelf classifiers", "Timesteps saved, most"): "50",
        ("ShuffleNet3D", "Computation saved, least"): "50",
    },
    "Sec. 4.3": {
        ("I3D and ShuffleNet3D", "Classes that agree"): "8",
        ("ResNet2D and I3D", "Classes that agree"): "3",
    },
}
UNITS = {
    **dict.fromkeys(COLUMNS[:2], "timesteps"),
    **dict.fromkeys(COLUMNS[2:6], "GMACs per video"),
    "Accuracy": "%",
    **{str(2**power): "%" for power in range(8)},
}


def cells(table: str) -> dict[tuple[str, str], str]:
    """{(row, column): value} as reported.csv has it."""
    lines = PRINTED[PRINTED["table"] == table]
    return dict(zip(zip(lines["row"], lines["column"], strict=True), lines["printed"], strict=True))


def test_table_1_is_as_typed_a_second_time():
    expected = {}
    for line in TABLE_1.strip().splitlines():
        row, *values = line.split()
        expected |= {(row.replace("+", " + "), column): value for column, value in zip(COLUMNS, values, strict=True)}
    assert cells("Table 1") == {key: value for key, value in expected.items() if value != "_"}


def test_table_2_is_as_typed_a_second_time():
    expected = {}
    for network, lines in TABLE_2.items():
        for sampling, line in zip(("Uniform", "Random", "Selector"), lines.strip().splitlines(), strict=True):
            values = zip((2**power for power in range(8)), line.split(), strict=True)
            expected |= {(f"{network}, {sampling}", str(count)): value for count, value in values}
    assert cells("Table 2") == expected


@pytest.mark.parametrize("section", PROSE)
def test_prose_is_as_typed_a_second_time(section):
    assert cells(section) == PROSE[section]


def test_every_printed_number_is_there():
    """Table 1 has 9 numbers of timesteps, 21 costs and 6 accuracies; Table 2 has 3 networks x 3 samplings x 8; 8 of the
    text."""
    assert len(PRINTED) == 9 + 21 + 6 + 3 * 3 * 8 + 8 == 116


def test_all_numbers_are_the_authors_own_of_breakfast():
    assert set(PRINTED["origin"]) == {"own"} and set(PRINTED["dataset"]) == {"breakfast"}


def test_units_are_those_of_the_columns():
    known = PRINTED[PRINTED["table"].isin(["Table 1", "Table 2"])]
    assert (known["unit"] == known["column"].map(UNITS)).all()


# ---- what print says of itself, as the README has it

README = (FOLDER / "README.md").read_text()


def fitting(sampling: int, total: int) -> int:
    """How many of a sampling's 24 accuracies, the first, second or third line of each network, are shares of `total`,
    to the digits printed."""
    found = [float(value) for lines in TABLE_2.values() for value in lines.strip().splitlines()[sampling].split()]
    return sum(abs(100 * round(value * total / 100) / total - value) <= 0.005 + 1e-9 for value in found)


def test_uniform_accuracies_are_of_1152_videos_and_not_of_335():
    rows = {total: " | ".join(str(fitting(sampling, total)) for sampling in range(3)) for total in (335, 384, 1152)}
    assert rows == {335: "1 | 3 | 0", 384: "6 | 1 | 5", 1152: "24 | 1 | 13"}
    for total, counts in rows.items():
        assert f"| {total} | {counts} |" in README


def test_no_other_number_of_videos_fits_them():
    assert [total for total in range(50, 2001) if fitting(0, total) >= 20] == [1152]


def test_each_network_of_table_1_without_the_selector_is_table_2_with_16_uniform_timesteps():
    rows = {"RNet2D": "ResNet2D", "SNet3D": "ShuffleNet3D", "I3D": "I3D"}
    first, second = cells("Table 1"), cells("Table 2")
    assert all(first[short, "Accuracy"] == second[f"{name}, Uniform", "16"] for short, name in rows.items())
    ours = {
        short: first[f"{short} + Ours", "Accuracy"] == second[f"{name}, Selector", "8"] for short, name in rows.items()
    }
    assert ours == {"RNet2D": True, "SNet3D": False, "I3D": False}


def test_most_of_the_gain_at_one_timestep_is_over_the_first_of_the_video():
    for network in ("I3D", "ShuffleNet3D", "ResNet2D"):
        uniform, random, selector = (float(one.split()[0]) for one in TABLE_2[network].strip().splitlines())
        assert f"{random - uniform:.2f} of" in README and f"{selector - uniform:.2f}" in README, network


def test_totals_are_the_sums_of_their_parts_but_for_three():
    found = cells("Table 1")
    for row in dict.fromkeys(row for row, _ in found):
        whole = sum(float(found.get((row, part), 0)) for part in COLUMNS[2:5])
        rounds = abs(whole - float(found[row, "Total"])) <= 0.05 + 1e-9
        assert rounds == (row not in ("SNet3D + Ours", "I3D", "I3D + Ours")), row
