# SPDX-License-Identifier: Apache-2.0
"""Mistakes in streaming and in data that stay on disk."""

from __future__ import annotations

from tests.mutations import Mutation

STREAMING = "tests/unit/training/test_streaming.py"
REFUSALS = "tests/unit/training/test_streaming_refusals.py::TestRefusals"
NPY = "tests/unit/data/test_npy.py"
RESIDENT = f"{STREAMING}::test_the_numbers_are_those_of_the_resident_run"
RESUMED = f"{STREAMING}::test_a_resumed_run_reads_from_where_it_stopped"
PARTS = f"{STREAMING}::test_they_do_not_depend_on_what_is_read_at_once"


def _training(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in `flaxnn/training`."""
    return Mutation(name, f"flaxnn/training/{file}", old, new, tests)


MUTATIONS = (
    _training(
        "a resumed run reads the epoch from its start",
        "_plan.py",
        "batches, ahead = rows[at : at + length], visited[at * size :]",
        "batches, ahead = rows[at : at + length], visited",
        RESUMED,
    ),
    _training(
        "rows beyond the last step are read",
        "_plan.py",
        "visited = visited[: (first + self.remaining) * size]",
        "visited = visited[:]",
        f"{STREAMING}::test_no_row_beyond_the_last_step_is_read",
    ),
    _training(
        "the rest of a block is lost at the end of a chunk",
        "_reader.py",
        "self._taken += length",
        "self._taken = len(self._block[0])",
        PARTS,
    ),
    _training(
        "a chunk starts to read anew",
        "_streamed.py",
        "if self._reader is None or self._coming != len(part.ahead):",
        "if True:",
        f"{STREAMING}::test_rows_are_read_ahead_of_their_turn",
    ),
    _training(
        "the short batch is not read",
        "_streamed.py",
        "short = ahead[whole:]",
        "short = ahead[:0]",
        RESIDENT,
    ),
    _training(
        "labels are not looked at",
        "_streamed.py",
        "naming_row(lambda rows: self._check(rows, size), checked, mine)",
        "del checked",
        f"{REFUSALS}::test_a_label_out_of_range",
    ),
    _training(
        "pixels become floats on the host",
        "_samples.py",
        "        return to_dtype(arrays, self.dtype)",
        "        return tuple(array.astype(self.dtype) for array in arrays)",
        f"{STREAMING}::test_pixels_are_uint8_until_they_are_on_the_device",
    ),
    _training(
        "the transform draws after all batches are drawn",
        "_evaluate.py",
        "drawn = [(rows, self._draws(len(rows))) for rows in batches]",
        "drawn = [(rows, self._draws(len(rows))) for rows in list(batches)]",
        f"{STREAMING}::test_an_evaluation_with_a_transform_and_a_sampler",
    ),
    Mutation(
        "rows that follow one another are told by one side only",
        "flaxnn/data/_npy.py",
        "np.diff(indices, prepend=indices[0] - 2) != 1",
        "np.diff(indices, prepend=indices[0] - 2) < 1",
        (f"{NPY}::test_rows_are_those_of_the_arrays",),
    ),
    Mutation(
        "the length of a file is not looked at again",
        "flaxnn/data/_npy.py",
        """            self._check_length(file)
            for first, count in _runs(indices):""",
        """            for first, count in _runs(indices):""",
        (f"{NPY}::TestRefusals::test_a_file_cut_short_later",),
    ),
)
