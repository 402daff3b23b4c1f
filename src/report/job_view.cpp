#include "job_view.h"

#include <toml++/toml.h>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t max_job_bytes = 16U << 20;

void read_limits(toml::node_view<toml::node const> const& node, Thresholds& limits) {
    limits.gap = node["gap"].value_or(limits.gap);
    limits.min = node["min"].value_or(limits.min);
}

std::vector<std::string> read_names(toml::node_view<toml::node const> const& node) {
    std::vector<std::string> names;
    if (auto const* array = node.as_array()) {
        for (auto const& name : *array)
            names.push_back(name.value_or(std::string()));
    }
    return names;
}

}  // namespace

JobView read_job_view(std::filesystem::path const& file) {
    JobView job;
    job.toml = read_file(file, max_job_bytes);
    toml::table parsed;
    try {
        parsed = toml::parse(job.toml, file.string());
    } catch (toml::parse_error const& error) {
        fail(ExitCode::bad_data, "{}: line {}: {} (it says which group plays which part): copy the run folder again",
             file.string(), error.source().begin.line, error.description());
    }
    toml::table const& root = parsed;
    auto const section = [&](char const* name) { return root[name]; };
    job.title = section("report")["title"].value_or(std::string());
    job.by = section("report")["by"].value_or(std::string());
    job.model = section("model")["path"].value_or(std::string());
    job.dtype = section("model")["dtype"].value_or(std::string());
    auto const analysis = section("analysis");
    job.analysis.benign = analysis["benign"].value_or(job.analysis.benign);
    job.analysis.malicious = analysis["malicious"].value_or(job.analysis.malicious);
    job.analysis.top = analysis["top"].value_or(job.analysis.top);
    if (auto const* levels = analysis["coverage"].as_array()) {
        job.analysis.coverage.clear();
        for (auto const& level : *levels)
            job.analysis.coverage.push_back(level.value_or(0.0));
    }
    for (SignalFacts const& signal : signal_kinds)
        read_limits(analysis[signal.job_word], job.analysis.limits(signal.kind));
    auto const sweep = section("sweep");
    job.sweep_prompts = read_names(sweep["prompts"]);
    if (job.sweep_prompts.empty()) job.sweep_prompts = {job.analysis.malicious};
    job.side_effects = read_names(sweep["side_effects"]);
    job.label_method = sweep["labels"]["method"].value_or(job.label_method);
    job.allows_mixed = sweep["labels"]["mixed"].value_or(std::string()) == "allow";
    return job;
}

}  // namespace gatesweep
