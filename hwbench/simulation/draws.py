"""Random draws in compiled code: candidates, and the deviations they are dealt.

Random bits are made by SplitMix64 (Steele, Lea and Flood 2014) from a 64-bit key a repeat, which
numpy draws.
"""

from __future__ import annotations

import numpy as np

from hwbench.arrays import Floats
from hwbench.simulation.compiled import Ints, Owners, Words, compiled, count_bits, lowest_bit

STEP = np.uint64(0x9E3779B97F4A7C15)
FACTOR_1 = np.uint64(0xBF58476D1CE4E5B9)
FACTOR_2 = np.uint64(0x94D049BB133111EB)
LOW = np.uint64(0xFFFFFFFF)


@compiled
def _random_word(state: np.uint64) -> np.uint64:
    """SplitMix64's output function; the caller adds STEP to its state before each call."""
    word = (state ^ (state >> np.uint64(30))) * FACTOR_1
    word = (word ^ (word >> np.uint64(27))) * FACTOR_2
    return word ^ (word >> np.uint64(31))


@compiled
def draw_subset(n_archs: int, n: int, key: np.uint64, bits: Words, chosen: Ints) -> np.uint64:
    """Draw n of n_archs positions without replacement (Floyd's method), in rising order.

    A position's probability is off by less than n_archs / 2**64.

    Parameters
    ----------
    key : the random stream's state; the state after the draws is returned.
    bits : of shape at least (ceil(n_archs / 64),), overwritten.
    chosen : of shape at least (n,), overwritten with the positions.
    """
    if n == n_archs:
        for k in range(n):
            chosen[k] = k
        return key
    words = (n_archs + 63) >> 6
    left_out = n > n_archs // 2  # then the positions to leave out are drawn
    drawn = n_archs - n if left_out else n
    bits[:words] = 0
    one = np.uint64(1)
    state = key
    for last in range(n_archs - drawn, n_archs):
        state += STEP
        word = _random_word(state)
        size = np.uint64(last + 1)
        high = (word >> np.uint64(32)) * size + (((word & LOW) * size) >> np.uint64(32))
        place = np.int64(high >> np.uint64(32))
        if bits[place >> 6] & (one << np.uint64(place & 63)):
            place = np.int64(last)
        bits[place >> 6] |= one << np.uint64(place & 63)
    count = 0
    for k in range(words):
        word = bits[k]
        if left_out:
            word = ~word
            if (k + 1) << 6 > n_archs:
                word &= (one << np.uint64(n_archs & 63)) - one
        while word:
            chosen[count] = (k << 6) + np.int64(lowest_bit(word))
            count += 1
            word &= word - one
    return state


@compiled
def mix_deviations(part: Floats, normal: Floats, shift: Floats) -> Floats:
    """Deviations of LAUBE A.5 from uniform and normal draws; its constant v is 1.

    Parameters
    ----------
    part : uniform in 0 .. 1, shape (n_repeats, n_values): says which distribution a value is of.
    normal : standard normal, of that shape; overwritten with the result.
    shift : of the two normal distributions' centres, shape (n_repeats,).
    """
    for r in range(part.shape[0]):
        for k in range(part.shape[1]):
            if part[r, k] < 0.725:
                normal[r, k] += shift[r]
            elif part[r, k] < 0.725 + 0.265:
                normal[r, k] = 3.0 * normal[r, k] - shift[r]
            else:  # within its share of the unit interval, `part` is uniform again
                normal[r, k] = 30.0 * (part[r, k] - (0.725 + 0.265)) / 0.01 - 15.0
    return normal


@compiled
def standardise_values(values: Floats, repetition: int, n: int, scaled: Floats) -> None:
    """Shift and scale values so that n candidates get mean 0 and deviation 1.

    Parameters
    ----------
    values : float64 of shape (ceil(n / repetition),); each is for `repetition` candidates, the last
        one may be for fewer.
    scaled : of that shape, overwritten.
    """
    whole = n // repetition
    rest = n - whole * repetition
    mean = 0.0
    for g in range(whole):
        mean += values[g]
    mean *= repetition
    if rest:
        mean += rest * values[whole]
    mean /= n
    square = 0.0
    for g in range(whole):
        square += (values[g] - mean) ** 2
    square *= repetition
    if rest:
        square += rest * (values[whole] - mean) ** 2
    # Where all values are equal (few candidates), rounding must not be blown up to deviations.
    scale = 1.0 / np.sqrt(square / n) if square > 1e-20 * n * (1.0 + mean * mean) else 0.0
    for g in range(values.size):
        scaled[g] = (values[g] - mean) * scale


@compiled
def deal_values(
    values: Floats, owners: Owners, n: int, key: np.uint64, work: Owners, units: Floats
) -> np.uint64:
    """Deal values to candidates in random order.

    Fisher and Yates; two draws share a random word (Brackett-Rozinsky and Lemire 2024), so that a
    step's probabilities are off by less than n**2 / 2**64.

    Parameters
    ----------
    values : float64 of shape (n_values,).
    owners : int16 or int32 of shape (n,), which value each place has before the shuffle.
    key : the random stream's state; the state after the draws is returned.
    work : like `owners`, overwritten.
    units : float64 of shape at least (n,), overwritten with each candidate's value.
    """
    work[:n] = owners
    state = key
    k = 0
    while k < n - 1:
        state += STEP
        word = _random_word(state)
        size = np.uint64(n - k)
        low = (word & LOW) * size
        high = (word >> np.uint64(32)) * size + (low >> np.uint64(32))
        other = k + np.int64(high >> np.uint64(32))
        owner = work[other]
        work[other] = work[k]
        units[k] = values[owner]
        k += 1
        word = (high << np.uint64(32)) | (low & LOW)
        size = np.uint64(n - k)
        high = (word >> np.uint64(32)) * size + (((word & LOW) * size) >> np.uint64(32))
        other = k + np.int64(high >> np.uint64(32))
        owner = work[other]
        work[other] = work[k]
        units[k] = values[owner]
        k += 1
    if k < n:
        units[k] = values[work[k]]
    return state


@compiled
def places_among(rank: Ints, chosen: Ints, n: int, bits: Words, before: Ints, place: Ints) -> None:
    """Where each of n chosen stands among them, given the rank of all.

    Parameters
    ----------
    rank : int32 of shape (n_archs,), a permutation.
    chosen : int32 of shape (n,).
    bits, before : of shape at least (ceil(n_archs / 64),), overwritten.
    place : int32 of shape at least (n,), overwritten with 0 .. n - 1.
    """
    words = (rank.size + 63) >> 6
    one = np.uint64(1)
    bits[:words] = 0
    for k in range(n):
        r = rank[chosen[k]]
        bits[r >> 6] |= one << np.uint64(r & 63)
    count = np.int64(0)
    for w in range(words):
        before[w] = count
        count += np.int64(count_bits(bits[w]))
    for k in range(n):
        r = rank[chosen[k]]
        below = bits[r >> 6] & ((one << np.uint64(r & 63)) - one)
        place[k] = before[r >> 6] + np.int64(count_bits(below))
