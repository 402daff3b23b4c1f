// How a model's rotary embedding departs from the plain one, theta^(-2i/d): what config.json's rope_parameters (v5) or
// rope_scaling (v4) asks for. ops/rotary.h says what each type does.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gatesweep {

enum class RopeType { plain, linear, llama3, yarn, longrope };

struct RopeTypeWord {
    RopeType type;
    std::string_view word;  // rope_type in config.json
};
inline constexpr std::array rope_types = {
    RopeTypeWord{RopeType::plain, "default"},     RopeTypeWord{RopeType::linear, "linear"},
    RopeTypeWord{RopeType::llama3, "llama3"},     RopeTypeWord{RopeType::yarn, "yarn"},
    RopeTypeWord{RopeType::longrope, "longrope"},
};
constexpr std::string_view word_of(RopeType type) {
    return std::find_if(rope_types.begin(), rope_types.end(), [type](auto const& row) { return row.type == type; })
        ->word;
}

struct RopeScaling {
    RopeType type = RopeType::plain;
    double factor = 1.0;                  // linear, llama3, yarn
    std::int64_t original_positions = 0;  // llama3, yarn, longrope: original_max_position_embeddings
    double magnitude = 1.0;               // what cosines and sines are multiplied by
    // llama3
    double low_frequency_factor = 1.0;
    double high_frequency_factor = 1.0;
    // yarn
    double beta_fast = 32.0;
    double beta_slow = 1.0;
    bool truncate = true;
    double mscale_all_dim = 0.0;  // 0: not given. It is in `magnitude` already; some families scale attention by it too
    // longrope: divisors of the d/2 frequencies, of sequences of up to original_positions tokens and of longer ones
    std::vector<double> short_factors = {};
    std::vector<double> long_factors = {};
    double long_magnitude = 1.0;

    bool operator==(RopeScaling const&) const = default;
    // Whether a token is turned otherwise in a longer sequence than in a short one.
    bool depends_on_length() const {
        return type == RopeType::longrope && (short_factors != long_factors || magnitude != long_magnitude);
    }
    // Whether the tokens of a sequence turn otherwise once it has grown from `first` to `last` tokens: what was kept of
    // them would have to be computed again.
    bool changes_between(std::int64_t first, std::int64_t last) const {
        return depends_on_length() && first <= original_positions && last > original_positions;
    }
};

}  // namespace gatesweep
