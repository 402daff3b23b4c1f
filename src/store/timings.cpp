#include "gatesweep/store/timings.h"

namespace gatesweep {

void write_timings(std::vector<PhaseTiming> const& timings, RunDirectory& run) {
    CsvTable table{"timings", {"phase", "seconds", "tokens", "tokens_per_second"}, {}};
    for (PhaseTiming const& timing : timings) {
        bool const has_rate = timing.num_tokens > 0 && timing.seconds > 0.0;
        table.add(timing.phase, timing.seconds, timing.num_tokens > 0 ? to_cell(timing.num_tokens) : "",
                  has_rate ? to_cell(static_cast<double>(timing.num_tokens) / timing.seconds) : "");
    }
    run.write_text(timings_name, to_csv(table));
}

}  // namespace gatesweep
