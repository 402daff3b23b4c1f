# One interface target that every target of ours links: warnings, sanitizers, debug information.
add_library(gatesweep_flags INTERFACE)
target_compile_options(gatesweep_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wnon-virtual-dtor;-Wno-unknown-pragmas;-g1>
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra;-lineinfo>)
# No fused multiply-add that the source does not spell: a result must not depend on what a compiler contracts.
target_compile_options(gatesweep_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off> $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false>)
if(GATESWEEP_WERROR)
  target_compile_options(gatesweep_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug" OR GATESWEEP_SANITIZE)
  target_compile_definitions(gatesweep_flags INTERFACE GATESWEEP_CONTRACTS=1 _GLIBCXX_ASSERTIONS)
endif()
if(GATESWEEP_SANITIZE)
  target_compile_options(gatesweep_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${GATESWEEP_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer;-g>)
  target_link_options(gatesweep_flags INTERFACE -fsanitize=${GATESWEEP_SANITIZE})
endif()
