#include "options.h"

#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <sstream>

#include "command_options.h"
#include "first_steps/shell_help.h"
#include "gatesweep/base/build_config.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

constexpr char const* description =
    "Measures how a mixture-of-experts language model routes two groups of prompts,\n"
    "and which experts tell the groups apart: activation counts, router-gate gradients,\n"
    "every table and figure of the routing analysis, and an HTML report.";

constexpr char const* footer =
    "A first run, on the small model that is shipped (from the repository's root):\n"
    "  gatesweep run jobs/demo/demo.toml --out results/demo\n"
    "The same over 2 ranks, each with a copy of the model, or sharing one copy's experts:\n"
    "  mpirun -n 2 gatesweep run jobs/demo/demo.toml --out results/demo\n"
    "  mpirun -n 2 gatesweep run jobs/demo/demo.toml --out results/ep2 --set parallel.expert_parallel=2\n"
    "\n"
    "Exit codes: 0 ok, 64 usage, 65 bad input data, 66 input missing, 69 device or MPI\n"
    "unavailable, 70 internal, 73 output cannot be created or is locked, 74 I/O error or\n"
    "lost peer, 75 stopped cleanly (run again), 78 job file error.";

// What is wrong with the command line, in the words of our own messages where the parser's name no remedy.
std::string usage_problem(CLI::App const& app, CLI::ParseError const& error,
                          std::vector<std::string> const& arguments) {
    auto const chosen = app.get_subcommands();
    if (!chosen.empty()) return fmt::format("{}: see gatesweep {} --help", error.what(), chosen.front()->get_name());
    std::vector<std::string> commands;
    for (CLI::App const* command : app.get_subcommands({}))
        commands.push_back(command->get_name());
    auto const known = fmt::format("the commands are {} (gatesweep --help explains them)", fmt::join(commands, ", "));
    auto const word =
        std::find_if(arguments.begin() + 1, arguments.end(), [](auto const& text) { return !text.starts_with('-'); });
    if (word == arguments.end()) return fmt::format("no command is given: {}", known);
    std::string const close = nearest(*word, commands);
    return fmt::format("unknown command \"{}\": {}{}", printable(*word),
                       close.empty() ? "" : fmt::format("did you mean {}? ", close), known);
}

// Commands whose standard output is their result: events would mix with it.
bool prints_of_its_own(Command command) {
    switch (command) {
        case Command::run:
        case Command::analyze:
        case Command::relabel:
        case Command::report:
        case Command::export_results:
        case Command::labels:
            return false;
        default:
            return true;
    }
}

}  // namespace

ParsedOptions parse_options(int argc, char const* const* argv) {
    Options options;
    options.arguments.assign(argv, argv + argc);
    CLI::App app(description, "gatesweep");
    app.footer(footer);
    app.set_version_flag("--version", "gatesweep " GATESWEEP_VERSION " (" GATESWEEP_GIT_REVISION ")");
    app.require_subcommand(1);
    app.fallthrough();
    bool quiet = false, verbose = false;
    app.add_flag("-q,--quiet", quiet, "print warnings and errors only");
    app.add_flag("-v,--verbose", verbose, "print details as well");
    app.add_flag("--json", options.as_events,
                 "say messages, progress, warnings and errors as JSON lines on standard output");

    auto const add = [&](Command command, char const* name, char const* what) -> CLI::App& {
        CLI::App* const sub = app.add_subcommand(name, what);
        sub->callback([&options, command] { options.command = command; });
        return *sub;
    };
    add_run_options(
        add(Command::run, "run", "do everything the job asks for: signals, analysis, sweep, figures, report"), options);
    add_harden_options(add(Command::harden, "harden",
                           "train the experts that a score finds to refuse, and measure what it gained and cost"),
                       options);
    add_plan_options(add(Command::plan, "plan", "what a job would do and need, without loading the model's weights"),
                     options);
    add_tokens_options(add(Command::tokens, "tokens", "the text, token ids and pieces of each prompt of a job"),
                       options);
    add_status_options(
        add(Command::status, "status", "whether a run is complete, and whether its files are as it left them"),
        options);
    add_verify_options(
        add(Command::verify, "verify",
            "prove the job's numbers on this machine: sharded = unsharded, batched = alone, gate gradients"),
        options);
    add_analyze_options(
        add(Command::analyze, "analyze",
            "redo the signal tables, figures and report of a run from its arrays, with other limits if asked"),
        options);
    add_relabel_options(
        add(Command::relabel, "relabel", "label a run's replies again, and redo the tables of its sweep"), options);
    add_report_options(add(Command::report, "report", "draw figures and report.html of a run again from its tables"),
                       options);
    add_compare_options(
        add(Command::compare, "compare", "how far two runs agree: routing, scores, classes, labels, tokens"), options);
    add_labels_options(
        add(Command::labels, "labels", "make a blinded sheet of a run's completions for people to label"), options);
    add_judge_validate_options(add(Command::judge_validate, "judge-validate",
                                   "measure the job's labeller against completions that people labelled"),
                               options);
    add_merge_options(add(Command::merge, "merge", "write a checkpoint with a low-rank adapter added to its weights"),
                      options);
    add_export_options(add(Command::export_results, "export", "write a run's results as other tools read them"),
                       options);
    add_try_options(add(Command::try_set, "try",
                        "one prompt, one set of experts: both replies and where their tokens go, in seconds"),
                    options);
    add_init_options(
        add(Command::init, "init", "write a first job, with comments, for a checkpoint and two prompt files"), options);
    add_schema_options(add(Command::schema, "schema", "the keys of a job file as JSON Schema, for editors"));
    add_completion_options(
        add(Command::completion, "completion", "what bash or zsh completes on the command line of gatesweep"), options);
    add(Command::man, "man", "this help as a manual page: gatesweep man | man -l -");
    add(Command::info, "info", "versions of everything linked, devices, instruction sets");

    ParsedOptions parsed;
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& error) {
        std::ostringstream out, problem;
        int const code = app.exit(error, out, problem);
        parsed.text = code == 0 ? out.str() : fmt::format("error: {}\n", usage_problem(app, error, options.arguments));
        parsed.exit_code = code == 0 ? 0 : static_cast<int>(ExitCode::usage);
        return parsed;
    }
    if (options.as_events && prints_of_its_own(options.command)) {
        parsed.text = fmt::format(
            "error: --json goes with commands that say what they do (run, analyze, relabel, report, "
            "export, labels): {} prints something else on standard output: leave --json out\n",
            app.get_subcommands().front()->get_name());
        parsed.exit_code = static_cast<int>(ExitCode::usage);
        return parsed;
    }
    if (options.command == Command::completion || options.command == Command::man) {
        parsed.text = options.command == Command::man ? man_page(app)
                      : options.shell == "bash"       ? bash_completion(app)
                                                      : zsh_completion(app);
        return parsed;
    }
    options.log_level = quiet ? LogLevel::quiet : verbose ? LogLevel::debug : LogLevel::info;
    parsed.options = std::move(options);
    return parsed;
}

}  // namespace gatesweep
