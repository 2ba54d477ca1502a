"""Rebuild docs/concepts/live-results.md: python reports/live_evidence.py [SWEEP ...].

Folders of `hwbench live sweep` that are given, ended or not, are added to reports/results first;
what it holds of the same searches is replaced. All tables of the page and all figures, in
runs/live-evidence.html, are made of these results alone. Intervals are Student's, at 95 %, over
seeds.
"""

import argparse
import re
from pathlib import Path

from live_answers import inheritance, methods, policies, rankings, selections, strengths
from live_answers.found import Found, gather
from live_answers.wording import NONE_YET

from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live.recipes import recipe_files
from hwbench.live.sweep import load_sweep
from hwbench.pages.blocks import Section
from hwbench.pages.rendering import render_page
from hwbench.report.live.evidence import evidence_blocks
from hwbench.results.live import is_live_sweep
from hwbench.results.names import SWEEP

ROOT = Path(__file__).resolve().parents[1]
KINDS = {
    "table: methods": methods.methods_table,
    "table: choices": methods.choices_table,
    "table: values": methods.values_table,
    "table: rankings": rankings.rankings_table,
    "table: resources": rankings.resources_table,
    "table: selections": selections.selections_table,
    "table: strongest": strengths.strongest_table,
    "table: policies": policies.policies_table,
    "table: inheritance": inheritance.inheritance_table,
    "words: methods": methods.methods_words,
    "words: collapse": methods.collapse_words,
    "words: warm_up": methods.warm_up_words,
    "words: regret": methods.regret_words,
    "words: proxy": methods.proxy_words,
    "words: rankings": rankings.rankings_words,
    "words: window": rankings.window_words,
    "words: stopped": rankings.stopped_words,
    "words: epochs": rankings.epochs_words,
    "words: selections": selections.selections_words,
    "words: bayes_nas": selections.bayes_nas_words,
    "words: noise": strengths.noise_words,
    "words: left_out": strengths.left_out_words,
    "words: policy": policies.policy_words,
    "words: inheritance": inheritance.inheritance_words,
}
"""What fills a part of the page, by the kind that its comment names."""

PART = re.compile(r"<!-- (\w+: \w+) of (\S+?)(?:\n(.*?))? -->\n", re.S)
"""The comment that a part begins with: its kind, the sweeps it is of, and its question if any."""


def has_ended(folder: Path) -> bool:
    """Whether a search of a sweep has; of one that has none yet it is said."""
    none_yet = (folder / SWEEP).exists() and not is_live_sweep(folder)
    if none_yet:
        print(f"{folder}: {NONE_YET[0].lower()}{NONE_YET[1:]}")
    return not none_yet


def title_of(sweep: str) -> str:
    """The title of the sweep that a folder is named after; the folder's name where it is none."""
    found = recipe_files("sweeps").get(sweep.removeprefix("live-"))
    return sweep if found is None else load_sweep(found)[0].title


def first_of(sweeps: str) -> str:
    """What the first of several sweeps is run by."""
    return sweeps.partition("+")[0].removeprefix("live-")


def filled(page: str, comment: str, text: str) -> str:
    """A page with a text between a comment, as a regular expression, and the end of its part."""
    inside = f"\n{text}\n\n" if text else "\n"
    return re.sub(
        rf"({comment}\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{inside}{found[2]}",
        page,
        flags=re.S,
    )


def answered(page: str, found: Found) -> str:
    """The page with every part made anew of what is found."""
    not_run = []
    for kind, sweeps, question in PART.findall(page):
        own = found.of(sweeps)
        begun = own.sweeps[0] in set(own.searches["sweep"])
        if begun:
            made = "\n\n".join(filter(None, [question, KINDS[kind](own)]))
        elif question:  # which a reader need not read before there is an answer
            made = ""
            not_run.append(f"- {question.split('**')[1]} `hwbench live sweep {first_of(sweeps)}`")
        else:
            made = NONE_YET
        page = filled(page, rf"<!-- {kind} of {re.escape(sweeps)}(?:\n[^>]*?)? -->", made)
    text = "\n".join(["Still to be run:", "", *not_run]) if not_run else ""
    return filled(page, "<!-- not run -->", text)


def figures_of(page: str, found: Found) -> list[Section]:
    """The figures of every sweep, in the order in which the page asks for them, others behind."""
    asked = dict.fromkeys(name for _, sweeps, _ in PART.findall(page) for name in sweeps.split("+"))
    known = found.runs["sweep"].unique()
    sections = []
    for name in dict.fromkeys([*filter(set(known).__contains__, asked), *known]):
        own = found.of(name)
        frames = (own.runs.reset_index(drop=True), own.epochs.reset_index(drop=True))
        files = ("reports/results/live_runs.parquet", "reports/results/live_epochs.parquet")
        sections.append(Section(name, title_of(name), evidence_blocks(frames), files))
    return sections


def main() -> None:
    """Add what is given, and write the page and its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sweeps", type=Path, nargs="*", metavar="SWEEP", help="folders of sweeps")
    parser.add_argument("--results", type=Path, default=ROOT / "reports/results")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/concepts/live-results.md")
    parser.add_argument("--figures", type=Path, default=Path("runs/live-evidence.html"))
    arguments = parser.parse_args()
    try:
        found = gather(arguments.results, [each for each in arguments.sweeps if has_ended(each)])
    except HwbenchError as error:
        parser.error(str(error))
    page = answered(arguments.page.read_text(encoding="utf-8"), found)
    arguments.page.write_text(page, encoding="utf-8")
    print(arguments.page)
    sections = figures_of(page, found)
    if sections:
        brand = "hwbench"
        write_text(
            arguments.figures, render_page("What live searches come to", sections, brand=brand)
        )
        print(arguments.figures)


if __name__ == "__main__":
    main()
