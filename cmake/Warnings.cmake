# arloss_enable_warnings(target): the warnings every target of the project is clean under.
function(arloss_enable_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
endfunction()
