# SPDX-License-Identifier: BSL-1.0
"""What the checkers share: where the tree is, and how complaints are told."""
import os


def root_of(arguments):
    """The tree to look at: the first argument that is no option, or the one this file stands in."""
    roots = [argument for argument in arguments if not argument.startswith("--")]
    return roots[0] if roots else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def tell(checker, complaints):
    """Prints the complaints and their number; what the program exits with."""
    for complaint in complaints:
        print(complaint)
    print(f"{checker}: {len(complaints)} complaints")
    return 1 if complaints else 0
