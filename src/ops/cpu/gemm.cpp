#include "gemm.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "gemm_scratch.h"
#include "tasks.h"

namespace gatesweep::gemm {
namespace {

constexpr std::int64_t rows_per_piece = 512;  // packed at once; their sums lie in the second-level cache
constexpr std::int64_t depth_chunk = 512;     // so much of a block of rows stays in the first-level cache
constexpr std::int64_t panels_per_task = 8;   // so many panels are met by a block of rows while it is there
constexpr std::int64_t max_packed_bytes = std::int64_t{64} << 20;

std::int64_t divide_up(std::int64_t n, std::int64_t by) {
    return (n + by - 1) / by;
}

// Rows of one product that are packed together, in blocks of the kernel's size.
template <class T>
struct Piece {
    Product<T> const* product;
    std::int64_t first_row, rows;
    std::int64_t block_rows;     // of each block but the last
    std::int64_t packed_offset;  // bytes
    std::int64_t first_task = 0;

    std::int64_t num_blocks() const { return divide_up(rows, block_rows); }
    std::int64_t rows_of(std::int64_t block) const { return std::min(block_rows, rows - block * block_rows); }
};

template <class T>
class Wave {
public:
    explicit Wave(Kernel<T> const& kernel) : kernel_(kernel) {}

    bool full() const { return packed_bytes_ >= max_packed_bytes; }

    void add(Product<T> const& product, std::int64_t first_row, std::int64_t rows) {
        // Blocks of nearly equal size: a last block of few rows would be slow.
        std::int64_t const num_blocks = divide_up(rows, kernel_.max_rows);
        std::int64_t const block_rows = round_up(divide_up(rows, num_blocks), kernel_.row_multiple);
        Piece<T> piece{&product, first_row, rows, block_rows, packed_bytes_};
        packed_bytes_ += round_up(piece.num_blocks() * block_rows * depth_bytes(product), 64);
        num_panels_ += divide_up(product.columns(), panel_columns);
        work_ += rows * product.depth() * product.columns();
        pieces_.push_back(piece);
    }

    void run() {
        static thread_local Scratch packed;
        packed_ = packed.get<std::byte>(packed_bytes_);
        pack();
        // Few panels a task where there are few tasks: 4 for each thread even out.
        group_ = std::clamp<std::int64_t>(num_panels_ / (4 * at::get_num_threads()), 1, panels_per_task);
        std::int64_t num_tasks = 0;
        for (Piece<T>& piece : pieces_) {
            piece.first_task = num_tasks;
            num_tasks += divide_up(divide_up(piece.product->columns(), panel_columns), group_);
        }
        for_each_task(num_tasks, work_, [&](std::int64_t task) {
            auto const after = std::upper_bound(pieces_.begin(), pieces_.end(), task,
                                                [](std::int64_t t, Piece<T> const& p) { return t < p.first_task; });
            Piece<T> const& piece = *(after - 1);
            multiply_panels(piece, (task - piece.first_task) * group_);
        });
    }

private:
    // Of one packed row.
    std::int64_t depth_bytes(Product<T> const& product) const {
        return round_up(product.depth(), kernel_.depth_step) * kernel_.packed_size;
    }
    std::byte* packed_block(Piece<T> const& piece, std::int64_t block) const {
        return packed_ + piece.packed_offset + block * piece.block_rows * depth_bytes(*piece.product);
    }

    void pack() const {
        std::vector<std::pair<Piece<T> const*, std::int64_t>> blocks;
        std::int64_t num_elements = 0;
        for (Piece<T> const& piece : pieces_) {
            for (std::int64_t b = 0; b < piece.num_blocks(); ++b)
                blocks.emplace_back(&piece, b);
            num_elements += piece.rows * piece.product->depth();
        }
        for_each_task(static_cast<std::int64_t>(blocks.size()), num_elements, [&](std::int64_t i) {
            auto const& [piece, b] = blocks[static_cast<std::size_t>(i)];
            Product<T> const& p = *piece->product;
            kernel_.pack_rows(p.x + (piece->first_row + b * piece->block_rows) * p.x_stride, p.x_stride,
                              piece->rows_of(b), p.depth(), packed_block(*piece, b));
        });
    }

