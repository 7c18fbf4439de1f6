"""``python -m bot`` is ``batchbot``."""

from bot.cli import main

if __name__ == "__main__":
    main()
