// Matrix tiles of 16 x 16 sums. One instruction adds 32 products to each sum: denormals taken as zero, the two of a
// pair summed over the 16 pairs apart and then added.
#ifdef GATESWEEP_X86_KERNELS
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gemm_avx512.h"

namespace gatesweep::gemm {
namespace {

constexpr std::int64_t tile_rows = 16, tile_bytes = 1024;

// [depth / 32][rows / 16] tiles of [16 rows][32], zeros where there is neither row nor depth.
void pack_tiles(Bfloat16Bits const* x, std::int64_t row_stride, std::int64_t rows, std::int64_t depth, std::byte* to) {
    std::int64_t const padded = round_up(rows, tile_rows);
    for (std::int64_t k = 0; k < depth; k += 32) {
        std::int64_t const here = depth - k < 32 ? depth - k : 32;
        for (std::int64_t r = 0; r < padded; ++r, to += 64) {
            __m512i const row = r < rows
                                    ? _mm512_maskz_loadu_epi16(static_cast<__mmask32>((std::uint64_t{1} << here) - 1),
                                                               x + r * row_stride + k)
                                    : _mm512_setzero_si512();
            _mm512_storeu_si512(to, row);
        }
    }
}

struct TileConfig {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

alignas(64) constexpr TileConfig config;

void enter() {
    _tile_loadconfig(&config);
}

void leave() {
    _tile_release();
}

// Tiles 0-3 hold sums, 4 and 5 rows, 6 and 7 weights.
void multiply_16(std::byte const* rows, Bfloat16Bits const* panel, std::int64_t depth, float* sums, Start start) {
    if (start == Start::zero) {
        _tile_zero(0);
        _tile_zero(1);
    } else {
        _tile_loadd(0, sums, 128);
        _tile_loadd(1, sums + 16, 128);
    }
    for (std::int64_t k = 0; k < depth; k += 32, rows += tile_bytes, panel += 32 * panel_columns) {
        _tile_loadd(4, rows, 64);
        _tile_loadd(6, panel, 128);
        _tile_loadd(7, panel + 32, 128);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
    }
    _tile_stored(0, sums, 128);
    _tile_stored(1, sums + 16, 128);
}

void multiply_32(std::byte const* rows, Bfloat16Bits const* panel, std::int64_t depth, float* sums, Start start) {
    float* const lower = sums + tile_rows * panel_columns;
    if (start == Start::zero) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, sums, 128);
        _tile_loadd(1, sums + 16, 128);
        _tile_loadd(2, lower, 128);
        _tile_loadd(3, lower + 16, 128);
    }
    for (std::int64_t k = 0; k < depth; k += 32, rows += 2 * tile_bytes, panel += 32 * panel_columns) {
        _tile_loadd(4, rows, 64);
        _tile_loadd(6, panel, 128);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, panel + 32, 128);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, rows + tile_bytes, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums, 128);
    _tile_stored(1, sums + 16, 128);
    _tile_stored(2, lower, 128);
    _tile_stored(3, lower + 16, 128);
}

void multiply(std::byte const* packed, std::int64_t rows, Bfloat16Bits const* panel, std::int64_t depth, float* sums,
              Start start) {
    (rows <= tile_rows ? multiply_16 : multiply_32)(packed, panel, depth, sums, start);
}

// The system saves tile registers only for processes that asked.
bool may_use_tiles() {
    constexpr long request_permission = 0x1023, tile_data = 18;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

bool runs_here() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned amx_bf16 = 1U << 22, amx_tile = 1U << 24;
    bool const known = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0;
    return known && (d & amx_bf16) != 0 && (d & amx_tile) != 0 && has_avx512() && may_use_tiles();
}

constexpr Kernel<Bfloat16Bits> tile_kernel{32,
                                           tile_rows,
                                           32,
                                           sizeof(Bfloat16Bits),
                                           pack_tiles,
                                           multiply,
                                           store_sums_512,
                                           pack_panel<Bfloat16Bits, Avx512Words>,
                                           transpose_blocks<Avx512Words>,
                                           enter,
                                           leave};

}  // namespace

Kernels const amx_kernels{"amx", runs_here, &float32_kernel<Avx512, Avx512Words, 14>, &tile_kernel};

}  // namespace gatesweep::gemm
#endif
