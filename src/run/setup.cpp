#include "gatesweep/run/setup.h"

#include "gatesweep/base/activity.h"
#include "gatesweep/base/build_config.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/words.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/run/same_everywhere.h"

namespace gatesweep {

void validate_model(Job const& job, ModelConfig const& config) {
    GATESWEEP_VALIDATE(config.has_router(), ExitCode::bad_data,
                       "{}: a dense model, of the type {} (it has no router whose choices could be measured): name a "
                       "mixture of experts here; a dense model can be the judge of replies (sweep.labels.judge)",
                       job.model.path.string(), family_title(config));
    validate_expert_split(config.num_experts, job.parallel.expert_parallel);
}

Setup set_up(JobRequest const& request, Communicator const& world) {
    require_same_build(world, request);
    enter_phase(RunPhase::inputs);
    Setup setup;
    setup.inputs = read_inputs(request, world);
    Job const& job = setup.inputs.job;
    fail_once(world, [&] {
        setup.config = load_model_config(job.model.path);
        validate_model(job, setup.config);
    });
    require_same_model(world, job.model);
    fail_once(world, [&] { setup.layout = make_parallel_layout(world, job.parallel.expert_parallel); });
    setup.machine = choose_machine(job, setup.config, setup.layout);
    require_same_numerics(world, setup.machine);
    std::string const copies =
        setup.layout.num_copies == 1 ? "1 copy" : fmt::format("{} copies", setup.layout.num_copies);
    say(fmt::format("gatesweep {}   {}   {} = {} x expert parallel {}   {}", GATESWEEP_VERSION, job.name,
                    plural(world.size(), "rank"), copies, job.parallel.expert_parallel, setup.machine.describe()));
    return setup;
}

}  // namespace gatesweep
