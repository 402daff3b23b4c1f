// Attention inside one head, float32, as products of the matrix kernels: a block of queries meets 32 keys at a time.
//
// Scores sum over the head dimension and outputs over the keys in ascending order, a softmax over 32 lanes by the key's
// position. So a query's bits depend on its own row and on the keys it sees: not on the block, nor on whether prefill
// or decoding computed it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "gemm_kernel.h"
#include "gemm_scratch.h"
#include "softmax_blocks.h"

namespace gatesweep::kernels {

// The first key that the query at position i sees.
inline std::int64_t first_visible(std::optional<std::int64_t> window, std::int64_t i) {
    return window ? std::max<std::int64_t>(0, i - *window + 1) : 0;
}

// What the queries of one block see: row r the keys [first(r), last(r)]. In prefill a row is the position after the one
// before it, in decoding all rows are heads of one position.
struct Visible {
    std::int64_t first_row_position = 0;
    std::int64_t step = 1;  // 1 or 0
    std::optional<std::int64_t> window;

    std::int64_t last(std::int64_t row) const { return first_row_position + step * row; }
    std::int64_t first(std::int64_t row) const { return first_visible(window, last(row)); }
};

// What becomes of the products of one block of queries before their softmax.
struct Scores {
    float scale = 1.0F;
    float const* sinks = nullptr;  // of the rows' heads (softmax_blocks.h); null: there are none
    std::int64_t step = 0;         // from a row's sink to the next row's: 0 where all rows are one head's

    float sink(std::int64_t row) const { return sinks ? sinks[step * row] : no_sink; }
};

// Rows [n,d] of a head as the matrix kernels take weights. Reused from head to head.
class HeadPanels {
public:
    // For x [m,d] -> x rows^T [m,n].
    void pack_across(float const* rows, std::int64_t n, std::int64_t d);
    // For x [m,n] -> x rows [m,d].
    void pack_along(float const* rows, std::int64_t n, std::int64_t d);

    float const* panel(std::int64_t i) const { return data_ + i * panel_size_; }

private:
    gemm::Scratch scratch_;
    float* data_ = nullptr;
    std::int64_t panel_size_ = 0;
};

class HeadAttention {
public:
    std::int64_t max_rows() const { return kernel_->max_rows; }

    // Keys and values [n,d] of the head to come.
    void set_keys(float const* keys, float const* values, std::int64_t n, std::int64_t d);

    // out [rows,d] of queries [rows,d]; rows at most max_rows().
    void attend(float const* queries, std::int64_t rows, Visible const& visible, Scores const& rule, float* out);

private:
    gemm::Kernel<float> const* kernel_ = &gemm::kernel_of<float>(gemm::active_kernels());
    HeadPanels keys_, values_;
    gemm::Scratch packed_, scores_, sums_;
    std::int64_t d_ = 0;
};

}  // namespace gatesweep::kernels
