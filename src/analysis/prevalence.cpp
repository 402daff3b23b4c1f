#include "gatesweep/analysis/prevalence.h"

#include <algorithm>
#include <cmath>

namespace gatesweep {
namespace {

// A rate with `added` observations more, half of them positive, and its variance.
struct SmoothedRate {
    double rate = 0.0;
    double variance = 0.0;
};

SmoothedRate smoothed(double num_positive, double num, double added) {
    double const rate = (num_positive + added / 2.0) / (num + added);
    return {rate, rate * (1.0 - rate) / (num + added)};
}

double within_0_1(double value) {
    return std::clamp(value, 0.0, 1.0);
}

}  // namespace

std::optional<CorrectedRate> corrected_rate(std::int64_t num_positive, std::int64_t num, LabelCounts const& validation,
                                            double z) {
    auto const positives = static_cast<double>(validation.true_positive + validation.false_negative);
    auto const negatives = static_cast<double>(validation.true_negative + validation.false_positive);
    if (num == 0 || positives == 0.0 || negatives == 0.0) return std::nullopt;
    double const recall = static_cast<double>(validation.true_positive) / positives;
    double const specificity = static_cast<double>(validation.true_negative) / negatives;
    double const rate = static_cast<double>(num_positive) / static_cast<double>(num);

    SmoothedRate const observed = smoothed(static_cast<double>(num_positive), static_cast<double>(num), z * z);
    SmoothedRate const found = smoothed(static_cast<double>(validation.true_positive), positives, 2.0);
    SmoothedRate const left = smoothed(static_cast<double>(validation.true_negative), negatives, 2.0);
    double const gain = found.rate + left.rate - 1.0;  // over chance
    if (recall + specificity <= 1.0 || gain <= 0.0) return std::nullopt;

    double const centre = within_0_1((observed.rate + left.rate - 1.0) / gain);
    double const shift = 2.0 * z * z * (centre * found.variance - (1.0 - centre) * left.variance);
    double const error = std::sqrt(observed.variance + centre * centre * found.variance +
                                   (1.0 - centre) * (1.0 - centre) * left.variance) /
                         gain;
    CorrectedRate out;
    out.estimate = within_0_1((rate + specificity - 1.0) / (recall + specificity - 1.0));
    out.interval.low = std::min(within_0_1(centre + shift - z * error), out.estimate);
    out.interval.high = std::max(within_0_1(centre + shift + z * error), out.estimate);
    return out;
}

std::optional<CorrectedRate> corrected_rate(std::int64_t num_positive, std::int64_t num,
                                            std::int64_t num_positive_by_people, std::int64_t num_by_people,
                                            LabelCounts const& validation, double z) {
    if (num_by_people == 0) return corrected_rate(num_positive, num, validation, z);
    Rate const people = rate_of(num_positive_by_people, num_by_people, z);
    if (num == 0) return CorrectedRate{people.estimate, people.interval};
    auto const labeller = corrected_rate(num_positive, num, validation, z);
    if (!labeller) return std::nullopt;
    double const share = static_cast<double>(num_by_people) / static_cast<double>(num + num_by_people);
    auto const joined = [&](double of_people, double of_labeller) {
        return share * of_people + (1.0 - share) * of_labeller;
    };
    CorrectedRate out;
    out.estimate = joined(people.estimate, labeller->estimate);
    out.interval.low = out.estimate - std::hypot(share * (people.estimate - people.interval.low),
                                                 (1.0 - share) * (labeller->estimate - labeller->interval.low));
    out.interval.high = out.estimate + std::hypot(share * (people.interval.high - people.estimate),
                                                  (1.0 - share) * (labeller->interval.high - labeller->estimate));
    return out;
}

}  // namespace gatesweep
