#include "command_options.h"

#include <limits>

#include "verify/published_numbers.h"

namespace gatesweep {
namespace {

void add_folder(CLI::App& command, std::filesystem::path& folder, char const* name, char const* what) {
    command.add_option(name, folder, what)->required()->type_name("DIR")->check(not_empty);
}

void add_overrides(CLI::App& command, Options& options, char const* what) {
    command.add_option("--set", options.overrides, what)->type_name("KEY=VALUE")->expected(1)->take_all();
}

// Where results go that are made anew from those of a run.
void add_target(CLI::App& command, Options& options) {
    command.add_option("--out", options.out, "a new folder for the results; that of the run stays as it is")
        ->type_name("NEW")
        ->check(not_empty);
    command.add_flag("--in-place", options.in_place, "replace the results in the folder of the run");
}

}  // namespace

void add_job_options(CLI::App& command, Options& options) {
    command.add_option("job", options.job, "the job file (TOML): model, prompts, parallelism, analysis")
        ->required()
        ->type_name("JOB.toml");
    add_overrides(command, options, "change one key of the job, for example --set signals.batch_tokens=4096");
}

void add_run_options(CLI::App& command, Options& options) {
    add_job_options(command, options);
    command
        .add_option("--out", options.out,
                    "folder for the results; made when missing; an unfinished run there is continued; a finished one "
                    "is left alone, or "
                    "gets what this job has more: prompts, sizes, sets, controls")
        ->required()
        ->type_name("DIR")
        ->check(not_empty);
}

void add_harden_options(CLI::App& command, Options& options) {
    add_job_options(command, options);
    command
        .add_option("--out", options.out,
                    "folder for the results, the adapter among them; made when missing; an unfinished one is gone on "
                    "with")
        ->required()
        ->type_name("DIR")
        ->check(not_empty);
    command
        .add_option("--merge", options.merge,
                    "write the whole checkpoint with the adapter added to its weights to this new folder too")
        ->type_name("FOLDER")
        ->check(not_empty);
    command.footer(
        "The job needs [harden] (jobs/README.md, Hardening). Only matrices of the selected experts change; the\n"
        "router, attention and all other experts stay as they are. The exit code is 0 also where a gate is not\n"
        "passed: DIR/adapter/hardening.json and the report say so.");
}

void add_verify_options(CLI::App& command, Options& options) {
    add_job_options(command, options);
    command
        .add_option("--prompts", options.sample_prompts,
                    "work on this many of the shortest and this many of the longest prompts of each group")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
        ->capture_default_str()
        ->type_name("N");
    command
        .add_option("--entries", options.sample_entries,
                    "compare this many gate weights' gradients with finite differences")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
        ->capture_default_str()
        ->type_name("N");
    command.add_flag("--published", options.published,
                     "compare a released checkpoint with numbers that were published of it, and check nothing else");
    command.footer(
        "Nothing is written; a table of checks goes to standard output, the exit code is 0 or 70.\n"
        "On the CPU signals must be equal bit for bit; on a GPU the limits allow for rounding.\n"
        "Start it as the job will be run, to prove that layout:\n"
        "  mpirun -n 4 gatesweep verify JOB.toml --set parallel.expert_parallel=2\n"
        "Numbers that the tests of Hugging Face transformers state, token ids, logits and a greedy text, are\n"
        "there of " +
        published_names() +
        ".\n"
        "They are judged in float32 alone:\n"
        "  gatesweep verify JOB.toml --published --set model.dtype=float32");
}

void add_plan_options(CLI::App& command, Options& options) {
    add_job_options(command, options);
    command
        .add_option("--out", options.out,
                    "a folder with the arrays of this job (its own run's): the sweep is planned exactly, and what is "
                    "new is counted")
        ->type_name("DIR")
        ->check(not_empty);
    command
        .add_option("--ranks", options.num_ranks,
                    "plan for so many ranks; without it, for those it is started over, or for one copy of the model")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
        ->type_name("N");
    command.add_option("--nodes", options.num_nodes, "write the sbatch command for so many nodes")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{100'000}))
        ->capture_default_str()
        ->type_name("N");
    command
        .add_option("--rate", options.token_rate,
                    "tokens per second of all ranks, from timings.csv of a run like this one (sweep_decode, or signals "
                    "for a job without a sweep): adds a time")
        ->check(CLI::Range(1e-3, 1e12))
        ->type_name("TOKENS/S");
    command
        .add_option("--cluster", options.cluster,
                    "a file that describes a machine (slurm/README.md, Predicting the time): adds predicted times and "
                    "whether the job fits")
        ->type_name("FILE");
    command.footer(
        "Reads config.json, the tokenizer and the prompts, no weights. Which expert sets a sweep tries\n"
        "follows from the analysis: before it only the most is known, after it (--out) every set.\n"
        "No time is given without a measured rate or the rates of a machine, since none can be known from here.\n"
        "  gatesweep plan JOB.toml --ranks 16 --set parallel.expert_parallel=8");
}

void add_tokens_options(CLI::App& command, Options& options) {
    add_job_options(command, options);
    command.add_option("--limit", options.prompt_limit, "the first N prompts; without it, all")
        ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()))
        ->type_name("N");
    command.footer(
        "A JSON line for each prompt: prompt_id, group, text (as the chat template renders it), token_ids and\n"
        "pieces. Reads config.json, the tokenizer, the chat template and the prompts, no weights.\n"
        "  gatesweep tokens JOB.toml --limit 1");
}

