"""Fuzz the manifest loader: any bytes must end in objects and problems, never in a crash.

Coverage-guided where atheris is installed (`python tests/fuzz/fuzz_manifests.py [libFuzzer options] [corpus]`); without it,
bytes from a seeded generator: `python tests/fuzz/fuzz_manifests.py [SECONDS [SEED]]`.
"""

import random
import sys
import time

try:
    import atheris
except ImportError:
    atheris = None

if atheris is None:
    from manifests.load import load_text
    from tocsin.kinds import BuiltKinds
else:
    with atheris.instrument_imports(include=["manifests", "sources", "sensors"]):
        from manifests.load import load_text
        from tocsin.kinds import BuiltKinds

KINDS = BuiltKinds()
SLOW_S = 5.0
SAMPLES = (
    (
        b"apiVersion: argoproj.io/v1alpha1\nkind: EventSource\nmetadata: {name: a}\nspec:\n"
        b"  webhook: {b: {port: '1', endpoint: /, method: POST}}\n"
    ),
    (
        b"apiVersion: tocsin.dev/v1\nkind: Sensor\nmetadata: {name: a}\nspec:\n  dependencies:\n"
        b"    - {name: d, eventSourceName: a, eventName: b, filters: {data: [{path: x, type: string, value: [v]}]}}\n"
        b"  triggers:\n    - template: {name: t, conditions: d || (d), http: {url: x, payload: [{src: {dependencyName: d}}]}}\n"
        b"      retryStrategy: {duration: 1s}\n"
    ),
    b'{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "data": {"a": "aGk="}}]}',
    b"a: &a {<<: [*a, &b {x: 1}], y: !!str yes}\n---\n%YAML 1.2\n---\n- ? [a]\n  : |+\n    text\n...\n",
)


def one_input(data: bytes) -> None:
    """Load `data`; fail where it crashes, hangs, or says something that cannot be printed."""
    began = time.perf_counter()
    loaded = load_text(data, KINDS)
    assert time.perf_counter() - began < SLOW_S, "too slow"
    assert all(str(problem).isprintable() for problem in loaded.problems), "a problem that cannot be printed"


def mutated(dice: random.Random) -> bytes:
    """Sample text with some of its bytes replaced, repeated, moved or left out."""
    data = bytearray(b"\n---\n".join(dice.sample(SAMPLES, dice.randint(1, 3))))
    for _ in range(dice.randint(1, 12)):
        at, length = dice.randrange(len(data) + 1), dice.randint(0, 12)
        piece = bytes(data[at : at + length])
        change = dice.choice((b"", piece * dice.randint(2, 50), dice.randbytes(length), dice.choice(SAMPLES)[at : at + length]))
        data[at : at + length] = change
    return bytes(data)


def without_guidance(seconds: float, seed: int) -> None:
    """Feed seeded random input for `seconds`; on a failure print the seed and the input."""
    dice = random.Random(seed)
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        data = mutated(dice)
        try:
            one_input(data)
        except Exception:
            print(f"seed {seed}, input {count}: {data!r}", file=sys.stderr)
            raise
        count += 1
    print(f"{count} inputs in {seconds:g} s, seed {seed}: no failure")


def main() -> None:
    """Run whichever fuzzer is there."""
    if atheris is not None:
        atheris.Setup(sys.argv, one_input)
        atheris.Fuzz()
    else:
        seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
        without_guidance(seconds, int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(2**32))


if __name__ == "__main__":
    main()
