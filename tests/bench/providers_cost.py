#!/usr/bin/env python3
"""What score providers cost: seconds of the signals with and without what they measure, in turns, the best of each.

    python3 tests/bench/providers_cost.py build/gatesweep JOB.toml [ROUNDS]

The job names two groups of prompts; its sweep, where it has one, is left out.
"""

import csv
import pathlib
import subprocess
import sys
import tempfile

CHEAP = ["activation", "gradient", "gradient-share", "safex", "gate-mass", "reap", "log-ratio"]
ARMS = {"signals alone": [], "all but logit-gradient": CHEAP, "all": CHEAP + ["logit-gradient"]}


def seconds(program, job, providers):
    with tempfile.TemporaryDirectory() as folder:
        words = ", ".join(f'"{word}"' for word in providers)
        settings = ["sweep.enabled=false", "parallel.threads=1", f"scores.providers=[{words}]",
                    'scores.refusals=["I cannot", "Sorry"]', 'scores.compliances=["Sure", "Certainly"]']
        command = [program, "run", job, "--out", f"{folder}/run"]
        subprocess.run(command + [word for s in settings for word in ("--set", s)], check=True, capture_output=True)
        rows = csv.DictReader(pathlib.Path(folder, "run/timings.csv").open())
        return {row["phase"]: float(row["seconds"]) for row in rows}


def main():
    program, job = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    best = {}
    for _ in range(rounds):
        for arm, providers in ARMS.items():
            for phase, value in seconds(program, job, providers).items():
                best[arm, phase] = min(value, best.get((arm, phase), value))
    for arm in ARMS:
        ratio = best[arm, "signals"] / best["signals alone", "signals"]
        print(f"{arm:24s} signals {best[arm, 'signals']:8.3f} s  x{ratio:.2f}  analysis {best[arm, 'analysis']:.3f} s")


if __name__ == "__main__":
    main()
