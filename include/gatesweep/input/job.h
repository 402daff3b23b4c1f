// The job file: one TOML file, one plain struct with defaults. Every rank holds the same Job.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gatesweep {

enum class WeightType { automatic, float32, bfloat16 };  // automatic: the checkpoint's own
enum class DeviceKind { automatic, cpu, cuda };
enum class TemplateKind { chat, raw };  // the checkpoint's chat template, or the text as it is

struct ModelSpec {
    std::filesystem::path path;  // folder of a Hugging Face checkpoint
    WeightType dtype = WeightType::automatic;
};

struct ParallelSpec {
    int expert_parallel = 1;  // ranks that hold one copy of the experts together
    DeviceKind device = DeviceKind::automatic;
    int threads = 0;  // per rank; 0: cores of the node / ranks on it
};

struct PromptSource {
    std::string group;
    std::filesystem::path file;
    std::string column;                         // empty: found by header
    std::map<std::string, std::string> where;  // column = value, all must hold
    std::int64_t limit = 0;                     // 0: all rows
    TemplateKind prompt_template = TemplateKind::chat;
};

struct SignalsSpec {
    std::int64_t batch_tokens = 8192;  // tokens packed into one pass of one group of ranks
    std::uint64_t memory = 0;          // bytes a rank may spend on activations kept for backward; 0: automatic
};

// Limits of the six-way classification (methods 1.1 k).
struct ClassThresholds {
    double gap = 0.0;
    double min = 0.0;
};

struct AnalysisSpec {
    std::string benign = "benign";     // which group plays which part
    std::string malicious = "harmful";
    std::vector<double> coverage = {0.80, 0.90, 0.95};
    int top = 10;
    ClassThresholds activation = {0.05, 0.08};
    ClassThresholds gradient = {1e-4, 1e-4};
};

struct ReportSpec {
    std::string title;           // empty: the job's name
    std::filesystem::path mark;  // CSV layer,expert: experts to mark in tables and heatmaps; empty: none
};

struct Job {
    std::string name;  // stem of the job file
    ModelSpec model;
    ParallelSpec parallel;
    std::vector<PromptSource> prompts;
    SignalsSpec signals;
    AnalysisSpec analysis;
    ReportSpec report;
};

// Reads and validates a job file. `overrides` are the --set arguments, "section.key=value" with a TOML value (a bare
// word counts as a string). A relative path is looked for beside the job file first, then in the working folder, and
// stored absolute. Errors: ExitCode::job with file, line and key; an unknown key names the nearest known one;
// a prompt file or model folder that does not exist is ExitCode::input_missing.
Job load_job(std::filesystem::path const& file, std::vector<std::string> const& overrides = {});

// The resolved job as TOML: every default written out; load_job of it gives an equal Job (its name apart).
std::string to_toml(Job const& job);

}  // namespace gatesweep
