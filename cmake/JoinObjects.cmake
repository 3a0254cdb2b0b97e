# arloss_join_objects(result NAME name KEEP pattern LIBRARIES library...): the objects of object libraries as one, whose only global
# symbols match the pattern: hidden ones clash in a static link like any others. Where that cannot be, the objects as they are:
# what a sanitizer or an optimizer at link time left, or where no linker is that can (GNU's, or LLVM's from 19).
function(arloss_join_objects result)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "NAME;KEEP" "LIBRARIES")
  list(TRANSFORM arg_LIBRARIES REPLACE ".+" "$<TARGET_OBJECTS:\\0>" OUTPUT_VARIABLE objects)
  set(${result} ${objects} PARENT_SCOPE)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" config)
  if(ARLOSS_SANITIZE OR CMAKE_INTERPROCEDURAL_OPTIMIZATION OR CMAKE_INTERPROCEDURAL_OPTIMIZATION_${config}
     OR "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${config}}" MATCHES "-flto" OR NOT CMAKE_OBJCOPY)
    return()
  endif()
  foreach(linker ${CMAKE_LINKER} ld.bfd)
    execute_process(COMMAND ${linker} --help OUTPUT_VARIABLE help ERROR_QUIET)
    # Without this a group of the joined object may be dropped for one of the consumer's, and what was made local in it with it.
    if(help MATCHES "--force-group-allocation")
      set(joined ${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}$<CONFIG>.o)
      add_custom_command(OUTPUT ${joined}
        COMMAND ${linker} -r --force-group-allocation -o ${joined} ${objects}
        COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=${arg_KEEP} ${joined}
        DEPENDS ${arg_LIBRARIES} ${objects}
        COMMAND_EXPAND_LISTS VERBATIM)
      set(${result} ${joined} PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()
