// gatesweep: MPI session, options, command, and one catch that ends every rank with this rank's message.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

#include "app/commands.h"
#include "app/options.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/log_events.h"
#include "gatesweep/base/stop_request.h"
#include "gatesweep/base/waiting_threads.h"
#include "gatesweep/comm/communicator.h"
#include "gatesweep/comm/mpi_session.h"

namespace {

// Commands that need no other rank.
gatesweep::ExitCode run_on_one(gatesweep::Options const& options, int num_ranks) {
    using namespace gatesweep;
    switch (options.command) {
        case Command::status:
            return print_status(options);
        case Command::tokens:
            print_tokens(options);
            break;
        case Command::plan:
            plan_job(options, num_ranks);
            break;
        case Command::analyze:
            analyze_run(options);
            break;
        case Command::compare:
            compare_runs(options);
            break;
        case Command::labels:
            make_labels(options);
            break;
        case Command::merge:
            merge_adapter(options);
            break;
        case Command::export_results:
            export_run(options);
            break;
        case Command::init:
            print_first_job(options);
            break;
        case Command::schema:
            print_schema();
            break;
        default:
            report_run(options);
    }
    return ExitCode::ok;
}

gatesweep::ExitCode run_command(gatesweep::Options const& options, gatesweep::Communicator const& world) {
    using namespace gatesweep;
    switch (options.command) {
        case Command::run:
        case Command::harden:
            run_job(options, world);
            break;
        case Command::verify:
            return verify_job(options, world);
        case Command::try_set:
            try_set(options, world);
            break;
        case Command::relabel:
            relabel_run(options, world);
            break;
        case Command::judge_validate:
            validate_judge(options, world);
            break;
        case Command::info:
            print_info(world);
            break;
        default:
            if (world.rank() == 0) return run_on_one(options, world.size());
    }
    return ExitCode::ok;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace gatesweep;
    limit_spinning(argv);
    std::signal(SIGXFSZ, SIG_IGN);  // a file at the limit of its size is an error of write(), with the file's name
    // From the first moment, since the default is to end the process; only these have anything to finish.
    auto const is_command = [&](std::string_view name) { return std::find(argv, argv + argc, name) != argv + argc; };
    if (is_command("run") || is_command("harden") || is_command("relabel")) catch_stop_signals();
    try {
        MpiSession const mpi(argc, argv);
        Communicator const world = mpi.world();
        ParsedOptions const parsed = parse_options(argc, argv);
        if (!parsed.options) {
            if (world.rank() == 0) std::fputs(parsed.text.c_str(), parsed.exit_code == 0 ? stdout : stderr);
            return mpi.end_together(parsed.exit_code);
        }
        if (parsed.options->as_events) log_as_events();
        start_log(world.rank(), world.size(), parsed.options->log_level);
        try {
            return mpi.end_together(static_cast<int>(run_command(*parsed.options, world)));
        } catch (Error const& error) {
            if (error.code() == ExitCode::stopped) {  // on every rank: they end as after a success
                say("stopped", error.what());
                return mpi.end_together(static_cast<int>(error.code()));
            }
            report_error(error.what());
            mpi.abort(error.code());
        } catch (std::exception const& error) {
            report_error(error.what());
            mpi.abort(ExitCode::internal);
        }
    } catch (Error const& error) {
        report_error(error.what());
        return static_cast<int>(error.code());
    }
}
