# Finds libtorch without find_package(Torch), whose CPU wheel asks for a CUDA toolkit and a Python.
#
# Where it looks: LIBTORCH_ROOT (cache or environment), Torch_DIR, CMAKE_PREFIX_PATH, the wheel that jobs/setup.sh
# puts into build/libtorch (with --cuda: build/libtorch-cuda), system paths. A root may be a site-packages folder, the torch package or an unpacked zip.
# Component CUDA adds c10_cuda, torch_cuda and the NCCL that torch_cuda itself loads.
# Targets: LibTorch::torch (what the rest links), with CUDA also LibTorch::nccl. Variable: LibTorch_VERSION.

set(LIBTORCH_ROOT "$ENV{LIBTORCH_ROOT}" CACHE PATH "site-packages, torch package or unpacked libtorch")
string(REPLACE ":" ";" _environment_prefixes "$ENV{CMAKE_PREFIX_PATH}")
set(_hints "")
set(_fetched "${CMAKE_SOURCE_DIR}/build/libtorch")
if("CUDA" IN_LIST LibTorch_FIND_COMPONENTS)
  set(_fetched "${CMAKE_SOURCE_DIR}/build/libtorch-cuda")
endif()
foreach(_root "${LIBTORCH_ROOT}" "$ENV{LIBTORCH_ROOT}" ${CMAKE_PREFIX_PATH} ${_environment_prefixes} "${_fetched}")
  if(_root)
    list(APPEND _hints "${_root}/torch" "${_root}")
  endif()
endforeach()
foreach(_config "$ENV{Torch_DIR}" "${Torch_DIR}") # <torch>/share/cmake/Torch
  if(_config)
    get_filename_component(_torch_package "${_config}/../../.." ABSOLUTE)
    list(PREPEND _hints "${_torch_package}")
  endif()
endforeach()

find_path(LibTorch_INCLUDE_DIR ATen/ATen.h HINTS ${_hints} PATH_SUFFIXES include)
find_library(LibTorch_c10_LIBRARY c10 HINTS ${_hints} PATH_SUFFIXES lib)
find_library(LibTorch_torch_cpu_LIBRARY torch_cpu HINTS ${_hints} PATH_SUFFIXES lib)

unset(LibTorch_VERSION)
foreach(_header torch/headeronly/version.h torch/csrc/api/include/torch/version.h torch/version.h)
  if(NOT LibTorch_VERSION AND EXISTS "${LibTorch_INCLUDE_DIR}/${_header}")
    file(STRINGS "${LibTorch_INCLUDE_DIR}/${_header}" _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
    string(REGEX REPLACE "[^0-9;]*([0-9]+)" "\\1" _numbers "${_lines}")
    list(JOIN _numbers "." LibTorch_VERSION)
  endif()
endforeach()

set(_required LibTorch_INCLUDE_DIR LibTorch_c10_LIBRARY LibTorch_torch_cpu_LIBRARY)
if("CUDA" IN_LIST LibTorch_FIND_COMPONENTS)
  find_package(CUDAToolkit REQUIRED)
  get_filename_component(_lib_dir "${LibTorch_torch_cpu_LIBRARY}" DIRECTORY)
  find_library(LibTorch_c10_cuda_LIBRARY c10_cuda HINTS ${_lib_dir})
  find_library(LibTorch_torch_cuda_LIBRARY torch_cuda HINTS ${_lib_dir})
  # The NCCL that torch_cuda itself loads: a wheel's own, which has no unversioned name, or the site's. Another copy would
  # be a second NCCL in the process.
  find_library(LibTorch_nccl_LIBRARY NAMES libnccl.so.2 nccl
    HINTS "${_lib_dir}/../../nvidia/nccl/lib" "${_lib_dir}" "${CUDAToolkit_LIBRARY_DIR}")
  find_path(LibTorch_nccl_INCLUDE_DIR nccl.h HINTS "${_lib_dir}/../../nvidia/nccl/include" ${CUDAToolkit_INCLUDE_DIRS})
  list(APPEND _required LibTorch_c10_cuda_LIBRARY LibTorch_torch_cuda_LIBRARY LibTorch_nccl_LIBRARY LibTorch_nccl_INCLUDE_DIR)
  set(LibTorch_CUDA_FOUND TRUE)
  foreach(_part c10_cuda_LIBRARY torch_cuda_LIBRARY nccl_LIBRARY nccl_INCLUDE_DIR)
    if(NOT LibTorch_${_part})
      set(LibTorch_CUDA_FOUND FALSE)
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS ${_required} VERSION_VAR LibTorch_VERSION HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "run jobs/setup.sh (with --cuda for the preset cuda), or name a libtorch >= 2.8 with -DLIBTORCH_ROOT, Torch_DIR or CMAKE_PREFIX_PATH")
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_c10_LIBRARY LibTorch_torch_cpu_LIBRARY)

if(LibTorch_FOUND AND NOT TARGET LibTorch::torch)
  function(_libtorch_import name file)
    add_library(LibTorch::${name} SHARED IMPORTED)
    set_target_properties(LibTorch::${name} PROPERTIES IMPORTED_LOCATION "${file}"
      INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  endfunction()
  _libtorch_import(c10 "${LibTorch_c10_LIBRARY}")
  _libtorch_import(torch_cpu "${LibTorch_torch_cpu_LIBRARY}")
  add_library(LibTorch::torch INTERFACE IMPORTED)
  # ATen's headers run at::parallel_for on one thread in sources compiled without OpenMP.
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  set(_link LibTorch::torch_cpu LibTorch::c10 OpenMP::OpenMP_CXX)
  if(LibTorch_CUDA_FOUND)
    _libtorch_import(c10_cuda "${LibTorch_c10_cuda_LIBRARY}")
    _libtorch_import(torch_cuda "${LibTorch_torch_cuda_LIBRARY}")
    _libtorch_import(nccl "${LibTorch_nccl_LIBRARY}")
    set_target_properties(LibTorch::nccl PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_nccl_INCLUDE_DIR}")
    # What torch_cuda needs in turn lies beside it in a wheel; the linker looks there only when told.
    file(GLOB _neighbours LIST_DIRECTORIES true "${_lib_dir}/../../nvidia/*/lib")
    list(TRANSFORM _neighbours PREPEND "-Wl,-rpath-link,")
    list(APPEND _link ${_neighbours})
    # torch_cuda registers its kernels from static initialisers, so it must survive a linker that drops unused libraries.
    list(APPEND _link "-Wl,--push-state,--no-as-needed;LibTorch::torch_cuda;-Wl,--pop-state" LibTorch::c10_cuda
      LibTorch::nccl CUDA::cudart)
  endif()
  set_target_properties(LibTorch::torch PROPERTIES INTERFACE_LINK_LIBRARIES "${_link}")
endif()
