"""In place of pip: a hand-in does not change what hand-ins are marked in."""


def main(*args):
    import sys

    asked = " ".join(map(str, sys.argv[1:]))
    print(f"Left out: pip {asked}\nHand-ins are marked with the packages of the course.")
    return 0
