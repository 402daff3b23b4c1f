#include "gatesweep/harden/training_text.h"

#include <algorithm>
#include <utility>

namespace gatesweep {

std::int64_t TrainingText::num_rows() const {
    std::int64_t const answer = std::ssize(token_ids) - first;
    return is_refusal ? answer : std::max<std::int64_t>(answer, 1);
}

TrainingBatch training_batch(std::vector<TrainingText> texts) {
    std::vector<std::vector<std::int32_t>> ids;
    for (TrainingText const& text : texts)
        ids.push_back(text.token_ids);
    return {pack(ids), std::move(texts)};
}

RowCounts count_rows(std::span<TrainingText const> texts) {
    RowCounts counts;
    for (TrainingText const& text : texts) {
        (text.is_refusal ? counts.refusal : counts.base) += text.num_rows();
        counts.tokens += std::ssize(text.token_ids);
    }
    return counts;
}

}  // namespace gatesweep
