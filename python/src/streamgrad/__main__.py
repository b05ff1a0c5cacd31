"""The command line: `python -m streamgrad export model.keras flights.bundle --loss ... --optimizer ...`."""

from streamgrad.command import main

if __name__ == "__main__":
    main()
