#include "gatesweep/ops/outer_sum.h"

#include "ops/cpu/tasks.h"

namespace gatesweep {

at::Tensor outer_sum(at::Tensor const& left, at::Tensor const& right) {
    at::Tensor const l = left.to(at::kDouble).t().contiguous(), r = right.to(at::kDouble).contiguous();
    if (!l.is_cpu()) return l.mm(r);
    std::int64_t const m = l.size(0), n = l.size(1), k = r.size(1);
    at::Tensor sums = at::zeros({m, k}, at::kDouble);
    auto const *from_left = l.const_data_ptr<double>(), *from_right = r.const_data_ptr<double>();
    auto* to = sums.data_ptr<double>();
    constexpr std::int64_t columns = 256;  // of a task: they stay in the first cache over all rows
    std::int64_t const blocks = (k + columns - 1) / columns;
    for_each_task(m * blocks, m * k * n, [&](std::int64_t task) {
        std::int64_t const row = task / blocks, first = task % blocks * columns, last = std::min(k, first + columns);
        for (std::int64_t i = 0; i < n; ++i) {
            double const factor = from_left[row * n + i];
            for (std::int64_t c = first; c < last; ++c)
                to[row * k + c] += factor * from_right[i * k + c];
        }
    });
    return sums;
}

}  // namespace gatesweep
