# SPDX-License-Identifier: Apache-2.0
"""Mistakes in samplers, transforms and the readers of files."""

from __future__ import annotations

from tests.mutations import Mutation

SAMPLERS = "tests/unit/data/test_samplers.py"
TRANSFORMS = "tests/unit/data/test_transforms.py"
LIVE = "tests/parity/test_data_transforms.py"
GOLDEN = f"{SAMPLERS}::test_batches_and_states_are_pytorchs"


def _data(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in `flaxnn/data`."""
    return Mutation(name, f"flaxnn/data/{file}", old, new, tests)


MUTATIONS = (
    _data(
        "a sampler without a generator seeds a private one",
        "_choice_samplers.py",
        "yield self.indices[stream.randperm(len(self.indices))]",
        "yield self.indices[Generator(int(stream.random())).randperm(len(self))]",
        GOLDEN,
    ),
    _data(
        "weights are drawn from in float32",
        "_choice_samplers.py",
        "stream.multinomial(self.weights,",
        "stream.multinomial(self.weights.astype(np.float32),",
        f"{SAMPLERS}::test_weights_are_float64",
    ),
    _data(
        "the permutation thrown away is not drawn",
        "_order_samplers.py",
        "if rest or own:",
        "if rest:",
        "tests/unit/data/test_loader.py::test_moment_of_the_discarded_permutation",
    ),
    _data(
        "the whole order is drawn with the first batch",
        "_epoch.py",
        "yield self._first(min(end, samples))[start:]",
        "yield self.order()[start:end]",
        "tests/parity/test_data_samplers.py"
        "::test_batches_and_the_states_after_each[all--own-random-100-True]",
    ),
    _data(
        "the loader's own generator serves its sampler",
        "_loader.py",
        "        pieces = pieces_of(self.sampler, self.rngs)",
        "        pieces = pieces_of(self.sampler, self._stream)",
        f"{SAMPLERS}::test_whose_generator_is_drawn_from",
    ),
    _data(
        "an index outside wraps around",
        "_epoch.py",
        "(indices < -rows) | (indices >= rows)",
        "indices < -rows",
        f"{SAMPLERS}::test_an_index_outside_is_refused_before_a_row_is_read",
    ),
    Mutation(
        "numbers of a batch are drawn transform by transform",
        "flaxnn/random/_interleaved_draws.py",
        "reshape(shape)",
        "reshape(shape[::-1]).T",
        ("tests/unit/random/test_interleaved.py::test_it_is_the_loop",),
    ),
    _data(
        "a window of the image's size is drawn all the same",
        "transforms/_crop.py",
        "        if (height, width) == self.size:\n            return ()\n",
        "",
        f"{TRANSFORMS}::test_which_numbers_an_image_takes",
    ),
    _data(
        "left is drawn before top",
        "transforms/_crop.py",
        "top, left = map(jnp.asarray, draws)",
        "left, top = map(jnp.asarray, draws)",
        f"{TRANSFORMS}::test_arithmetic_is_numpys",
    ),
    _data(
        "a window cannot reach the last place",
        "transforms/_crop.py",
        "width - self.size[1] + 1",
        "width - self.size[1]",
        f"{TRANSFORMS}::test_which_numbers_an_image_takes",
    ),
    _data(
        "a flip has the other side of its probability",
        "transforms/_flips.py",
        "< np.float32(self.p)",
        ">= np.float32(self.p)",
        f"{TRANSFORMS}::test_arithmetic_is_numpys",
    ),
    _data(
        "a probability is compared in float64",
        "transforms/_flips.py",
        "jnp.asarray(draws[0]) < np.float32(self.p)",
        "np.asarray(draws[0], np.float64) < self.p",
        f"{LIVE}::test_a_probability_is_compared_in_float32",
    ),
    _data(
        "the compiler sees the divisor",
        "transforms/_normalize.py",
        "jnp.where(jnp.isnan(images), images, std)",
        "std",
        f"{TRANSFORMS}::test_channels_have_their_own_mean_and_std",
    ),
    _data(
        "the rest of an array in an archive is passed over",
        "_npz.py",
        "        if member.read(1):\n"
        '            raise ValueError(f"bytes follow the data of {entry}")\n',
        "",
        "tests/unit/data/test_npz.py::test_hostile_entries",
    ),
    _data(
        "pickled objects are loaded",
        "_npz.py",
        "allow_pickle=False",
        "allow_pickle=True",
        "tests/unit/data/test_npz.py::test_nothing_is_unpickled",
    ),
    _data(
        "an infinite cell is a number",
        "_csv.py",
        "math.isfinite(sum(numbers))",
        "True",
        "tests/unit/data/test_csv.py::test_what_is_wrong_and_where",
    ),
)
