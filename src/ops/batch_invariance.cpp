#include "gatesweep/ops/batch_invariance.h"

#include "gatesweep/base/error.h"
#include "gatesweep/base/settings.h"
#include "gatesweep/ops/gpu_kernels.h"

namespace gatesweep {

bool batch_invariance_wanted() {
    static bool const wanted = [] {
        bool const on = is_on(Setting::batch_invariant);
        GATESWEEP_VALIDATE(
            !on || cuda::kernels_wanted(), ExitCode::unavailable,
            "batch_invariant = \"on\" needs gpu_kernels = \"own\" (sums composed of ATen calls depend on the number of "
            "rows): leave out one of the two in [parallel], or unset its variable");
        return on;
    }();
    return wanted;
}

}  // namespace gatesweep
