// Rows in chunks of 16 bytes, the most that a thread loads or stores at once. Which thread takes which columns is the
// same whether a row begins at a multiple of 16 bytes or not, so addresses do not change the order of a sum.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <type_traits>

#include "warp.cuh"

namespace gatesweep::cuda {

inline constexpr int chunk_bytes = 16;
template <class T>
inline constexpr int chunk_size = chunk_bytes / static_cast<int>(sizeof(T));

template <class T>
struct alignas(chunk_bytes) Chunk {
    T values[chunk_size<T>];
};

template <class T>
__device__ inline float as_stored(float value) {
    return static_cast<float>(static_cast<T>(value));
}

// Columns [column, column + chunk_size) of a row, 0 past its end. kWhole: takes_chunks() of the rows.
template <bool kWhole, class T>
__device__ inline void load_chunk(T const* row, std::int64_t column, std::int64_t num_columns,
                                  float (&to)[chunk_size<T>]) {
    if constexpr (kWhole) {
        Chunk<T> const chunk = *reinterpret_cast<Chunk<T> const*>(row + column);
        for (int i = 0; i < chunk_size<T>; ++i)
            to[i] = static_cast<float>(chunk.values[i]);
    } else {
        for (int i = 0; i < chunk_size<T>; ++i)
            to[i] = column + i < num_columns ? static_cast<float>(row[column + i]) : 0.0F;
    }
}

template <bool kWhole, class T>
__device__ inline void store_chunk(float const (&from)[chunk_size<T>], T* row, std::int64_t column,
                                   std::int64_t num_columns) {
    if constexpr (kWhole) {
        Chunk<T> chunk;
        for (int i = 0; i < chunk_size<T>; ++i)
            chunk.values[i] = static_cast<T>(from[i]);
#ifdef __CUDA_ARCH__
        // An assignment is sometimes compiled into a store for each element.
        uint4 words;
        memcpy(&words, &chunk, sizeof words);
        __stwb(reinterpret_cast<uint4*>(row + column), words);
#else
        *reinterpret_cast<Chunk<T>*>(row + column) = chunk;
#endif
    } else {
        for (int i = 0; i < chunk_size<T>; ++i) {
            if (column + i < num_columns) row[column + i] = static_cast<T>(from[i]);
        }
    }
}

// Whether rows at these distances from `base` begin at multiples of 16 bytes; a row's length is one of the distances.
template <class T>
bool takes_chunks(T const* base, std::initializer_list<std::int64_t> distances) {
    for (std::int64_t distance : distances) {
        if (distance % chunk_size<T> != 0) return false;
    }
    return reinterpret_cast<std::uintptr_t>(base) % chunk_bytes == 0;
}

// body(std::true_type or std::false_type)
template <class Body>
void for_whole(bool whole, Body const& body) {
    if (whole) {
        body(std::true_type());
    } else {
        body(std::false_type());
    }
}

inline constexpr int row_threads = 256, row_warps = row_threads / warp_size;

// Blocks of row_threads, a chunk a thread, by rows: a grid has at most 65535 of them in y, so a block takes every
// gridDim.y-th row.
inline dim3 chunk_grid(std::int64_t num_chunks, std::int64_t num_rows, std::int64_t threads = row_threads) {
    constexpr std::int64_t most_in_y = 65535;
    return dim3(static_cast<unsigned>((num_chunks + threads - 1) / threads),
                static_cast<unsigned>(num_rows < most_in_y ? num_rows : most_in_y));
}

// Sum over a block of row_threads, its warps in their order: every thread has the same bits. A kernel uses `scratch`
// once.
template <class T>
__device__ inline T block_sum(T value, T (&scratch)[row_warps]) {
    T const of_warp = warp_sum(value);
    if (threadIdx.x % warp_size == 0) scratch[threadIdx.x / warp_size] = of_warp;
    __syncthreads();
    T sum = 0;
    for (int warp = 0; warp < row_warps; ++warp)
        sum += scratch[warp];
    return sum;
}

}  // namespace gatesweep::cuda
