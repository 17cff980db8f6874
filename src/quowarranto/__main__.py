"""`python -m quowarranto` is `quo`."""

from quowarranto.cli import main

if __name__ == "__main__":
    main()
