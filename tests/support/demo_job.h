// The demo cut down to a sweep of seconds, and what a run's folder must hold however it was run.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "gatesweep/base/digest.h"

namespace gatesweep {

// The demo's job, or another of them, with the first `limit` prompts of each group, and its model from `model` where
// that is named. Paths are relative to the repository: run it from there.
inline void write_demo_job(std::filesystem::path const& file, int limit, std::filesystem::path const& model = {},
                           std::filesystem::path const& job = "jobs/demo/demo.toml") {
    std::ifstream in(std::filesystem::path(GATESWEEP_SOURCE_DIR) / job);
    std::string line, text;
    while (std::getline(in, line)) {
        if (line.starts_with("limit")) continue;
        bool const names_model = !model.empty() && line.starts_with("path");
        text += (names_model ? "path = '" + model.string() + "'" : line) + "\n";
        if (line.starts_with("file")) text += "limit = " + std::to_string(limit) + "\n";
    }
    if (text.empty() || !(std::ofstream(file) << text)) throw std::runtime_error("cannot write " + file.string());
}

// What --set makes of it: every score provider, and with them all that a pass can measure.
inline std::vector<std::string> const with_providers = {
    "scores.providers=[\"activation\", \"gradient\", \"gradient-share\", \"safex\", \"gate-mass\", \"reap\", "
    "\"logit-gradient\", \"log-ratio\"]",
    "scores.bootstrap=20",
    "scores.refusals=[\"I cannot\", \"Sorry\"]",
    "scores.compliances=[\"Sure\", \"Certainly\"]",
};

// sha256 of everything that must not depend on ranks, threads, batches or interruptions. Figures are drawn from tables.
inline std::map<std::string, std::string> digests_of(std::filesystem::path const& run) {
    std::map<std::string, std::string> digests;
    for (auto const* folder : {"tables", "arrays"}) {
        if (!std::filesystem::exists(run / folder)) continue;
        for (auto const& entry : std::filesystem::directory_iterator(run / folder)) {
            digests[entry.path().filename().string()] = sha256_hex_of_file(entry.path());
        }
    }
    if (std::filesystem::exists(run / "completions.jsonl"))
        digests["completions.jsonl"] = sha256_hex_of_file(run / "completions.jsonl");
    return digests;
}

// `gatesweep ARGUMENTS` under mpirun.
inline std::vector<std::string> under_launcher(int ranks, std::vector<std::string> const& arguments) {
    std::vector<std::string> command = {GATESWEEP_MPIEXEC,     "--oversubscribe", "--bind-to", "none", "-n",
                                        std::to_string(ranks), GATESWEEP_BINARY};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

// The same; alone on one rank.
inline std::vector<std::string> on_ranks(int ranks, std::vector<std::string> const& arguments) {
    if (ranks > 1) return under_launcher(ranks, arguments);
    std::vector<std::string> command = {GATESWEEP_BINARY};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

inline std::vector<std::pair<std::string, std::string>> const rank_environment = {
    {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
    {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
    {"OMPI_MCA_mpi_yield_when_idle", "1"},
    {"OMP_WAIT_POLICY", "passive"}};

}  // namespace gatesweep
