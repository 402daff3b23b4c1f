#include "fixed_rows.h"

#include <algorithm>

namespace gatesweep::fixed_rows {
namespace {

// Libraries also look at addresses: whether they can load wide words. A place where every row begins like a fresh
// tensor.
bool begins_like_a_fresh_tensor(at::Tensor const& x) {
    constexpr std::uintptr_t alignment = 256;
    auto const address = reinterpret_cast<std::uintptr_t>(x.const_data_ptr());
    return x.is_contiguous() && address % alignment == 0;
}

}  // namespace

void multiply(at::Tensor const& rows, at::Tensor const& matrix, at::Tensor to) {
    for (std::int64_t first = 0; first < rows.size(0); first += tile) {
        std::int64_t const end = std::min(first + tile, rows.size(0));
        at::Tensor const from = rows.slice(0, first, end);
        at::Tensor out = to.slice(0, first, end);
        if (end - first == tile && begins_like_a_fresh_tensor(from) && begins_like_a_fresh_tensor(out)) {
            at::mm_out(out, from, matrix);
            continue;
        }
        at::Tensor const filled = at::zeros({tile, rows.size(1)}, rows.options());
        filled.slice(0, 0, end - first).copy_(from);
        out.copy_(at::mm(filled, matrix).slice(0, 0, end - first));
    }
}

}  // namespace gatesweep::fixed_rows
