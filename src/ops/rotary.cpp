#include "gatesweep/ops/rotary.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gatesweep/ops/upload.h"

namespace gatesweep {
namespace {

// In the order of operations of the reference, in float32: a quotient by a tensor is the product with its reciprocal.
float plain_frequency(std::int64_t i, std::int64_t head_dim, double theta, float divisor = 1.0F) {
    float const exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
    return 1.0F / (divisor * std::pow(static_cast<float>(theta), exponent));
}

float llama3_frequency(float frequency, RopeScaling const& s) {
    auto const low = static_cast<float>(s.low_frequency_factor), factor = static_cast<float>(s.factor);
    auto const positions = static_cast<double>(s.original_positions);
    float const inverse = 1.0F / frequency, wave = inverse * static_cast<float>(2 * std::numbers::pi);
    bool const is_long = wave > static_cast<float>(positions / s.low_frequency_factor),
               is_short = wave < static_cast<float>(positions / s.high_frequency_factor);
    if (is_long) return frequency / factor;
    if (is_short) return frequency;
    float const turns = 1.0F / wave * static_cast<float>(positions);
    float const smooth = (turns - low) / static_cast<float>(s.high_frequency_factor - s.low_frequency_factor);
    return (1.0F - smooth) * frequency / factor + smooth * frequency;
}

// Ends of yarn's ramp over the frequencies.
struct Ramp {
    double low, high;

    Ramp(std::int64_t head_dim, double theta, RopeScaling const& s) {
        auto const d = static_cast<double>(head_dim);
        auto const index_of = [&](double turns) {
            return d * std::log(static_cast<double>(s.original_positions) / (turns * 2 * std::numbers::pi)) /
                   (2 * std::log(theta));
        };
        low = index_of(s.beta_fast);
        high = index_of(s.beta_slow);
        if (s.truncate) {
            low = std::floor(low);
            high = std::ceil(high);
        }
        low = std::max(low, 0.0);
        high = std::min(high, d - 1);
        if (low == high) high += 0.001;
    }
    float at(std::int64_t i) const {
        float const along = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
        return std::clamp(along, 0.0F, 1.0F);
    }
};

float yarn_frequency(std::int64_t i, std::int64_t head_dim, double theta, RopeScaling const& s) {
    float const kept = plain_frequency(i, head_dim, theta),
                scaled = plain_frequency(i, head_dim, theta, static_cast<float>(s.factor));
    float const share = 1.0F - Ramp(head_dim, theta, s).at(i);
    return scaled * (1.0F - share) + kept * share;
}

}  // namespace

double yarn_magnitude(double factor, double mscale) {
    return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

std::vector<float> rotary_frequencies(std::int64_t head_dim, double theta, RopeScaling const& scaling, bool is_long) {
    std::vector<float> frequencies;
    for (std::int64_t i = 0; i < head_dim / 2; ++i) {
        float const plain = plain_frequency(i, head_dim, theta);
        auto const& divisors = is_long ? scaling.long_factors : scaling.short_factors;
        switch (scaling.type) {
            case RopeType::plain:
                frequencies.push_back(plain);
                break;
            case RopeType::linear:
                frequencies.push_back(plain / static_cast<float>(scaling.factor));
                break;
            case RopeType::llama3:
                frequencies.push_back(llama3_frequency(plain, scaling));
                break;
            case RopeType::yarn:
                frequencies.push_back(yarn_frequency(i, head_dim, theta, scaling));
                break;
            case RopeType::longrope:
                frequencies.push_back(
                    plain_frequency(i, head_dim, theta, static_cast<float>(divisors[static_cast<std::size_t>(i)])));
                break;
        }
    }
    return frequencies;
}

RotaryTable make_rotary_table(std::int64_t num_positions, std::int64_t head_dim, double theta,
                              at::TensorOptions options, RopeScaling const& scaling) {
    // One element at a time: a vectorised cosine rounds its tail differently, and a position's row must not depend on
    // how many rows there are.
    std::int64_t const half = head_dim / 2;
    bool const has_long = scaling.depends_on_length() && num_positions > scaling.original_positions;
    std::int64_t const num_blocks = has_long ? 2 : 1;
    at::Tensor cos = at::empty({num_blocks * num_positions, half}, at::kFloat), sin = at::empty_like(cos);
    auto *c = cos.data_ptr<float>(), *s = sin.data_ptr<float>();
    for (std::int64_t block = 0; block < num_blocks; ++block, c += num_positions * half, s += num_positions * half) {
        std::vector<float> const frequencies = rotary_frequencies(head_dim, theta, scaling, block > 0);
        auto const magnitude = static_cast<float>(block > 0 ? scaling.long_magnitude : scaling.magnitude);
        for (std::int64_t i = 0; i < half; ++i) {
            for (std::int64_t position = 0; position < num_positions; ++position) {
                float const angle = static_cast<float>(position) * frequencies[static_cast<std::size_t>(i)];
                c[position * half + i] = std::cos(angle) * magnitude;
                s[position * half + i] = std::sin(angle) * magnitude;
            }
        }
    }
    RotaryTable table{cos.to(options), sin.to(options)};
    if (has_long) table.long_above = scaling.original_positions;
    return table;
}

at::Tensor rotary_rows(RotaryTable const& table, at::Tensor const& positions, std::span<std::int64_t const> offsets) {
    if (!table.long_above) return positions;
    std::vector<std::int64_t> shifts;
    for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
        std::int64_t const length = offsets[s + 1] - offsets[s];
        shifts.insert(shifts.end(), static_cast<std::size_t>(length),
                      length > *table.long_above ? table.num_positions() : 0);
    }
    return positions + upload<std::int64_t>(shifts, positions.device());
}

at::Tensor rotary_rows_of_last(RotaryTable const& table, at::Tensor const& positions) {
    if (!table.long_above) return positions;
    return positions + positions.ge(*table.long_above).to(at::kLong) * table.num_positions();
}

}  // namespace gatesweep
