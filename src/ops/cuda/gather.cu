#include "cuda_ops.h"
#include "gatesweep/ops/stream_launcher.cuh"
#include "gather_kernel.cuh"

namespace gatesweep::cuda {

bool can_plan(std::int64_t num_local_experts) {
    return num_local_experts <= most_planned_experts;
}

GatheredPlan plan_gathered(GatheredIds const& ids) {
    return launch_plan_gathered(StreamLauncher(ids.all), ids);
}

}  // namespace gatesweep::cuda
