// Input: a job file. What is accepted must come back from its own resolved form.
#include "fuzz_target.h"
#include "gatesweep/input/job.h"
#include "gatesweep/input/job_writer.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    static MemoryFile file;
    std::string const resolved = to_toml(load_job(file.holding(input)));
    require(to_toml(load_job(file.holding(resolved))) == resolved, "the resolved job resolves to itself");
}
