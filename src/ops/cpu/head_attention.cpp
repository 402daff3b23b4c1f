#include "head_attention.h"

#include <cstring>

namespace gatesweep::kernels {
namespace {

using gemm::panel_columns;
using gemm::round_up;
using gemm::Start;

std::int64_t panels_of(std::int64_t n) {
    return (n + panel_columns - 1) / panel_columns;
}

}  // namespace

void HeadPanels::pack_across(float const* rows, std::int64_t n, std::int64_t d) {
    panel_size_ = round_up(d, gemm::depth_multiple) * panel_columns;
    data_ = scratch_.get<float>(panels_of(n) * panel_size_);
    gemm::Kernel<float> const& kernel = gemm::kernel_of<float>(gemm::active_kernels());
    for (std::int64_t i = 0; i < n; i += panel_columns)
        kernel.pack_panel(rows + i * d, d, std::min(panel_columns, n - i), d, data_ + i / panel_columns * panel_size_);
}

// Rows to the next multiple of 32 are zeros: probabilities past the last key are, too.
void HeadPanels::pack_along(float const* rows, std::int64_t n, std::int64_t d) {
    std::int64_t const depth = round_up(n, panel_columns);
    panel_size_ = depth * panel_columns;
    data_ = scratch_.get<float>(panels_of(d) * panel_size_);
    for (std::int64_t c = 0; c < d; c += panel_columns) {
        float* const to = data_ + c / panel_columns * panel_size_;
        auto const here = static_cast<std::size_t>(std::min(panel_columns, d - c));
        if (here < panel_columns || n < depth)
            std::memset(to, 0, static_cast<std::size_t>(panel_size_) * sizeof(float));
        for (std::int64_t i = 0; i < n; ++i)
            std::memcpy(to + i * panel_columns, rows + i * d + c, here * sizeof(float));
    }
}

void HeadAttention::set_keys(float const* keys, float const* values, std::int64_t n, std::int64_t d) {
    kernel_ = &gemm::kernel_of<float>(gemm::active_kernels());
    d_ = d;
    keys_.pack_across(keys, n, d);
    values_.pack_along(values, n, d);
}

void HeadAttention::attend(float const* queries, std::int64_t rows, Visible const& visible, Scores const& rule,
                           float* out) {
    std::int64_t const first_panel = visible.first(0) / panel_columns,
                       end_panel = visible.last(rows - 1) / panel_columns + 1;
    std::int64_t const num_panels = end_panel - first_panel, block = rows * panel_columns;
    auto* const scores = scores_.get<float>(num_panels * block);
    auto* const packed = packed_.get<float>(rows * std::max(round_up(d_, panel_columns), num_panels * panel_columns));
    auto* const packed_bytes = reinterpret_cast<std::byte*>(packed);

    kernel_->pack_rows(queries, d_, rows, d_, packed_bytes);
    for (std::int64_t i = 0; i < num_panels; ++i)
        kernel_->multiply(packed_bytes, rows, keys_.panel(first_panel + i), d_, scores + i * block, Start::zero);
    for (std::int64_t r = 0; r < rows; ++r)
        softmax_blocks(scores + r * panel_columns, block, num_panels, first_panel * panel_columns, visible.first(r),
                       visible.last(r), rule.scale, rule.sink(r));

    for (std::int64_t i = 0; i < num_panels; ++i)
        kernel_->pack_rows(scores + i * block, panel_columns, rows, panel_columns,
                           reinterpret_cast<std::byte*>(packed + i * block));
    auto* const sums = sums_.get<float>(block);
    for (std::int64_t c = 0; c < d_; c += panel_columns) {
        float const* const panel = values_.panel(c / panel_columns) + first_panel * panel_columns * panel_columns;
        kernel_->multiply(packed_bytes, rows, panel, num_panels * panel_columns, sums, Start::zero);
        kernel_->store(sums, rows, std::min(panel_columns, d_ - c), out + c, d_);
    }
}

}  // namespace gatesweep::kernels
