# GATESWEEP_GIT_REVISION: the commit, with a * when the tree had changes; "unknown" outside a checkout.
set(GATESWEEP_GIT_REVISION "unknown")
find_package(Git QUIET)
if(Git_FOUND AND EXISTS "${CMAKE_SOURCE_DIR}/.git")
  execute_process(COMMAND "${GIT_EXECUTABLE}" describe --always "--dirty=*" --abbrev=12 --exclude=*
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" OUTPUT_VARIABLE _revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(_revision)
    set(GATESWEEP_GIT_REVISION "${_revision}")
  endif()
endif()