void add_status_options(CLI::App& command, Options& options) {
    add_folder(command, options.folder, "folder", "the folder of a run");
    command.add_flag("--count", options.count_only,
                     "print the number of committed records only: has a run got on since?");
    command.footer(
        "Nothing is changed. Exit code 0: complete, and every table and array holds what the run wrote;\n"
        "75: not complete, run the same command again and it goes on; 65: complete, but files were\n"
        "changed, or not a run's folder; 66: no such folder.");
}

void add_analyze_options(CLI::App& command, Options& options) {
    add_folder(command, options.folder, "folder", "the folder of a run");
    add_overrides(command, options,
                  "change one key of [analysis] or [report], for example --set analysis.activation.gap=0.03");
    add_target(command, options);
    command.footer(
        "Reads arrays/*.npy, tables/prompts.csv and job.toml of the run; needs no model. With --set: other\n"
        "thresholds, coverage levels, lengths of lists, groups in the two roles.\n"
        "  gatesweep analyze DIR --set analysis.activation.gap=0.03 --out NEW\n"
        "Replies and tables of the sweep stay as they are: its sets were chosen with the run's own values,\n"
        "and the report says so. manifest.json notes what was changed and which run the numbers are from.\n"
        "What was measured must be as the run left it: arrays that were changed are refused.");
}

void add_relabel_options(CLI::App& command, Options& options) {
    add_folder(command, options.folder, "folder", "the folder of a run with a sweep");
    add_overrides(
        command, options,
        "change one key of [sweep.labels] or [report], for example --set sweep.labels.human=sheet/labels_to_do.csv");
    add_target(command, options);
    command.footer(
        "Labels the replies in completions.jsonl again, by other phrase rules, a judge or people, and makes\n"
        "from the labels what the run made: tables, figures, report. The model is not needed; a judge is\n"
        "loaded alone, by every rank, and goes on where it was stopped when the command is repeated.\n"
        "  gatesweep relabel DIR --set sweep.labels.human=sheet/labels_to_do.csv --out NEW\n"
        "  mpirun -n 4 gatesweep relabel DIR --set sweep.labels.method=judge \\\n"
        "      --set sweep.labels.judge=checkpoints/a-judge --out NEW\n"
        "The screen of single experts stays as it was measured.");
}

void add_report_options(CLI::App& command, Options& options) {
    add_folder(command, options.folder, "folder", "the folder of a run, complete or not");
    command.footer("Reads tables, job.toml and completions of the run; writes figures/ and report.html alone.");
}

void add_compare_options(CLI::App& command, Options& options) {
    add_folder(command, options.folder, "first", "the folder of a run");
    add_folder(command, options.other_folder, "second", "the folder of another run");
    command.footer(
        "Prompts are matched by group and id, trials by id (equal ids: the same edit of the router). A\n"
        "table goes to standard output, its last line is the verdict. The exit code is 0 whether the\n"
        "runs agree or not, since two models may differ without anything being wrong.");
}

void add_labels_options(CLI::App& command, Options& options) {
    add_folder(command, options.folder, "folder", "the folder of a run with a sweep");
    command.add_option("--out", options.out, "folder for the sheet; must not hold one")
        ->required()
        ->type_name("FOLDER")
        ->check(not_empty);
    command
        .add_option("--trial", options.trial_ids,
                    "trials beside the baseline, by id or name; without it, those of the result: the strongest set of "
                    "the grid and your own sets")
        ->type_name("ID")
        ->expected(1)
        ->take_all();
    command.add_option("--limit", options.label_limit, "the first N prompts of each group; without it, all")
        ->check(CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()))
        ->type_name("N");
    command.add_option("--seed", options.label_seed, "of the order of the sheet")
        ->capture_default_str()
        ->type_name("S");
    command.footer(
        "FOLDER/labels_to_do.csv goes to the person who labels: shuffled, equal answers once, nothing\n"
        "that tells a trial from the baseline. Fill the column label with full_refusal,\n"
        "partial_refusal, full_compliance or incoherent, and keep it a CSV file. FOLDER/labels_key.csv\n"
        "says who is who; keep it beside the sheet and from the person. Then\n"
        "  gatesweep relabel DIR --set sweep.labels.human=FOLDER/labels_to_do.csv --out NEW\n"
        "A person's label takes the place of the labeller's for every equal reply to the prompt. With\n"
        "sweep.labels.validation=FOLDER/labels_to_do.csv, or by gatesweep judge-validate\n"
        "--file, the labeller's own error is measured on them.");
}

void add_merge_options(CLI::App& command, Options& options) {
    add_folder(command, options.folder, "model", "the folder of a checkpoint");
    add_folder(command, options.adapter, "--adapter", "the folder of an adapter, as PEFT or gatesweep harden saves it");
    command.add_option("--out", options.out, "a new folder for the checkpoint")
        ->required()
        ->type_name("FOLDER")
        ->check(not_empty);
    command.footer(
        "Writes a checkpoint of its own: the same files, with W + (alpha / rank) B A in the adapted matrices,\n"
        "rounded to the type that they are stored in. Weights in MXFP4 are refused, since they cannot hold\n"
        "the sum. A job can also run on the model with the adapter, without merging: [model] adapter.\n"
        "  gatesweep merge checkpoints/a-model --adapter results/hardened/adapter --out checkpoints/hardened");
}

void add_judge_validate_options(CLI::App& command, Options& options) {
    add_job_options(command, options);
    command
        .add_option(
            "--file", options.labelled_file,
            "completions with labels of people (CSV, JSONL, JSON); without it, the job's sweep.labels.validation")
        ->type_name("LABELLED");
    command.footer(
        "The labeller is the job's [sweep.labels]: phrase rules, or a judge model, which every rank\n"
        "runs on its share of the texts (mpirun -n N). A refusal is full or partial. Intervals: 95 %.");
}

}  // namespace gatesweep
