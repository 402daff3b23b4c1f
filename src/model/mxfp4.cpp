#include "mxfp4.h"

#include <array>
#include <bit>

#include "gatesweep/base/error.h"

namespace gatesweep::mxfp4 {
namespace {

// Sign, two bits of exponent, one of fraction.
constexpr std::array<float, 16> values = {0.0F,  0.5F,  1.0F,  1.5F,  2.0F,  3.0F,  4.0F,  6.0F,
                                          -0.0F, -0.5F, -1.0F, -1.5F, -2.0F, -3.0F, -4.0F, -6.0F};

// 2^(scale - 127): the exponent of a float32, whose smallest is below the normal ones.
float power_of(std::byte scale) {
    auto const exponent = std::to_integer<std::uint32_t>(scale);
    return std::bit_cast<float>(exponent == 0 ? std::uint32_t{1} << 22 : exponent << 23);
}

}  // namespace

void unpack(std::span<std::byte const> blocks, std::span<std::byte const> scales, std::span<float> out) {
    GATESWEEP_EXPECT(blocks.size() == scales.size() * block_bytes && out.size() == scales.size() * block_values);
    std::byte const* block = blocks.data();
    float* to = out.data();
    for (std::byte const scale : scales) {
        float const power = power_of(scale);
        for (std::int64_t i = 0; i < block_bytes; ++i) {
            auto const two = std::to_integer<std::size_t>(block[i]);
            to[2 * i] = values[two & 15] * power;
            to[2 * i + 1] = values[two >> 4] * power;
        }
        block += block_bytes;
        to += block_values;
    }
}

}  // namespace gatesweep::mxfp4
