// Decode steps as recorded work: launched as one, where a GPU would wait for the host to launch a step's thousand
// kernels.
//
// Recorded work reads the same memory each time, so a step is copied there first, filled up with rows that nobody reads
// to one of few sizes, each of which is recorded once. Filling rows write to one spare slot of the cache.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "gatesweep/model/decoder.h"
#include "gatesweep/model/kv_cache.h"

namespace gatesweep {

class RecordedWork {
public:
    virtual ~RecordedWork() = default;
    virtual void replay() = 0;
};

// Runs work once and records it. Tensors that it makes belong to the record and are made anew by no replay.
using Recorder = std::function<std::unique_ptr<RecordedWork>(std::function<void()> const& work)>;

// What Setting::graphs says.
bool decode_graph_wanted();
// By a CUDA graph where that is wanted, else none. Errors: unavailable on the CPU, with experts on several ranks,
// without our kernels (gpu_kernels.h) or where products do not group rows on the device (linear.h); usage with settings
// that make the host wait.
Recorder choose_recorder(Decoder const& model, int expert_parallel);

class DecodeGraphs {
public:
    // The arguments outlive the object. The last slot of the cache is the spare one. Sizes are multiples of
    // `granularity`.
    DecodeGraphs(Decoder const& model, RouterEdits const& edits, KvCache& cache, Recorder recorder,
                 std::int64_t granularity);

    // Decoder::decode.
    std::vector<std::int32_t> step(DecodeBatch const& batch);

    std::int64_t num_recorded() const { return static_cast<std::int64_t>(steps_.size()); }

private:
    struct Step {
        DecodeBatch batch;
        DecodeInputs inputs;
        at::Tensor all_finite, tokens;
        std::unique_ptr<RecordedWork> work;
    };
    DecodeBatch filled_up(DecodeBatch const& batch) const;
    void record(Step& step);

    Decoder const& model_;
    RouterEdits const& edits_;
    KvCache& cache_;
    Recorder recorder_;
    std::int64_t granularity_;
    std::map<std::size_t, Step> steps_;  // by number of rows; recorded work points into them
};

}  // namespace gatesweep
