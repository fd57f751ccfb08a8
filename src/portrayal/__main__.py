"""`python -m portrayal` is the same program as `portrayal`; torchrun starts it so."""

from portrayal.cli import main

if __name__ == "__main__":
    main()
