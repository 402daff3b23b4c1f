#include "gatesweep/model/batch_invariance.h"

#include "gatesweep/base/environment.h"
#include "gatesweep/base/error.h"
#include "gatesweep/model/gpu_kernels.h"

namespace gatesweep {

bool batch_invariance_wanted() {
    static bool const wanted = [] {
        bool const on = word_of_environment("GATESWEEP_BATCH_INVARIANT", "on", "off", "off") == "on";
        GATESWEEP_VALIDATE(
            !on || device::kernels_wanted(), ExitCode::unavailable,
            "GATESWEEP_BATCH_INVARIANT=on needs GATESWEEP_GPU_KERNELS=own (sums composed of ATen calls depend on "
            "the number of rows): unset one of them");
        return on;
    }();
    return wanted;
}

}  // namespace gatesweep
