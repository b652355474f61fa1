"""``python -m flaxnn`` is the ``flaxnn`` command."""

from flaxnn.cli import main

main()
