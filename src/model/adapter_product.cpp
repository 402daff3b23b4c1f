#include "adapter_product.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <span>
#include <string>

#include "gatesweep/base/digest.h"

namespace gatesweep {
namespace {

struct Target {
    AdaptedMatrix matrix;
    Stride rows;
};

std::vector<Target> targets_of(WeightRole role) {
    switch (role) {
        case WeightRole::expert_gate:
            return {{AdaptedMatrix::w1, {}}};
        case WeightRole::expert_up:
            return {{AdaptedMatrix::w3, {}}};
        case WeightRole::expert_down:
            return {{AdaptedMatrix::w2, {}}};
        case WeightRole::expert_gate_up:
            return {{AdaptedMatrix::w1, {0, 2}}, {AdaptedMatrix::w3, {1, 2}}};
        case WeightRole::q_proj:
            return {{AdaptedMatrix::q_proj, {}}};
        case WeightRole::k_proj:
            return {{AdaptedMatrix::k_proj, {}}};
        case WeightRole::v_proj:
            return {{AdaptedMatrix::v_proj, {}}};
        case WeightRole::o_proj:
            return {{AdaptedMatrix::o_proj, {}}};
        default:
            return {};
    }
}

std::span<std::byte const> bytes_of(at::Tensor const& x) {
    return {static_cast<std::byte const*>(x.const_data_ptr()), x.nbytes()};
}

}  // namespace

AdapterProduct::AdapterProduct(Adapter const* adapter, WeightPlace const& place) {
    if (adapter == nullptr) return;
    for (auto const& [matrix, rows] : targets_of(place.role)) {
        AdapterPlace const adapted{place.layer, place.expert, matrix};
        auto const found = adapter->pairs.find(adapted);
        if (found == adapter->pairs.end()) continue;
        parts_.push_back({adapted, &found->second, adapter->scale_of(found->second), rows});
    }
}

void AdapterProduct::add_to_row(float* values, std::int64_t row, std::vector<double>& sum) const {
    for (Part const& part : parts_) {
        if (row < part.rows.first || (row - part.rows.first) % part.rows.step != 0) continue;
        std::int64_t const rank = part.pair->a.size(0), width = part.pair->a.size(1);
        float const* const a = part.pair->a.const_data_ptr<float>();
        float const* const b = part.pair->b.const_data_ptr<float>() + (row - part.rows.first) / part.rows.step * rank;
        sum.assign(static_cast<std::size_t>(width), 0.0);
        for (std::int64_t k = 0; k < rank; ++k) {
            double const factor = b[k];
            for (std::int64_t i = 0; i < width; ++i)
                sum[i] += factor * a[k * width + i];
        }
        for (std::int64_t i = 0; i < width; ++i)
            values[i] = static_cast<float>(values[i] + part.scale * sum[i]);
    }
}

void AdapterProduct::add_to(at::Tensor const& rows, std::int64_t first_row) const {
    float* const values = rows.data_ptr<float>();
    std::int64_t const width = rows.size(1);
    constexpr std::int64_t rows_of_a_thread = 16;
    at::parallel_for(0, rows.size(0), rows_of_a_thread, [&](std::int64_t first, std::int64_t last) {
        std::vector<double> sum;
        for (std::int64_t row = first; row < last; ++row)
            add_to_row(values + row * width, first_row + row, sum);
    });
}

std::uint64_t AdapterProduct::digest() const {
    std::uint64_t digest = 0;
    for (Part const& part : parts_) {
        FastDigest pair;
        pair.add(fmt::format("adapter {} {} {} {} {:016x}", part.place.layer, part.place.expert,
                             static_cast<int>(part.place.matrix), part.pair->a.size(0),
                             std::bit_cast<std::uint64_t>(part.scale)));
        pair.add(bytes_of(part.pair->a)).add(bytes_of(part.pair->b));
        digest += std::stoull(pair.hex().substr(0, 16), nullptr, 16);
    }
    return digest;
}

}  // namespace gatesweep
