// Greedy generation of many (prompt, variant) pairs: a slot of the cache per live sequence, refilled when one finishes,
// all variants in the same batches, prefill shared between the variants of a prompt as long as they agree.
//
// On the CPU a completion depends on its prompt, its variant and the weights alone: not on what else is in the batch,
// the number of slots, ranks or threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "gatesweep/base/stop_request.h"
#include "gatesweep/comm/parallel_layout.h"
#include "gatesweep/model/decode_graphs.h"
#include "gatesweep/model/decoder.h"

namespace gatesweep {

struct Request {
    std::int64_t prompt = 0;   // index into the prompts
    std::int32_t variant = 0;  // of the edit table
};

enum class FinishReason { eos, length };

struct Completion {
    std::int64_t prompt = 0;
    std::int32_t variant = 0;
    std::vector<std::int32_t> token_ids;  // generated; an end token is the last of them
    FinishReason finish = FinishReason::length;
};

struct GeneratorOptions {
    std::int64_t max_new_tokens = 64;
    std::int64_t num_slots = 64;         // sequences this rank decodes at once
    std::int64_t prefill_tokens = 8192;  // tokens of one prefill pass, at least one prompt
    std::vector<std::int32_t> eos_token_ids;
};

struct GenerationStats {
    std::int64_t prefill_tokens = 0;  // rows through the lowest layer, after sharing
    std::int64_t prompt_tokens = 0;   // what they stand for: each sequence's prompt
    std::int64_t decode_tokens = 0;
    std::int64_t decode_steps = 0;
    double prefill_seconds = 0.0;
    double decode_seconds = 0.0;
};

class Generator {
public:
    // References must outlive the object. The cache holds num_slots sequences of the longest prompt and its answer.
    Generator(Decoder const& model, ParallelLayout const& layout, RouterEdits const& edits,
              std::vector<std::vector<std::int32_t>> const& prompts, GeneratorOptions options);

    // Completes this rank's requests in about their order; requests of one prompt should be neighbours. Collective over
    // the expert-parallel group; a rank may have none. `done` gets every completion as it finishes. `stop` (empty:
    // never) is asked before each step, and the strongest answer of the group counts: soft admits no more sequences,
    // now leaves those in work. False when that left requests of the group undone.
    bool run(std::span<Request const> requests, std::function<void(Completion)> const& done,
             std::function<StopRequest()> const& stop = {});

    GenerationStats const& stats() const { return stats_; }

private:
    struct Live {
        Completion completion;
        std::int64_t slot = 0;
        std::int64_t prompt_length = 0;
    };
    std::int64_t num_to_admit(std::span<Request const> waiting) const;
    void prefill(std::span<Request const> admitted);
    void decode();
    void add_token(Live& sequence, std::int32_t token) const;
    void retire(std::function<void(Completion)> const& done);

    Decoder const& model_;
    Communicator const& group_;
    RouterEdits const& edits_;
    std::vector<std::vector<std::int32_t>> const& prompts_;
    GeneratorOptions options_;
    Recorder recorder_;  // of decode steps, or none
    KvCache cache_;
    std::optional<DecodeGraphs> graphs_;
    std::vector<std::int64_t> free_slots_;
    std::vector<Live> live_;
    GenerationStats stats_;
};

}  // namespace gatesweep
