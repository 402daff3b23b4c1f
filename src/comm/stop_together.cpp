#include "gatesweep/comm/stop_together.h"

namespace gatesweep {

void stop_together(Communicator const& world, bool stopped) {
    GATESWEEP_VALIDATE(world.all_reduce_max(stopped ? 1 : 0) == 0, ExitCode::stopped,
                       "as asked; what is finished is kept: run the same command again to go on");
}

}  // namespace gatesweep
