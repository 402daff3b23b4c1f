// gatesweep: MPI session, options, command, and one catch that ends every rank with this rank's message.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "app/commands.h"
#include "app/options.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/log.h"
#include "gatesweep/comm/communicator.h"

namespace {

// OpenMP reads its environment when it is loaded. Threads that spin while they wait take the cores from other ranks
// (ten times slower expert products were measured), so the program starts itself once more with waiting threads asleep.
void sleep_while_waiting(char** argv) {
    if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
    ::setenv("OMP_WAIT_POLICY", "passive", 1);
    ::execv("/proc/self/exe", argv);  // on failure the program goes on, slower
}

}  // namespace

int main(int argc, char** argv) {
    using namespace gatesweep;
    sleep_while_waiting(argv);
    try {
        MpiSession const mpi(argc, argv);
        Communicator const world = mpi.world();
        ParsedOptions const parsed = parse_options(argc, argv);
        if (!parsed.options) {
            if (world.rank() == 0) std::fputs(parsed.text.c_str(), parsed.exit_code == 0 ? stdout : stderr);
            return parsed.exit_code;
        }
        start_log(world.rank(), world.size(), parsed.options->log_level);
        try {
            switch (parsed.options->command) {
                case Command::run:
                    run_job(*parsed.options, world);
                    break;
                case Command::verify:
                    return static_cast<int>(verify_job(*parsed.options, world));
                default:
                    print_info(world);
            }
            return static_cast<int>(ExitCode::ok);
        } catch (Error const& error) {
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
