"""Opens what `gatesweep export` wrote with the programs that it is for: export_readers.py FORMAT FOLDER.

Prints what it found as JSON; exit code 77 where the reader is not installed.
"""

import json
import pathlib
import sys


def lm_eval(folder):
    from lm_eval.utils import (get_file_task_name, get_latest_filename, get_results_filenames,
                               get_sample_results_filenames, make_table)
    names = [f"{folder.name}/{path.name}" for path in folder.iterdir()]
    parent = folder.parent
    results = json.loads((parent / get_latest_filename(get_results_filenames(names))).read_text())
    table = make_table(results)
    tasks = {}
    for name in get_sample_results_filenames(names):
        task = get_file_task_name(name)
        samples = [json.loads(line) for line in (parent / name).read_text().splitlines()]
        scored = [sample["refusal"] for sample in samples if sample["refusal"] is not None]
        tasks[task] = {"samples": len(samples), "refusal": sum(scored) / len(scored)}
        assert abs(results["results"][task]["refusal,none"] - tasks[task]["refusal"]) < 1e-12, task
        assert results["results"][task]["alias"].split()[0] in table
    assert set(tasks) == set(results["results"])
    return {"tasks": len(tasks), "samples": sum(task["samples"] for task in tasks.values())}


def inspect(folder):
    from inspect_ai.analysis import samples_df
    from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_samples
    logs = list_eval_logs(str(folder))
    assert len(logs) == 1, logs
    log = read_eval_log(logs[0])
    header = read_eval_log(logs[0], header_only=True)
    assert header.eval.config.epochs == log.eval.config.epochs
    epochs = {sample.epoch for sample in log.samples}
    ids = {sample.id for sample in log.samples}
    assert sorted(epochs) == list(range(1, log.eval.config.epochs + 1))
    assert ids == set(log.eval.dataset.sample_ids) and len(ids) == log.eval.dataset.samples
    assert len({(sample.id, sample.epoch) for sample in log.samples}) == len(log.samples)
    replies = {(sample.id, sample.epoch): sample.output.completion for sample in log.samples}
    for sample in log.samples:
        assert sample.metadata["baseline_reply"] == replies[sample.id, 1]
        assert sample.messages[-1].text == sample.output.completion
    assert len(list(read_eval_log_samples(logs[0]))) == len(log.samples)
    try:
        frame = samples_df(str(folder))
        assert len(frame) == len(log.samples)
    except ImportError:  # pandas and pyarrow are not among its own needs
        pass
    refusals = [sample.scores["refusal"].value for sample in log.samples if "refusal" in sample.scores]
    return {"status": log.status, "epochs": len(epochs), "prompts": len(ids), "samples": len(log.samples),
            "refusals": sum(refusals)}


readers = {"lm-eval": lm_eval, "inspect": inspect}
try:
    print(json.dumps(readers[sys.argv[1]](pathlib.Path(sys.argv[2]))))
except ImportError as error:
    print(f"skipped: {error.name} is not installed")
    sys.exit(77)
