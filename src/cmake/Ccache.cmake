# ccache, where it is installed; the sloppiness lets it cache users of a precompiled header.
find_program(GATESWEEP_CCACHE ccache)
if(GATESWEEP_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${GATESWEEP_CCACHE}")
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
