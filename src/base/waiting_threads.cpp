#include "gatesweep/base/waiting_threads.h"

#include <unistd.h>

#include <cstdlib>

namespace gatesweep {

void limit_spinning(char** argv) {
    if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
    ::setenv("GOMP_SPINCOUNT", "5000", 1);
    ::execv("/proc/self/exe", argv);  // on failure the program goes on, slower
}

}  // namespace gatesweep
