// What an adapter is trained on: conversations, of whose answers the loss is taken.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gatesweep/model/packed_batch.h"

namespace gatesweep {

struct TrainingText {
    std::vector<std::int32_t> token_ids;  // a prompt and an answer
    std::int64_t first = 0;   // of the answer, above 0; where it is the end, the token behind the prompt counts
    bool is_refusal = false;  // learn this answer; else stay near the base model on it

    // Rows of hidden states that are looked at: those that foretell the answer's tokens, [first - 1, ...).
    std::int64_t num_rows() const;
};

struct TrainingBatch {
    PackedBatch batch;
    std::vector<TrainingText> texts;
};
TrainingBatch training_batch(std::vector<TrainingText> texts);

// Rows of each kind in all texts of a step, over which its losses are means.
struct RowCounts {
    std::int64_t refusal = 0, base = 0, tokens = 0;
};
RowCounts count_rows(std::span<TrainingText const> texts);

}  // namespace gatesweep
