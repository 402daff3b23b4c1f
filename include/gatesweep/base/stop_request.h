// Whether this process was asked to stop, for loops that can: they look between two pieces of work, commit what is done
// and end with ExitCode::stopped.
#pragma once

namespace gatesweep {

// soft: start no new batch, finish and commit those in work (SIGUSR1). now: commit what is finished, drop the rest
// (SIGTERM, SIGINT: a launcher kills a second later).
enum class StopRequest : int { none, soft, now };

// Installs the handlers; a second SIGINT ends the process at once. Call once, early.
void catch_stop_signals();
// The strongest request so far. This process only: ranks that must stop together reduce it.
StopRequest stop_request();

}  // namespace gatesweep