    void multiply_panels(Piece<T> const& piece, std::int64_t first_panel) const {
        Product<T> const& p = *piece.product;
        std::int64_t const num_panels = std::min(group_, divide_up(p.columns(), panel_columns) - first_panel);
        std::int64_t const num_blocks = piece.num_blocks(), block_sums = piece.block_rows * panel_columns;
        std::int64_t const depth = round_up(p.depth(), kernel_.depth_step);
        // A single block of rows meets each panel once: read it straight through.
        std::int64_t const chunk = num_blocks == 1 && p.side == Side::forward ? depth : depth_chunk;
        static thread_local Scratch sums_scratch, transposed_scratch;
        auto* const sums = sums_scratch.get<float>(num_panels * num_blocks * block_sums);
        auto* const transposed =
            p.side == Side::forward ? nullptr : transposed_scratch.get<T>(num_panels * depth_chunk * panel_columns);

        if (kernel_.enter) kernel_.enter();
        for (std::int64_t k = 0; k < depth; k += chunk) {
            std::int64_t const here = std::min(chunk, depth - k);
            for (std::int64_t i = 0; p.side == Side::transposed && i < num_panels; ++i) {
                kernel_.transpose_blocks(
                    p.weight.data + k / panel_columns * p.weight.panel_size() + (first_panel + i) * 32 * panel_columns,
                    p.weight.panel_size(), divide_up(here, panel_columns),
                    transposed + i * depth_chunk * panel_columns);
            }
            for (std::int64_t b = 0; b < num_blocks; ++b) {
                std::int64_t const rows = piece.rows_of(b);
                std::byte const* const packed =
                    packed_block(piece, b) + k * round_up(rows, kernel_.row_multiple) * kernel_.packed_size;
                for (std::int64_t i = 0; i < num_panels; ++i) {
                    T const* const panel =
                        p.side == Side::transposed
                            ? transposed + i * depth_chunk * panel_columns
                            : p.weight.data + (first_panel + i) * p.weight.panel_size() + k * panel_columns;
                    kernel_.multiply(packed, rows, panel, here, sums + (b * num_panels + i) * block_sums,
                                     k == 0 ? Start::zero : Start::resume);
                }
            }
        }
        if (kernel_.leave) kernel_.leave();

        for (std::int64_t b = 0; b < num_blocks; ++b) {
            for (std::int64_t i = 0; i < num_panels; ++i) {
                std::int64_t const column = (first_panel + i) * panel_columns;
                kernel_.store(sums + (b * num_panels + i) * block_sums, piece.rows_of(b),
                              std::min(panel_columns, p.columns() - column),
                              p.y + (piece.first_row + b * piece.block_rows) * p.y_stride + column, p.y_stride);
            }
        }
    }

    Kernel<T> const& kernel_;
    std::vector<Piece<T>> pieces_;
    std::byte* packed_ = nullptr;
    std::int64_t packed_bytes_ = 0, num_panels_ = 0, work_ = 0, group_ = 1;
};

}  // namespace

template <class T>
void multiply(std::span<Product<T> const> products) {
    Kernel<T> const& kernel = kernel_of<T>(active_kernels());
    std::optional<Wave<T>> wave(kernel);
    for (Product<T> const& product : products) {
        if (product.columns() == 0) continue;
        for (std::int64_t row = 0; row < product.rows; row += rows_per_piece) {
            wave->add(product, row, std::min(rows_per_piece, product.rows - row));
            if (!wave->full()) continue;
            wave->run();
            wave.emplace(kernel);
        }
    }
    wave->run();
}

template <class T>
void pack_weight(T const* weight, std::int64_t row_stride, std::int64_t outputs, std::int64_t inputs, T* panels) {
    Kernel<T> const& kernel = kernel_of<T>(active_kernels());
    std::int64_t const panel_size = Panels<T>{panels, outputs, inputs}.panel_size();
    for_each_task(divide_up(outputs, panel_columns), outputs * inputs, [&](std::int64_t panel) {
        std::int64_t const first = panel * panel_columns;
        kernel.pack_panel(weight + first * row_stride, row_stride, std::min(panel_columns, outputs - first), inputs,
                          panels + panel * panel_size);
    });
}

template void multiply(std::span<Product<float> const>);
template void multiply(std::span<Product<Bfloat16Bits> const>);
template void pack_weight(float const*, std::int64_t, std::int64_t, std::int64_t, float*);
template void pack_weight(Bfloat16Bits const*, std::int64_t, std::int64_t, std::int64_t, Bfloat16Bits*);

}  // namespace gatesweep::gemm
