#include "gatesweep/ops/grouped_bias.h"

namespace gatesweep {

void add_grouped_bias(at::Tensor const& rows, std::vector<std::int64_t> const& offsets, at::Tensor const& bias) {
    if (!bias.defined()) return;
    for (std::size_t x = 0; x + 1 < offsets.size(); ++x)
        rows.slice(0, offsets[x], offsets[x + 1]).add_(bias[static_cast<std::int64_t>(x)]);
}

void add_grouped_bias(at::Tensor const& rows, at::Tensor const& offsets, at::Tensor const& bias) {
    if (!bias.defined()) return;
    at::Tensor const row = at::arange(rows.size(0), offsets.options());
    at::Tensor const expert = at::searchsorted(offsets.slice(0, 1).contiguous(), row, false, true);
    rows.add_(bias.index_select(0, expert.clamp_max(bias.size(0) - 1)));
}

}  // namespace gatesweep
