// What a command line says about a job, for every command that reads one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gatesweep {

// What a command does with a job.
enum class JobUse { looks, runs, hardens };

struct JobRequest {
    JobUse use = JobUse::looks;
    std::filesystem::path job;           // the job file
    std::filesystem::path out;           // where results go, for commands that write any
    std::vector<std::string> overrides;  // --set key=value
    std::vector<std::string> arguments;  // the command line as given, for provenance
};

}  // namespace gatesweep
