// The angles of a rotary embedding, as Hugging Face transformers computes them (modeling_rope_utils): frequencies in
// float32, cosines and sines multiplied by the scaling's magnitude, then rounded to the model's type.
//
//   plain     f_i = theta^(-2i/d)
//   linear    f_i / factor
//   llama3    waves longer than original_positions / low_frequency_factor: f_i / factor; shorter than
//             original_positions / high_frequency_factor: f_i; between them, a blend of both
//   yarn      a blend of f_i / factor and f_i by a ramp over i, between the frequencies that turn beta_slow and
//             beta_fast times over original_positions; `truncate`: the ramp's ends are whole numbers
//   longrope  f_i / short_factors[i], and in a sequence of more than original_positions tokens f_i / long_factors[i]
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gatesweep/terms/rope_scaling.h"

namespace gatesweep {

// The d/2 frequencies; `is_long`: of a sequence of more than original_positions tokens.
std::vector<float> rotary_frequencies(std::int64_t head_dim, double theta, RopeScaling const& scaling, bool is_long);
// yarn's magnitude for a factor, with a weight of its logarithm.
double yarn_magnitude(double factor, double mscale);

// cos and sin of position * frequency, one row a position: [num_positions, d/2].
struct RotaryTable {
    at::Tensor cos;
    at::Tensor sin;
    // Where the rotation depends on the sequence's length: the rows of sequences of more tokens than this stand behind
    // those of the others, as many.
    std::optional<std::int64_t> long_above = {};

    std::int64_t num_positions() const { return cos.size(0) / (long_above ? 2 : 1); }
};
RotaryTable make_rotary_table(std::int64_t num_positions, std::int64_t head_dim, double theta,
                              at::TensorOptions options, RopeScaling const& scaling = {});

// The table's row of each token of packed sequences (packed_batch.h): a sequence's own length decides, whatever else
// the batch holds. `positions` [T] int64, and so is the result, on the same device.
at::Tensor rotary_rows(RotaryTable const& table, at::Tensor const& positions, std::span<std::int64_t const> offsets);
// The same of single tokens, each the last of its sequence. That one's earlier tokens were turned as those of a
// sequence of this length are only where none of them passed `long_above` on the way: callers refuse such sequences.
at::Tensor rotary_rows_of_last(RotaryTable const& table, at::Tensor const& positions);

}  // namespace gatesweep
