"""`python -m tests.oracles FILE.csv`: agreement with worked examples by function, and every difference."""

import json
import sys
from collections import Counter
from pathlib import Path

from tests.oracles.evaluate import evaluate


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m tests.oracles FILE.csv")
        return 2
    try:
        outcomes = list(evaluate(Path(arguments[0])))
    except (OSError, ValueError) as error:
        print(error)
        return 2
    total, agreed = Counter(o.function for o in outcomes), Counter(o.function for o in outcomes if o.agrees)
    for function, n in sorted(total.items()):
        print(f"{function:20} {agreed[function]:5} of {n}")
    for o in outcomes:
        if not o.agrees:
            print(f"{o.id} {o.standard} {o.function}({o.inputs})")
            print(f"    expected {json.dumps(o.expected, ensure_ascii=False)}")
            print(f"    got      {json.dumps(o.got, ensure_ascii=False)}")
    print(f"{agreed.total()} of {total.total()} agree")
    return 0 if agreed == total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
