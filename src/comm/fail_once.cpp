#include "gatesweep/comm/fail_once.h"

#include <optional>

namespace gatesweep {

void fail_once(Communicator const& world, std::function<void()> const& action) {
    std::optional<Error> error;
    try {
        action();
    } catch (Error const& caught) {
        error = caught;
    }
    std::int64_t const first = world.all_reduce_min(error ? world.rank() : world.size());
    if (first == world.size()) return;
    if (first == world.rank()) throw *error;
    world.barrier();
}

}  // namespace gatesweep
