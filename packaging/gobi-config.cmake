# find_package(gobi) gives the imported target gobi::gobi.
get_filename_component(_gobi_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET gobi::gobi)
  add_library(gobi::gobi SHARED IMPORTED)
  set_target_properties(gobi::gobi PROPERTIES
    IMPORTED_LOCATION "${_gobi_prefix}/lib/libgobi.so.1"
    IMPORTED_SONAME "libgobi.so.1"
    INTERFACE_INCLUDE_DIRECTORIES "${_gobi_prefix}/include")
endif()
unset(_gobi_prefix)
