# SPDX-License-Identifier: Apache-2.0
"""``python -m flaxnn`` is the ``flaxnn`` command."""

from flaxnn.cli import main

main()
