# One instruction set a file, chosen at run time. Nothing inline may escape from these files (src/ops/cpu/gemm_layout.h), so
# they are compiled without the precompiled header, and optimised in debug builds too. GCC 12 takes operands
# that its own intrinsics leave undefined for mistakes of ours, hence no such warning.
set(_kernels portable)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  list(APPEND _kernels avx2 avx512 avx512_bf16 amx)
  set(_avx512 -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma -mprefer-vector-width=512)
  set(_flags_avx2 -mavx2 -mfma)
  set(_flags_avx512 ${_avx512})
  set(_flags_avx512_bf16 ${_avx512} -mavx512bf16)
  set(_flags_amx ${_avx512} -mamx-tile -mamx-bf16)
  set_property(SOURCE ops/cpu/gemm_choice.cpp APPEND PROPERTY COMPILE_DEFINITIONS GATESWEEP_X86_KERNELS)
endif()
foreach(_kernel IN LISTS _kernels)
  set_source_files_properties(ops/cpu/gemm_${_kernel}.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON
    COMPILE_OPTIONS "-O3;-Wno-uninitialized;-Wno-maybe-uninitialized;${_flags_${_kernel}}" COMPILE_DEFINITIONS GATESWEEP_X86_KERNELS)
endforeach()
# A comparison of floats is only vectorised when nobody looks at floating-point exceptions.
set(_loops -O3 -fno-trapping-math -fno-math-errno)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
  list(APPEND _loops -mprefer-vector-width=512)
endif()
set_source_files_properties(ops/cpu/swiglu_rows.cpp ops/cpu/clamped_gate_rows.cpp ops/cpu/softmax_blocks.cpp
  ops/cpu/row_loops.cpp ops/cpu/logit_loops.cpp ops/cpu/layer_norm_rows.cpp
  PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS "${_loops}")
