# SPDX-License-Identifier: Apache-2.0
"""Seeds, states, copies, and how many words each draw takes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from flaxnn.random import Generator

SEED = 2**40 + 3


def _state(generator: Generator, **fields: float) -> np.ndarray:
    """The generator's state with some of its fields replaced."""
    places = {
        "left": (8, "<i4"),
        "seeded": (12, "<i4"),
        "next": (16, "<u8"),
        "word": (24, "<u8"),
        "y": (5024, "<f8"),
        "valid": (5040, "<i4"),
        "float": (5048, "<f4"),
        "float_valid": (5052, "<u1"),
    }
    state = generator.get_state()
    for name, value in fields.items():
        offset, kind = places[name]
        raw = np.array([value], kind).view(np.uint8)
        state[offset : offset + len(raw)] = raw
    return state


def _same_future(a: Generator, b: Generator) -> bool:
    draws = [(g.rand(5), g.randn(3), g.randperm(7)) for g in (a, b)]
    return all(np.array_equal(x, y) for x, y in zip(*draws, strict=True))


class TestSeeds:
    def test_default_is_a_fresh_torch_generators(self) -> None:
        assert Generator().initial_seed() == 67280421310721

    @pytest.mark.parametrize(
        ("seed", "initial"),
        [
            (0, 0),
            (-1, 2**64 - 1),
            (-(2**63), 2**63),
            (2**64 - 1, 2**64 - 1),
            (np.int64(-2), 2**64 - 2),
            (np.uint64(2**64 - 1), 2**64 - 1),
            (np.array(7), 7),
            (1.9, 1),
            (-1.9, 2**64 - 1),
            (np.float32(2.5), 2),
        ],
    )
    def test_seed_as_torch_manual_seed_takes_it(self, seed: int, initial: int) -> None:
        assert Generator(seed).initial_seed() == initial
        assert Generator().manual_seed(seed).initial_seed() == initial

    def test_only_the_low_32_bits_choose_the_stream(self) -> None:
        np.testing.assert_array_equal(
            Generator(5).rand(9), Generator(2**32 + 5).rand(9)
        )
        assert not np.array_equal(Generator(5).rand(9), Generator(6).rand(9))

    def test_first_words_are_the_mersenne_twisters(self) -> None:
        # The reference implementation's test vector: init_genrand(5489).
        words = Generator(5489).randint(0, 2**28 - 1, (1,), dtype=np.int64)
        assert words[0] == 3499211612 % (2**28 - 1)

    def test_manual_seed_starts_anew_and_returns_itself(self) -> None:
        generator = Generator(3)
        generator.randn(1)  # leaves a cached normal number
        assert generator.manual_seed(3) is generator
        assert generator.words_drawn == 0
        np.testing.assert_array_equal(generator.get_state(), Generator(3).get_state())


class TestStates:
    def test_a_fresh_state_says_what_pytorchs_says(self) -> None:
        state = Generator(SEED).get_state()
        assert state.shape == (5056,)
        assert state.dtype == np.uint8
        assert state[:8].view("<u8")[0] == SEED
        assert state[8:16].view("<i4").tolist() == [1, 1]  # left, seeded
        assert state[16:24].view("<u8")[0] == 0  # next
        assert state[24:32].view("<u8")[0] == SEED & 0xFFFFFFFF
        assert not state[5016:].any()  # no normal number is cached

    @pytest.mark.parametrize("words", [1, 623, 624, 625, 1248, 1249])
    def test_left_and_next_follow_the_words(self, words: int) -> None:
        generator = Generator(SEED)
        generator.rand(words)
        left = generator.get_state()[8:12].view("<i4")[0]
        following = generator.get_state()[16:24].view("<u8")[0]
        assert following == (words - 1) % 624 + 1
        assert left == 625 - following

    @pytest.mark.parametrize("words", [0, 1, 5, 623, 624, 700, 1248])
    @pytest.mark.parametrize("normals", [0, 1, 2])
    def test_a_state_restores_everything(self, words: int, normals: int) -> None:
        generator = Generator(SEED)
        generator.rand(words)
        generator.randn(normals)
        state = generator.get_state()
        other = Generator(1)
        other.set_state(state)
        np.testing.assert_array_equal(other.get_state(), state)
        assert other.initial_seed() == SEED
        assert other.words_drawn == 0
        assert _same_future(generator, other)
        np.testing.assert_array_equal(generator.get_state(), other.get_state())

    def test_the_returned_state_is_a_copy(self) -> None:
        generator = Generator(SEED)
        generator.get_state()[:] = 0
        np.testing.assert_array_equal(
            generator.get_state(), Generator(SEED).get_state()
        )

    def test_the_given_state_is_copied(self) -> None:
        state = Generator(SEED).get_state()
        generator = Generator(1)
        generator.set_state(state)
        state[:] = 0
        np.testing.assert_array_equal(
            generator.get_state(), Generator(SEED).get_state()
        )

    def test_a_strided_state_is_taken(self) -> None:
        state = np.repeat(Generator(SEED).get_state(), 2)[::2]
        generator = Generator(1)
        generator.set_state(state)
        np.testing.assert_array_equal(generator.get_state(), state)

    def test_fields_that_no_draw_reads_survive(self) -> None:
        generator = Generator(SEED)
        state = _state(generator, float=1.5, float_valid=1)
        generator.set_state(state)
        generator.rand(0)
        np.testing.assert_array_equal(generator.get_state(), state)

    def test_stale_fields_are_dropped_as_pytorch_drops_them(self) -> None:
        generator = Generator(SEED)
        fresh = generator.get_state()
        generator.set_state(_state(generator, y=2.5, float=1.5, seeded=2))
        np.testing.assert_array_equal(generator.get_state(), fresh)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"seeded": 0}, "never seeded"),
            ({"left": 0}, "0 words left"),
            ({"left": -3}, "-3 words left"),
            ({"left": 625}, "625 words left"),
            ({"next": 625}, "next word is 625"),
            ({"left": 3, "next": 3}, "do not go with"),
            ({"word": 2**32}, "more than 32 bits"),
        ],
    )
    def test_a_damaged_state_is_refused(
        self, fields: dict[str, float], message: str
    ) -> None:
        generator = Generator(SEED)
        generator.randn(1)
        before = generator.get_state()
        with pytest.raises(RuntimeError, match=f"Invalid mt19937 state.*{message}"):
            generator.set_state(_state(generator, **fields))
        np.testing.assert_array_equal(generator.get_state(), before)


