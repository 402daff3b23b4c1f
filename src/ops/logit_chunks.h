// Logits are formed a few rows at a time, so that [T,V] never exists.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gatesweep {

inline constexpr std::int64_t max_logit_bytes = std::int64_t{64} << 20;

// body(begin, end) for consecutive ranges of rows whose float32 logits fit into max_logit_bytes, one row at least.
template <class Body>
void for_logit_chunks(std::int64_t num_rows, std::int64_t vocab_size, Body const& body) {
    std::int64_t const chunk = std::max<std::int64_t>(1, max_logit_bytes / (vocab_size * 4));
    for (std::int64_t begin = 0; begin < num_rows; begin += chunk)
        body(begin, std::min(begin + chunk, num_rows));
}

}  // namespace gatesweep
