// manifest.json: what a run was and what it left, enough to make it again and to notice a changed file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

constexpr std::int64_t manifest_schema_version = 1;

struct ManifestLayout {
    std::int64_t ranks = 1;
    std::int64_t copies = 1;           // of the model; ranks = copies x expert_parallel
    std::int64_t expert_parallel = 1;  // ranks that hold one copy together
    std::int64_t threads = 1;          // per rank
    std::string device;                // cpu | cuda, with the device's name where there is one
    std::string dtype;                 // of the weights
    // By rank, in bytes; empty in manifests of older versions.
    std::vector<std::int64_t> bytes_read;  // of the checkpoint's tensors
    // Most resident host memory until the signals were gathered, of hardening until its arms were judged; 0: not known.
    std::vector<std::int64_t> peak_memory;
};

// How far results hold beyond this run. Empty in manifests of older versions.
struct ManifestDeterminism {
    // "any layout": bytes do not depend on ranks, expert parallelism, batches, slots, threads or interruptions, as
    // prompts computed alone again confirmed; "same layout": such a prompt differed, so only a start like this one on
    // machines like these repeats the bytes.
    std::string level;
    std::int64_t recomputed = 0;  // prompts, each alone in its batch
    std::int64_t equal = 0;       // of these, in every bit
    // Choices of experts, one a token and layer, and how many were nearly ties (tables/near_ties.csv).
    std::int64_t choices = 0;
    std::int64_t near_bfloat16 = 0;
    std::int64_t near_float32 = 0;
};

// One start of the program on the folder.
struct ManifestAttempt {
    std::string started;   // UTC
    std::string finished;  // UTC; empty when it was cut off
    std::string host;
    std::int64_t ranks = 1;
    // complete | stopped | the error's first line | analysed again by <version>; empty when it was cut off
    std::string outcome;
};

// Where results come from that were made of another run's measurements, without the model.
struct ManifestOrigin {
    std::string command;               // analyze | relabel
    std::string folder;                // of the run whose measurements they are; the same one for --in-place
    std::string manifest;              // sha256 of that run's manifest.json
    std::vector<std::string> changes;  // of its job: "analysis.activation.gap: was 0.05, is 0.03"
};

// What was added to the weights: files, where they lay, and sha256 of each by its name.
struct ManifestAdapter {
    std::string folder;
    std::map<std::string, std::string> files;
};

struct Manifest {
    std::string tool = "gatesweep";
    std::string version;
    std::string build;                            // revision, build type, compiler
    std::map<std::string, std::string> versions;  // of the libraries linked
    std::string host;
    std::vector<std::string> command;  // argv
    std::string job;                   // the resolved job, as TOML
    std::string tokenization;          // whose rules made the token ids: "huggingface" or "mistral"
    std::string job_digest;
    std::string prompts_digest;
    std::string weights_digest;
    std::string plan_digest;  // of the trials and the prompts they run on; empty until they are planned
    std::string numerics_id;  // runs with equal ids promise equal bytes
    std::string family;       // model_type of the model's config.json; empty in manifests of older versions
    std::vector<std::int64_t> moe_layers;  // decoder layers that the rows of arrays belong to, from 0; the same
    ManifestLayout layout;
    ManifestDeterminism determinism;
    std::optional<ManifestAdapter> adapter;  // nothing for a model as it is
    std::optional<ManifestOrigin> origin;    // nothing for a run
    std::vector<ManifestAttempt> attempts;
    std::map<std::string, std::string> files;  // path below the run's folder -> sha256, every table and array
    std::string started;                       // UTC, first attempt
    std::string finished;                      // UTC
};

// Text that is not UTF-8 (an argument, a host name) is written with replacement characters.
std::string to_json(Manifest const& manifest);

// bad_data, naming the file and the key, for text that is not JSON, a missing or repeated key, a value of the wrong
// kind, a digest that is none, a path that leaves the folder, or a schema newer than this program. Unknown keys are
// ignored.
Manifest parse_manifest(std::string_view text, std::string_view name);
// `folder`/manifest.json; input_missing when there is none.
Manifest read_manifest(std::filesystem::path const& folder);

// Now, as "2026-11-03T09:30:00Z".
std::string utc_now();

}  // namespace gatesweep
