#pragma once

// One copy of a loop for each vector width; the loader takes what the processor has. Arithmetic is elementwise and
// never contracted (src/cmake/Warnings.cmake), so that the copies agree in every bit.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define GATESWEEP_EACH_VECTOR_WIDTH __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define GATESWEEP_EACH_VECTOR_WIDTH
#endif
