# arloss_plant_error(target SOURCE header NAMESPACE namespace NAME name [FROM text TO text])
#
# A copy of a header of the project with one error in it, "planted/NAME.h" for `target`: FROM, which the header must have, is
# TO; without them it is the header as it is. What it declares in `namespace` is in namespace::NAME, so that several copies go
# into one source file. For tests that show that an error is found.
function(arloss_plant_error target)
  cmake_parse_arguments(PARSE_ARGV 1 planted "" "SOURCE;NAMESPACE;NAME;FROM;TO" "")
  set(header ${PROJECT_SOURCE_DIR}/${planted_SOURCE})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
  file(READ ${header} text)
  if(DEFINED planted_FROM)
    string(FIND "${text}" "${planted_FROM}" place)
    if(place EQUAL -1)
      message(FATAL_ERROR "${planted_SOURCE} does not have '${planted_FROM}', which an error is to take the place of")
    endif()
    string(REPLACE "${planted_FROM}" "${planted_TO}" text "${text}")
  endif()
  string(REGEX MATCH "#ifndef ([A-Z_]+)" guard "${text}")
  string(REPLACE "${CMAKE_MATCH_1}" "${CMAKE_MATCH_1}_${planted_NAME}" text "${text}")
  string(REPLACE "namespace ${planted_NAMESPACE} {" "namespace ${planted_NAMESPACE}::${planted_NAME} {" text "${text}")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/planted/${planted_NAME}.h CONTENT "${text}" @ONLY)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
