// What an instruction set provides for products of rows with weights that were laid out once.
//
// Weights [out,in] stand in panels of 32 outputs, depth (the summed dimension) outermost, both dimensions filled up
// with zeros: float32 [in][32], bfloat16 [in/2][32][2], so that two neighbours of the depth lie together. All kernels
// read the same panels. Each output is one float32 sum over the depth in ascending order: neither the other rows of a
// block, nor where the depth is cut into chunks, nor threads can change its bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatesweep::gemm {

using Bfloat16Bits = std::uint16_t;

constexpr std::int64_t panel_columns = 32;
constexpr std::int64_t depth_multiple = 32;  // a panel's depth is a multiple of this

constexpr std::int64_t round_up(std::int64_t n, std::int64_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}

enum class Start { zero, resume };  // of sums

template <class T>
struct Kernel {
    std::int64_t max_rows;      // of a block
    std::int64_t row_multiple;  // blocks of packed rows and of sums are padded to this
    std::int64_t depth_step;    // the depth that multiply takes is padded to this
    std::int64_t packed_size;   // bytes of a packed element

    // rows [rows, depth] -> the kernel's own layout, depth outermost: each step of the depth takes
    // round_up(rows, row_multiple) * packed_size bytes. float32 is packed as [depth][rows] by all.
    void (*pack_rows)(T const* x, std::int64_t row_stride, std::int64_t rows, std::int64_t depth, std::byte* to);
    // sums [rows][32] (+)= packed rows x panel, over `depth` steps of both.
    void (*multiply)(std::byte const* packed, std::int64_t rows, T const* panel, std::int64_t depth, float* sums,
                     Start start);
    // sums [rows][32], rounded once, to y.
    void (*store)(float const* sums, std::int64_t rows, std::int64_t columns, T* y, std::int64_t row_stride);

    // Weights [columns <= 32, depth] -> one panel.
    void (*pack_panel)(T const* weight, std::int64_t row_stride, std::int64_t columns, std::int64_t depth, T* panel);
    // Blocks of 32 x 32 of `num_blocks` panels, each `panel_stride` elements after the one before, to one panel chunk
    // of the transposed weight: 32 steps of the depth a block.
    void (*transpose_blocks)(T const* first_block, std::int64_t panel_stride, std::int64_t num_blocks, T* to);

    void (*enter)();  // before a thread's first multiply, and after its last; may be null
    void (*leave)();
};

// One choice for all products of a process.
struct Kernels {
    char const* name;
    bool (*runs_here)();
    Kernel<float> const* float32;
    Kernel<Bfloat16Bits> const* bfloat16;
};

extern Kernels const portable_kernels;
#ifdef GATESWEEP_X86_KERNELS
extern Kernels const avx2_kernels;
extern Kernels const avx512_kernels;
extern Kernels const avx512_bf16_kernels;
extern Kernels const amx_kernels;
#endif

template <class T>
Kernel<T> const& kernel_of(Kernels const& kernels) {
    if constexpr (sizeof(T) == sizeof(float)) {
        return *kernels.float32;
    } else {
        return *kernels.bfloat16;
    }
}

// The process's kernels, chosen at the first call. See gatesweep/model/linear.h.
Kernels const& active_kernels();

}  // namespace gatesweep::gemm
