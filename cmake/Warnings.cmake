# arloss_enable_warnings(target): the warnings every C and C++ source of the project is clean under.
function(arloss_enable_warnings target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wshadow;-Wconversion;-Wno-sign-conversion>")
endfunction()
