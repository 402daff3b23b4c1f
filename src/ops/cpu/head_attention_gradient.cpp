#include "head_attention_gradient.h"

#include <algorithm>

#include "head_attention.h"
#include "softmax_blocks.h"

namespace gatesweep::kernels {

using gemm::panel_columns;
using gemm::round_up;
using gemm::Start;

namespace {

constexpr std::int64_t kernel_blocks = 4;  // of rows, in one block of queries

}  // namespace

// Queries [first, first + rows) of a head. Probabilities stand in blocks of 32 keys [panel][rows][32]: one panel of a
// weight [keys, rows] each.
struct HeadAttentionGradient::QueryBlock {
    float const *queries, *d_out;
    std::int64_t first, rows;
    Visible visible;
    Scores rule;
    std::int64_t first_panel, num_panels;

    std::int64_t panel_size() const { return rows * panel_columns; }
};

void HeadAttentionGradient::set_keys(float const* keys, float const* values, std::int64_t n, std::int64_t d) {
    n_ = n;
    kernel_ = &gemm::kernel_of<float>(gemm::active_kernels());
    d_ = d;
    key_rows_.pack_across(keys, n, d);
    key_columns_.pack_along(keys, n, d);
    value_rows_.pack_across(values, n, d);
    // [d / max_rows][panel][max_rows][32]
    std::int64_t const size = round_up(d, kernel_->max_rows) * num_panels() * panel_columns;
    dk_ = dk_scratch_.get<float>(size);
    dv_ = dv_scratch_.get<float>(size);
    std::fill_n(dk_, size, 0.0F);
    std::fill_n(dv_, size, 0.0F);
}

void HeadAttentionGradient::add_head(float const* queries, float const* d_out, std::optional<std::int64_t> window,
                                     Scores const& rule, float* d_queries) {
    std::int64_t const most = kernel_blocks * kernel_->max_rows;
    for (std::int64_t i = 0; i < n_; i += most) {
        QueryBlock block{queries + i * d_, d_out + i * d_, i, std::min(most, n_ - i), {i, 1, window}, rule, 0, 0};
        block.first_panel = block.visible.first(0) / panel_columns;
        block.num_panels = block.visible.last(block.rows - 1) / panel_columns + 1 - block.first_panel;
        p_ = p_scratch_.get<float>(block.num_panels * block.panel_size());
        dp_ = dp_scratch_.get<float>(block.num_panels * block.panel_size());
        probabilities(block);
        query_gradients(block, d_queries + i * d_);
        add_transposed(block.queries, block, dp_, dk_);
        add_transposed(block.d_out, block, p_, dv_);
    }
}

// Probabilities, and the gradients of scores.
void HeadAttentionGradient::probabilities(QueryBlock const& block) {
    auto* const packed = packed_.get<std::byte>(kernel_->max_rows * round_up(d_, panel_columns) * kernel_->packed_size);
    for (std::int64_t b = 0; b < block.rows; b += kernel_->max_rows) {
        std::int64_t const rows = std::min(kernel_->max_rows, block.rows - b), at = b * panel_columns;
        kernel_->pack_rows(block.queries + b * d_, d_, rows, d_, packed);
        for (std::int64_t i = 0; i < block.num_panels; ++i)
            kernel_->multiply(packed, rows, key_rows_.panel(block.first_panel + i), d_,
                              p_ + i * block.panel_size() + at, Start::zero);
        kernel_->pack_rows(block.d_out + b * d_, d_, rows, d_, packed);
        for (std::int64_t i = 0; i < block.num_panels; ++i)
            kernel_->multiply(packed, rows, value_rows_.panel(block.first_panel + i), d_,
                              dp_ + i * block.panel_size() + at, Start::zero);
    }
    for (std::int64_t r = 0; r < block.rows; ++r) {
        softmax_blocks(p_ + r * panel_columns, block.panel_size(), block.num_panels, block.first_panel * panel_columns,
                       block.visible.first(r), block.visible.last(r), block.rule.scale, block.rule.sink(r));
        softmax_backward_blocks(p_ + r * panel_columns, dp_ + r * panel_columns, block.panel_size(), block.num_panels,
                                block.rule.scale);
    }
}

void HeadAttentionGradient::query_gradients(QueryBlock const& block, float* d_queries) {
    auto* const sums = sums_.get<float>(kernel_->max_rows * panel_columns);
    for (std::int64_t b = 0; b < block.rows; b += kernel_->max_rows) {
        std::int64_t const rows = std::min(kernel_->max_rows, block.rows - b), size = rows * panel_columns;
        auto* const packed = packed_.get<float>(block.num_panels * size);
        for (std::int64_t i = 0; i < block.num_panels; ++i) {
            kernel_->pack_rows(dp_ + i * block.panel_size() + b * panel_columns, panel_columns, rows, panel_columns,
                               reinterpret_cast<std::byte*>(packed + i * size));
        }
        for (std::int64_t c = 0; c < d_; c += panel_columns) {
            float const* const panel =
                key_columns_.panel(c / panel_columns) + block.first_panel * panel_columns * panel_columns;
            kernel_->multiply(reinterpret_cast<std::byte*>(packed), rows, panel, block.num_panels * panel_columns, sums,
                              Start::zero);
            kernel_->store(sums, rows, std::min(panel_columns, d_ - c), d_queries + b * d_ + c, d_);
        }
    }
}

void HeadAttentionGradient::add_transposed(float const* x, QueryBlock const& block, float const* weights, float* sums) {
    for (std::int64_t c = 0; c < d_; c += kernel_->max_rows) {
        std::int64_t const rows = std::min(kernel_->max_rows, d_ - c);
        auto* const packed = packed_.get<float>(block.rows * rows);  // [depth][rows], as float32 is packed
        for (std::int64_t i = 0; i < block.rows; ++i)
            std::copy_n(x + i * d_ + c, rows, packed + i * rows);
        for (std::int64_t i = 0; i < block.num_panels; ++i) {
            float* const to = sums + (c * num_panels() + (block.first_panel + i) * kernel_->max_rows) * panel_columns;
            kernel_->multiply(reinterpret_cast<std::byte*>(packed), rows, weights + i * block.panel_size(), block.rows,
                              to, Start::resume);
        }
    }
}

void HeadAttentionGradient::take(float* d_keys, float* d_values) const {
    take_transposed(dk_, d_keys);
    take_transposed(dv_, d_values);
}

void HeadAttentionGradient::take_transposed(float const* sums, float* rows) const {
    for (std::int64_t c = 0; c < d_; ++c) {
        std::int64_t const row = c % kernel_->max_rows;
        for (std::int64_t j = 0; j < n_; ++j) {
            std::int64_t const panel =
                ((c - row) * num_panels() + j / panel_columns * kernel_->max_rows + row) * panel_columns;
            rows[j * d_ + c] = sums[panel + j % panel_columns];
        }
    }
}

}  // namespace gatesweep::kernels
