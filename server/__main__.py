"""``python -m server``: the same as the console script ``tingqing``."""

from server.cli.main import main

if __name__ == "__main__":
    main()
