"""The entry point of `ledger`, and of `python -m cli`."""

import sys


def main() -> None:
    """Run `ledger` with the words of this process."""
    try:
        from cli.app import ledger  # noqa: PLC0415 -- Ctrl-C during the imports is one sentence too

        ledger.main(prog_name="ledger")
    except KeyboardInterrupt:
        # Ctrl-C before or after the command itself; `ledger` reports every other one.
        sys.stderr.write("Interrupted: run the same command again to continue.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