class TestCopies:
    @pytest.mark.parametrize(
        "copied",
        [
            Generator.clone,
            copy.copy,
            copy.deepcopy,
            lambda generator: pickle.loads(pickle.dumps(generator)),
        ],
    )
    def test_a_copy_draws_the_same_and_is_independent(
        self, copied: Callable[[Generator], Generator]
    ) -> None:
        generator = Generator(
            SEED, torch_version="2.6", cpu_capability="default", ledger=True
        )
        generator.randn(3)
        before = generator.get_state()
        with generator.consumer("outer"):
            other = copied(generator)
        assert isinstance(other, Generator)
        assert (other.torch_version, other.cpu_capability) == ("2.6", "default")
        assert other.words_drawn == generator.words_drawn == 8
        other.rand(100)
        np.testing.assert_array_equal(generator.get_state(), before)
        assert [draw.consumer for draw in other.ledger or []] == [None, None]
        assert len(generator.ledger or []) == 1
        other.set_state(before)
        assert _same_future(generator, other)

    def test_equality_is_identity(self) -> None:
        generator = Generator(0)
        assert generator == generator
        assert generator != generator.clone()
        assert len({generator, generator.clone()}) == 2

    def test_repr_says_what_is_drawn(self) -> None:
        generator = Generator(3, torch_version="2.6", cpu_capability="default")
        generator.rand(2)
        assert repr(Generator(3)) == "<Generator seed=3, 0 words drawn>"
        assert repr(generator) == (
            "<Generator seed=3, torch_version='2.6', cpu_capability='default', "
            "2 words drawn>"
        )


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda g: g.rand(7), 7),
        (lambda g: g.rand(7, dtype=np.float64), 14),
        (lambda g: g.uniform((2, 3)), 6),
        (lambda g: g.randn(7), 16),
        (lambda g: g.randn(8), 16),
        (lambda g: g.randn(16), 16),
        (lambda g: g.randn(17), 33),
        (lambda g: g.randn(17, dtype=np.float64), 66),
        (lambda g: (g.randn(1), g.normal((1,), dtype=np.float64)), 4),
        (lambda g: g.randperm(9), 8),
        (lambda g: g.randperm(1), 0),
        (lambda g: g.randint(0, 2**28 - 1, (5,)), 5),
        (lambda g: g.randint(0, 2**28, (5,)), 10),
        (lambda g: g.random(), 2),
        (lambda g: g.random((3,), dtype=np.uint8), 3),
        (lambda g: g.random((3,), dtype=np.float64), 6),
        (lambda g: g.bernoulli(0.5, (5,)), 10),
        (lambda g: g.bernoulli(np.full(5, 0.5, np.float32)), 5),
        (lambda g: g.bernoulli(np.full(5, 0.5)), 10),
        (lambda g: g.exponential((5,)), 10),
        (lambda g: g.multinomial(np.ones(4), 1, replacement=True), 8),
        (lambda g: g.multinomial(np.ones(4), 3, replacement=True), 6),
        (lambda g: g.multinomial(np.ones((2, 4)), 3), 16),
        (lambda g: (g.rand(0), g.randn(0), g.randperm(0), g.random((0,))), 0),
    ],
)
def test_words_drawn(draw: Callable[[Generator], object], words: int) -> None:
    generator = Generator(0)
    draw(generator)
    assert generator.words_drawn == words


def test_the_cached_normal_waits_through_other_draws() -> None:
    pair = Generator(0).randn(2)
    generator = Generator(0)
    first = generator.randn(())
    generator.rand(3)
    generator.randn(16)
    second = generator.randn(1, dtype=np.float64)
    assert first == pair[0]
    assert second.astype(np.float32)[0] == pair[1]
