# SPDX-License-Identifier: Apache-2.0
"""A learned table of rows."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn import functional as F
from flaxnn import init
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Buffer, Parameter
from flaxnn.random import Generator


class Embedding(Module):
    """Looks up rows of a learned table by their index.

    Args:
        num_embeddings: Number of rows.
        embedding_dim: Length of a row.
        padding_idx: A row that starts as zeros and gets no gradient; a negative one
            counts from the end.
        max_norm: Only None: PyTorch shortens the rows of the table itself in place.
        norm_type: Belongs to `max_norm`; it is printed only.
        scale_grad_by_freq: Whether a row's gradient is divided by how often its index
            occurs in the input.
        sparse: Only False: JAX's gradients are dense.
        rngs: A `Generator` for PyTorch's initial table or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(num_embeddings, embedding_dim)``, drawn from the standard normal
            distribution, the padding row too before it is set to zeros. A `Buffer`
            where `from_pretrained` froze it.

    Raises:
        AssertionError: `padding_idx` is out of range.
        ValueError: On a call, `max_norm` or `sparse` is given.
        IndexError: On a call, an index is out of range.

    Torch:
        ``torch.nn.Embedding``, 2.13.0: initial values T0 with a `Generator`.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> Embedding(10, 3, padding_idx=0, rngs=Generator(0))(jnp.array([0, 4])).shape
        (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
        _weight: Parameter[jax.Array] | Buffer[jax.Array] | None = None,
    ):
        if padding_idx is not None:
            rows = max(num_embeddings, 1)
            if not -rows <= padding_idx < rows:
                raise AssertionError(
                    "Padding_idx must be within num_embeddings: expected "
                    f"{-num_embeddings} to {num_embeddings - 1}, got {padding_idx}"
                )
            padding_idx %= rows
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            shape = (num_embeddings, embedding_dim)
            table = init.normal(shape, rngs=rngs, dtype=dtype)
            _weight = Parameter(_without_row(table, padding_idx))
        self.weight = _weight

    @classmethod
    def from_pretrained(
        cls,
        embeddings: ArrayLike,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """Returns an embedding with a given table.

        Args:
            embeddings: ``(num_embeddings, embedding_dim)`` table, taken in JAX's
                precision.
            freeze: Whether training leaves the table as it is. It is a `Buffer` then:
                in the `state_dict`, but not among the parameters, where PyTorch has it
                with ``requires_grad=False``.
            padding_idx: A row that gets no gradient; it is not set to zeros.
            max_norm: As for the class.
            norm_type: As for the class.
            scale_grad_by_freq: As for the class.
            sparse: As for the class.

        Raises:
            AssertionError: The table has not two dimensions.

        Example:
            >>> import jax.numpy as jnp
            >>> layer = Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]])
            >>> layer(jnp.array([1]))
            Array([[3., 4.]], dtype=float32)
        """
        table = jnp.asarray(embeddings)
        if table.ndim != 2:
            raise AssertionError(
                "Embeddings parameter is expected to be 2-dimensional, got "
                f"{table.ndim}-D: {table.shape}"
            )
        return cls(
            table.shape[0],
            table.shape[1],
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            rngs=Generator(),
            _weight=Buffer(table) if freeze else Parameter(table),
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the rows ``(*, embedding_dim)`` of indices ``(*)``."""
        return F.embedding(
            input,
            self.weight.get_value(),
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        return text + (", sparse=True" if self.sparse else "")


def _without_row(table: jax.Array, row: int | None) -> jax.Array:
    """The table with a row of zeros, float64 kept whatever the global setting."""
    if row is None:
        return table
    wide = table.dtype == np.float64
    with jax.enable_x64(True) if wide else nullcontext():
        return table.at[row].set(0)
