# Everything gatesweep is built from, found once. Debian package names stand in jobs/setup.sh.
set(MPI_CXX_SKIP_MPICXX ON) # without the deprecated C++ bindings libmpi alone is enough
find_package(Threads REQUIRED)
find_package(MPI REQUIRED COMPONENTS CXX)

if(GATESWEEP_WITH_CUDA)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real) # CMake 3.25 only sees it if it is set before enable_language
  endif()
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION) # CMake 3.25 does not know that nvcc has it
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  find_package(LibTorch 2.8 REQUIRED COMPONENTS CUDA)
else()
  find_package(LibTorch 2.8 REQUIRED)
endif()

find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Boost 1.74 REQUIRED COMPONENTS serialization)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sentencepiece REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
find_path(UTFCPP_INCLUDE_DIR utf8.h PATH_SUFFIXES utf8cpp)
if(NOT UTFCPP_INCLUDE_DIR)
  message(FATAL_ERROR "utf8.h of utfcpp is missing: install libutfcpp-dev, or name its folder in UTFCPP_INCLUDE_DIR")
endif()
