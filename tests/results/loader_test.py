"""The examples in results/gatesweep_results.py, and, with a second argument, the loader on an export of a run.

loader_test.py RESULTS [RUN EXPORT]: EXPORT is what `gatesweep export RUN --format parquet-ready` wrote; its schema.json
holds the program's own types.
"""

import doctest
import json
import pathlib
import sys

try:
    import numpy
    import pandas
except ImportError as error:
    print(f"skipped: {error.name} is not installed")
    sys.exit(77)

sys.path.insert(0, sys.argv[1])
import gatesweep_results  # noqa: E402


def check(is_so, what):
    if not is_so:
        sys.exit(f"failed: {what}")


def compare(run_folder, export):
    run = gatesweep_results.load(run_folder)
    schema = json.loads((export / "schema.json").read_text())
    own = {"string": "string", "int64": "Int64", "float64": "float64"}
    for stem, frame in run.tables.items():
        facts = schema["tables"][stem]
        check(facts["rows"] == len(frame), f"{stem}: {facts['rows']} rows and {len(frame)}")
        for column in facts["columns"]:
            name = column["name"]
            found = "string" if name in gatesweep_results.SETS else str(frame[name].dtype)
            check(found == own[column["type"]], f"{stem}.{name} is {found}, the program says {column['type']}")
            check(column["nullable"] or not frame[name].isna().any(), f"{stem}.{name} has empty cells")
    for stem, facts in schema["arrays"].items():
        array = run.arrays[stem]
        check(list(array.axes) == facts["axes"], f"{stem}: axes {array.axes} and {facts['axes']}")
        check(list(array.values.shape) == facts["shape"], f"{stem}: another shape")
        check(str(array.values.dtype) == facts["type"], f"{stem}: another type")
        check((numpy.load(export / facts["file"]) == array.values).all(), f"{stem}: other values")
    replies = pandas.read_csv(export / "completions.csv", keep_default_na=False, dtype=str)
    check(len(replies) == len(run.completions), "another number of replies")
    for column in ["trial_id", "prompt", "text", "label", "baseline_text", "baseline_label"]:
        check(replies[column].tolist() == run.completions[column].tolist(), f"completions.{column} differ")
    rows = run.trials[run.trials.trial_id != "baseline"]
    rates = run.completions.groupby(["trial_id", "group"]).restricted.sum()
    for row in rows.itertuples():
        check(rates[row.trial_id, row.group] == row.restricted, f"{row.trial_id}: another number of refusals")
        check(len(row.experts) == row.num_experts, f"{row.trial_id}: another number of experts")


failures, tried = doctest.testmod(gatesweep_results)
check(failures == 0 and tried > 10, "the examples of the loader")
if len(sys.argv) > 2:
    compare(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
print("passed")
