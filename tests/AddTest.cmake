# gatesweep_add_test(name SOURCES a.cpp ... LINK layer ... [RANKS 1 2 4] [LABELS ...] [TIMEOUT seconds])
#
# One binary; without RANKS a plain GoogleTest with its own main. With RANKS it is linked with mpi_main.cpp and
# registered once per rank count as name.1, name.2, ... under mpirun; ranks beyond the cores yield while they wait.
function(gatesweep_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LINK;RANKS;LABELS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>) # what is tested and timed is the libraries
  if(GATESWEEP_SANITIZE) # what is to be watched is the libraries; the programs compile four times faster so
    target_compile_options(${name} PRIVATE -O0 -g1 -Wno-invalid-pch)
    math(EXPR arg_TIMEOUT "4 * ${arg_TIMEOUT}")
  endif()
  list(TRANSFORM arg_LINK PREPEND gatesweep_)
  target_link_libraries(${name} PRIVATE ${arg_LINK} gatesweep_flags GTest::gtest)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/src")
  target_compile_definitions(${name} PRIVATE GATESWEEP_GOLDEN_DIR="${GATESWEEP_GOLDEN_DIR}"
    GATESWEEP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  if(NOT arg_RANKS)
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
    return()
  endif()
  target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/mpi_main.cpp")
  target_link_libraries(${name} PRIVATE gatesweep_comm)
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME ${name}.${ranks} COMMAND "${MPIEXEC_EXECUTABLE}" --oversubscribe --bind-to none -n ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.${ranks} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS};ranks_${ranks}"
      PROCESSORS ${ranks}
      ENVIRONMENT "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_mpi_yield_when_idle=1;OMP_WAIT_POLICY=passive")
  endforeach()
endfunction()
