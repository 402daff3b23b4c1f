"""Holds the ready jobs and the documented one to `gatesweep schema`: schema_test.py GATESWEEP JOBS.

Skipped (exit code 77) where jsonschema, or tomllib of Python 3.11, is not there.
"""

import json
import pathlib
import re
import subprocess
import sys

try:
    import jsonschema
    import tomllib
except ImportError as error:
    print(f"skipped: {error.name} is not installed")
    sys.exit(77)

program, jobs = sys.argv[1], pathlib.Path(sys.argv[2])
schema = json.loads(subprocess.run([program, "schema"], check=True, capture_output=True).stdout)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
failed = 0


def check(name, text, is_sound=True):
    global failed
    found = [f"{list(error.path)}: {error.message[:200]}" for error in validator.iter_errors(tomllib.loads(text))]
    if bool(found) == is_sound:
        print(f"failed: {name}: {found or 'a wrong job passes'}")
        failed += 1


texts = {path: path.read_text() for path in sorted(jobs.rglob("*.toml"))}
texts = {path: text for path, text in texts.items() if "[model]" in text}
assert len(texts) > 10
for path, text in texts.items():
    check(path, text)
documented = (jobs / "README.md").read_text()
documented = documented[documented.index("```toml\n[model]") + 8:]
documented = documented[:documented.index("```")]
check("jobs/README.md", documented)
check("jobs/README.md with everything", re.sub(r"(^|\n)# (\[|[a-z_0-9]+ *= )", r"\1\2", documented))
least = "[model]\npath = 'm'\n[[prompts]]\ngroup = 'a'\nfile = 'a.csv'\n"
check("the least", least)
for wrong in ["[sweep]\nsize = [1]\n", "[sweep]\nmodes = ['maks']\n", "[signals]\nbatch_tokens = 0\n", "[sweep]\nslots = 'all'\n",
              "[[sweep.trial]]\nexperts = [[1, 2]]\n", "[analysis]\nactivation = { gap = '1' }\n"]:
    check(wrong, least + wrong, is_sound=False)
sys.exit(1 if failed else 0)
