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

// Softmax of scores in place. They stand in blocks of 32 keys from key `first_key` on, each block `stride` after the
// one before; keys outside [first, last] get 0.
void softmax_blocks(float* scores, std::int64_t stride, std::int64_t num_blocks, std::int64_t first_key,
                    std::int64_t first, std::int64_t last, float scale);
// ds = p * (dp - sum of p * dp) * scale, into dp.
void softmax_backward_blocks(float const* p, float* dp, std::int64_t stride, std::int64_t num_blocks, float scale);

class HeadAttention {
public:
    std::int64_t max_rows() const { return kernel_->max_rows; }

    // Keys and values [n,d] of the head to come.
    void set_keys(float const* keys, float const* values, std::int64_t n, std::int64_t d);

    // out [rows,d] of queries [rows,d]; rows at most max_rows().
    void attend(float const* queries, std::int64_t rows, Visible const& visible, float scale, float* out);

private:
    gemm::Kernel<float> const* kernel_ = &gemm::kernel_of<float>(gemm::active_kernels());
    HeadPanels keys_, values_;
    gemm::Scratch packed_, scores_, sums_;
    std::int64_t d_ = 0;
};

// Gradients of one head of keys, over the heads of queries that share it.
class HeadAttentionGradient {
public:
    void set_keys(float const* keys, float const* values, std::int64_t n, std::int64_t d);
    // One head of queries [n,d]: d_queries [n,d] from d_out [n,d]; the keys' and values' gradients grow.
    void add_head(float const* queries, float const* d_out, std::optional<std::int64_t> window, float scale,
                  float* d_queries);
    void take(float* d_keys, float* d_values) const;  // [n,d]

private:
    struct QueryBlock;
    void probabilities(QueryBlock const& block);
    void query_gradients(QueryBlock const& block, float* d_queries);
    // sums [d,n] += x^T [d,rows] * weights [rows,n]
    void add_transposed(float const* x, QueryBlock const& block, float const* weights, float* sums);
    void take_transposed(float const* sums, float* rows) const;
    std::int64_t num_panels() const { return (n_ + gemm::panel_columns - 1) / gemm::panel_columns; }

    gemm::Kernel<float> const* kernel_ = &gemm::kernel_of<float>(gemm::active_kernels());
    HeadPanels key_rows_, key_columns_, value_rows_;
    gemm::Scratch packed_, p_scratch_, dp_scratch_, sums_, dk_scratch_, dv_scratch_;
    float *p_ = nullptr, *dp_ = nullptr, *dk_ = nullptr, *dv_ = nullptr;
    std::int64_t n_ = 0, d_ = 0;
};

}  // namespace gatesweep::kernels
