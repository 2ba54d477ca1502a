"""What selecting from a supernet again found, in sentences that begin with how good it truly is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from hwbench.results.selections import FrontBaseline, Selected
from hwbench.results.true_value import TrueValue


def selection_titles(chosen: Sequence[Selected]) -> list[str]:
    """A title for each selection, with its folder's name where several would have the same."""
    titles = [each.result.title for each in chosen]
    return [
        f"{title} ({each.folder.name})" if titles.count(title) > 1 else title
        for each, title in zip(chosen, titles, strict=True)
    ]


def answers(chosen: Sequence[Selected]) -> Iterator[Markup]:
    """What selecting again found and how good that truly is: a sentence for one, fronts, the rest.

    Of several of a kind the truly best is named, beside the best that takes no search.
    """
    titled = list(zip(chosen, selection_titles(chosen), strict=True))
    fronts = [pair for pair in titled if pair[0].result.front is not None]
    others = [pair for pair in titled if pair[0].result.front is None]
    single = [pair for pair in others if pair[0].true_accuracy is not None]
    unknown = [pair for pair in others if pair[0].true_accuracy is None]
    if single:
        yield _about_single(single)
    for name in dict.fromkeys(_metric_name(each) for each, _ in fronts):
        yield _about_front([pair for pair in fronts if _metric_name(pair[0]) == name])
    if unknown:
        yield _about_unknown(unknown, alone=len(unknown) == len(titled))


def _metric_name(each: Selected) -> str:
    return "" if each.result.metric is None else each.result.metric.name


def _about_single(known: Sequence[tuple[Selected, str]]) -> Markup:
    """The truly best architecture, first of all among those that keep their limits."""

    def worth(pair: tuple[Selected, str]) -> tuple[bool, float]:
        return pair[0].keeps_limit, pair[0].true_accuracy or 0.0

    best, title = max(known, key=worth)
    result = best.result
    which = f"{title} found an architecture that truly has"
    if len(known) > 1:
        level = [f'"{pair[1]}"' for pair in known if worth(pair) == worth((best, title))]
        which = (
            f"Of {len(known)} selections of one architecture, {' and '.join(level)} found the "
            "truly best: it has"
        )
    details = []
    if result.single is not None and result.single.true_metric is not None and result.metric:
        limit = "" if best.keeps_limit else ", which breaks its limit"
        details.append(f"at {result.metric.amount(result.single.true_metric)}{limit}")
    truth = result.truth
    if truth is not None:
        details.append(truth.words)
        if truth.rank is not None:
            details.append(f"rank {truth.rank:,} of {truth.of:,}")
    free = list(_free(best))
    beside = ""
    if free:
        words, accuracy = max(free, key=lambda pair: pair[1])
        beside = f"; at no cost of a search, {words} has {accuracy:.2f} %"
    inside = f" ({', '.join(details)})" * bool(details)
    return Markup("<b>{} {:.2f} %</b>{}{}.").format(
        which, best.true_accuracy or 0.0, inside, beside
    )


def _free(each: Selected) -> Iterator[tuple[str, float]]:
    """What costs no search and its true accuracy: for this selection, else for the whole table."""
    result = each.result
    if result.single is not None and result.single.baselines:
        for baseline in result.single.baselines:
            yield baseline.words, baseline.true_accuracy
    elif result.truth is not None:
        for words, value, _ in costless(result.truth):
            yield words, value


def costless(truth: TrueValue) -> Iterator[tuple[str, float, int | None]]:
    """What costs no search by a table alone: words, value, and rank where it has one."""
    if truth.random is not None:
        yield "one random architecture on average", truth.random.mean, None
    for what, value, rank in truth.most:
        yield f"the architecture with the most {what}", value, rank


def _about_front(known: Sequence[tuple[Selected, str]]) -> Markup:
    """The front that truly comes nearest to the true one, of those of one metric."""
    best, title = max(known, key=lambda pair: _share(pair[0]))
    front, metric = best.result.front, best.result.metric
    of = f" of accuracy and {metric.title}" if metric is not None else ""
    which = f"{title} selected a front that truly has"
    if len(known) > 1:
        which = f"Of {len(known)} fronts{of}, that of {title} truly is the best: it has"
    beside = ""
    baselines = () if front is None else front.baselines
    if baselines:
        least = max(baselines, key=lambda baseline: baseline.hypervolume_share)
        beside = f"; {_with_evaluations(least)} has {least.hypervolume_share:.3f}"
    return Markup("<b>{} {:.3f} of the true front's hypervolume</b>{}.").format(
        which, _share(best), beside
    )


def _share(each: Selected) -> float:
    return float("-inf") if each.result.front is None else each.result.front.hypervolume_share


def _with_evaluations(baseline: FrontBaseline) -> str:
    count = baseline.evaluations
    return f"{baseline.words} ({count:,} evaluation{'s' * (count != 1)})"


def _about_unknown(chosen: Sequence[tuple[Selected, str]], *, alone: bool) -> Markup:
    """That nothing true is known of selections, with what the supernet says of the best of them."""
    best, title = max(chosen, key=lambda pair: pair[0].result.search_accuracy)
    if len(chosen) == 1:
        which = f'How good what "{title}" selected truly is, is not known'
        own = "by the supernet's own numbers it"
    else:
        all_of = "" if alone else " others"
        which = f"How good what {len(chosen)}{all_of} selections found truly is, is not known"
        own = f"by the supernet's own numbers the best, of {title},"
    return Markup(
        "<b>{}</b>: {} has {:.2f} % on validation and {:.2f} % on test images, which says little "
        "of it."
    ).format(which, own, best.result.search_accuracy, best.result.test_accuracy)
