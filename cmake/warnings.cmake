# Flags shared by everything that is compiled here.
add_library(dowel_flags INTERFACE)
target_compile_definitions(dowel_flags INTERFACE _GNU_SOURCE)
target_compile_options(dowel_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla
                       $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
                       # in C++ even arguments that are named, so that they can be left out
                       $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-field-initializers>
                       -fno-strict-aliasing -fstack-protector-strong)
if(DOWEL_WERROR)
    target_compile_options(dowel_flags INTERFACE -Werror)
endif()
if(DOWEL_SANITIZE)
    target_compile_options(dowel_flags INTERFACE -fsanitize=${DOWEL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(dowel_flags INTERFACE -fsanitize=${DOWEL_SANITIZE})
endif()
if(DOWEL_COVERAGE)
    target_compile_options(dowel_flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(dowel_flags INTERFACE --coverage)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo")
    target_compile_definitions(dowel_flags INTERFACE _FORTIFY_SOURCE=2)
    target_link_options(dowel_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
