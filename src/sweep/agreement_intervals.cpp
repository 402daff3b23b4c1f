#include "agreement_intervals.h"

#include <algorithm>
#include <cmath>

namespace gatesweep {
namespace {

constexpr double z = 1.959963984540054;  // of 95 %

}  // namespace

Estimate wilson_share(std::int64_t count, std::int64_t total) {
    if (total == 0) return {};
    auto const n = static_cast<double>(total);
    double const share = static_cast<double>(count) / n;
    double const centre = (share + z * z / (2 * n)) / (1 + z * z / n);
    double const half = z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    return {share, count == 0 ? 0.0 : centre - half, count == total ? 1.0 : centre + half};
}

Estimate cohen_kappa(std::int64_t both, std::int64_t only_first, std::int64_t only_second, std::int64_t neither) {
    auto const n = static_cast<double>(both + only_first + only_second + neither);
    double const p[2][2] = {{static_cast<double>(both) / n, static_cast<double>(only_first) / n},
                            {static_cast<double>(only_second) / n, static_cast<double>(neither) / n}};
    double const first[2] = {p[0][0] + p[0][1], p[1][0] + p[1][1]};
    double const second[2] = {p[0][0] + p[1][0], p[0][1] + p[1][1]};
    double const observed = p[0][0] + p[1][1];
    double const expected = first[0] * second[0] + first[1] * second[1];
    if (!(expected < 1.0)) return {};  // also n = 0
    double const kappa = (observed - expected) / (1 - expected);
    double sum = 0.0;
    for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < 2; ++j) {
            double const weight =
                i == j ? 1 - (first[i] + second[j]) * (1 - kappa) : (second[i] + first[j]) * (1 - kappa);
            sum += p[i][j] * weight * weight;
        }
    }
    double const rest = kappa - expected * (1 - kappa);
    double const variance = (sum - rest * rest) / (n * (1 - expected) * (1 - expected));
    double const half = z * std::sqrt(std::max(variance, 0.0));
    return {kappa, std::max(kappa - half, -1.0), std::min(kappa + half, 1.0)};
}

}  // namespace gatesweep
