#include "logit_loops.h"

#include <limits>

#include "row_loops.h"
#include "vector_math.h"
#include "vector_widths.h"

namespace gatesweep::kernels {
namespace {

constexpr int lanes = 16;

// Sums are float64: a vocabulary has many small terms.
struct Sum {
    double lane[lanes] = {};

    [[gnu::always_inline]] void add(float const (&values)[lanes]) {
        for (int i = 0; i < lanes; ++i)
            lane[i] += static_cast<double>(values[i]);
    }
    [[gnu::always_inline]] double total() const {
        double sum = 0.0;
        for (double const value : lane)
            sum += value;
        return sum;
    }
};

// take(column, exponentials, how many of them)
template <class Take>
[[gnu::always_inline]] inline double exponentials(float const* z, float largest, std::int64_t n, Take const& take) {
    Sum sum;
    float e[lanes];
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane)
            e[lane] = exponential(z[i + lane] - largest);
        sum.add(e);
        take(i, e, lanes);
    }
    if (i < n) {
        for (int lane = 0; lane < lanes; ++lane)
            e[lane] = i + lane < n ? exponential(z[i + lane] - largest) : 0.0F;
        sum.add(e);
        take(i, e, static_cast<int>(n - i));
    }
    return sum.total();
}

}  // namespace

GATESWEEP_EACH_VECTOR_WIDTH float largest_of_row(float const* z, std::int64_t n) {
    float largest[lanes];
    for (float& value : largest)
        value = -std::numeric_limits<float>::infinity();
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int lane = 0; lane < lanes; ++lane)
            largest[lane] = z[i + lane] > largest[lane] ? z[i + lane] : largest[lane];
    }
    for (; i < n; ++i)
        largest[0] = z[i] > largest[0] ? z[i] : largest[0];
    float top = largest[0];
    for (float const value : largest)
        top = value > top ? value : top;
    return top;
}

GATESWEEP_EACH_VECTOR_WIDTH double sum_of_exponentials(float const* z, float largest, std::int64_t n) {
    return exponentials(z, largest, n, [](std::int64_t, float const*, int) __attribute__((always_inline)){});
}

GATESWEEP_EACH_VECTOR_WIDTH double exponentials_in_place(float* z, float largest, std::int64_t n) {
    return exponentials(
        z, largest, n, [z](std::int64_t at, float const* e, int count) __attribute__((always_inline)) {
            for (int lane = 0; lane < count; ++lane)
                z[at + lane] = e[lane];
        });
}

GATESWEEP_EACH_VECTOR_WIDTH void scale_in_place(float* z, float factor, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
        z[i] *= factor;
}

}  // namespace gatesweep::kernels
