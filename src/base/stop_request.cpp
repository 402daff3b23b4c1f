#include "gatesweep/base/stop_request.h"

#include <signal.h>

#include <atomic>

namespace gatesweep {
namespace {

std::atomic<int> requested = 0;
static_assert(std::atomic<int>::is_always_lock_free, "written by a signal handler");

extern "C" void on_stop_signal(int signal) {
    int const wanted = static_cast<int>(signal == SIGUSR1 ? StopRequest::soft : StopRequest::now);
    if (requested.load() < wanted) requested.store(wanted);
    if (signal == SIGINT) ::signal(SIGINT, SIG_DFL);
}

}  // namespace

void catch_stop_signals() {
    struct sigaction action {};
    action.sa_handler = on_stop_signal;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    for (int signal : {SIGUSR1, SIGTERM, SIGINT})
        ::sigaction(signal, &action, nullptr);
}

StopRequest stop_request() {
    return static_cast<StopRequest>(requested.load(std::memory_order_relaxed));
}

}  // namespace gatesweep
