"""The entry point of `python -m dev`, the commands for developers."""

import signal

from dev.set_up import end_interrupted


def main() -> None:
    """Run the command line; Ctrl-C ends it with one sentence."""
    signal.signal(signal.SIGINT, end_interrupted)
    from dev.command_line import run_command_line  # noqa: PLC0415 - the handler comes first

    run_command_line()


if __name__ == "__main__":
    main()
