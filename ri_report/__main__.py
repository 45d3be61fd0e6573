"""`python -m ri_report` is the `ri-report` command."""

from ri_report.cli import main

if __name__ == "__main__":
    main()
