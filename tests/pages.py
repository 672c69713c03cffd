"""The pages that people read: the README, `docs/`, and what stands beside the code that it is about.

What lives here: where they are, and what is taken out of them. What must not: what they have to say.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "deploy/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
)


def page(name: str) -> str:
    """The text of `docs/NAME.md`."""
    return (ROOT / "docs" / f"{name}.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """The code in `text` that is marked as of `language`."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def links(text: str) -> list[str]:
    """Where the links and pictures in `text` lead."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(text: str) -> set[str]:
    """What its headings are called in a link, as GitHub makes it."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
