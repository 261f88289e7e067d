"""How a run is addressed in cards, configs, claims and on the command line."""


def split_edition(text: str) -> tuple[str, str]:
    dataset, _, edition = text.partition("@")
    return dataset, edition
