# DowelPlugin.cmake - the two functions that a plugin's CMakeLists.txt needs.
#
#   dowel_add_plugin(NAME notes SOURCES notes.c [ASSETS file-or-folder...] [LIBRARIES library...])
#
# Builds notes.so, as the server wants it: one symbol, nothing left to be found at run time. What the plugin's folder has
# of api.yaml, migrations/*.sql, templates/ and locales/ travels inside of it, and so do ASSETS. Afterwards the server's own
# probe has a look (`dowel plugin verify`). The target is called NAME; `cmake --install` puts it where the server looks.
#
#   dowel_add_plugin_test(NAME notes_test SOURCES tests/notes_test.c [PLUGIN notes] [BESIDE plugin...]
#                         [LIBRARIES library...])
#
# A cmocka program and its ctest: the harness (dowel/harness.h) around the plugin, whose path is the text PLUGIN. The paths
# of plugins that it needs BESIDE it, which are built here too, are the texts of their names in capitals: GREETER. A plugin
# that is a custom target has its path in the target's property DOWEL_PLUGIN_FILE.
#
# Variables, all with a default:
#   DOWEL_VERIFY                    ON; OFF where the server's program cannot run (cross builds)
#   DOWEL_SANITIZE                  "address,undefined" or "thread": for the plugin and its tests
#   DOWEL_PLUGIN_DIR                where plugins are installed
#   DOWEL_PLUGIN_INSTALL            ON; OFF for plugins that are not for shipping
#   DOWEL_PLUGIN_OUTPUT_DIRECTORY   where plugins are built: the build folder

function(dowel_add_plugin)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" NAME "SOURCES;ASSETS;LIBRARIES")
    dowel_check_arguments_(dowel_add_plugin)
    dowel_check_name_(${arg_NAME})
    dowel_find_assets_(assets ${arg_ASSETS})
    dowel_embed_assets_(generated ${arg_NAME} dw_assets_ "${CMAKE_CURRENT_SOURCE_DIR}" ${assets})

    add_library(${arg_NAME} MODULE ${arg_SOURCES} ${generated})
    target_link_libraries(${arg_NAME} PRIVATE Dowel::SDK ${arg_LIBRARIES})
    set_target_properties(${arg_NAME} PROPERTIES
        PREFIX "" SUFFIX ".so" C_STANDARD 11 C_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
        LINK_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
    # A missing symbol has to stop the build, not the server at the first call.
    target_link_options(${arg_NAME} PRIVATE
        -Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map -Wl,-z,now,-z,relro,-z,nodelete)
    if(NOT (DOWEL_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES Clang)) # whose runtime is in the program that loads it
        target_link_options(${arg_NAME} PRIVATE -Wl,-z,defs)
    endif()
    if(DOWEL_PLUGIN_OUTPUT_DIRECTORY)
        set_target_properties(${arg_NAME} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${DOWEL_PLUGIN_OUTPUT_DIRECTORY}")
    endif()
    dowel_verify_(${arg_NAME})
    if(NOT DEFINED DOWEL_PLUGIN_INSTALL OR DOWEL_PLUGIN_INSTALL)
        install(TARGETS ${arg_NAME} LIBRARY DESTINATION ${DOWEL_PLUGIN_DIR})
    endif()
endfunction()

function(dowel_add_plugin_test)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;PLUGIN" "SOURCES;BESIDE;LIBRARIES")
    dowel_check_arguments_(dowel_add_plugin_test)
    if(NOT arg_PLUGIN)
        string(REGEX REPLACE "_test$" "" arg_PLUGIN ${arg_NAME})
    endif()
    foreach(plugin ${arg_PLUGIN} ${arg_BESIDE})
        if(NOT TARGET ${plugin})
            message(FATAL_ERROR "dowel_add_plugin_test: ${arg_NAME}: there is no plugin ${plugin}; name those that are with PLUGIN and BESIDE")
        endif()
    endforeach()
    if(NOT TARGET Dowel::Harness)
        message(STATUS "${arg_NAME} is left out: there is no harness here, or no cmocka (libcmocka-dev) for it")
        return()
    endif()
    add_executable(${arg_NAME} ${arg_SOURCES})
    add_dependencies(${arg_NAME} ${arg_PLUGIN} ${arg_BESIDE})
    dowel_define_path_(${arg_NAME} PLUGIN ${arg_PLUGIN})
    foreach(plugin ${arg_BESIDE})
        string(TOUPPER ${plugin} name)
        dowel_define_path_(${arg_NAME} ${name} ${plugin})
    endforeach()
    target_link_libraries(${arg_NAME} PRIVATE Dowel::Harness ${arg_LIBRARIES})
    set_target_properties(${arg_NAME} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON)
    add_test(NAME ${arg_NAME} COMMAND ${arg_NAME})
    set_tests_properties(${arg_NAME} PROPERTIES TIMEOUT 120)
endfunction()

# ---- parts ----

macro(dowel_check_arguments_ function)
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "${function}: what is '${arg_UNPARSED_ARGUMENTS}'?")
    endif()
    foreach(needed NAME SOURCES)
        if(NOT arg_${needed})
            message(FATAL_ERROR "${function} wants ${needed}")
        endif()
    endforeach()
endmacro()

# A plugin that another language's tools build is a custom target, which has to say where its file is.
function(dowel_define_path_ test name plugin)
    get_target_property(path ${plugin} DOWEL_PLUGIN_FILE)
    if(NOT path)
        set(path $<TARGET_FILE:${plugin}>)
    endif()
    target_compile_definitions(${test} PRIVATE ${name}="${path}")
endfunction()

# As the server has it: conf.d/core.yaml is its own, and two _ stand between plugin and item in variables.
function(dowel_check_name_ name)
    string(LENGTH "${name}" length)
    if(NOT name MATCHES "^[a-z][a-z0-9_]*$" OR name MATCHES "__" OR name STREQUAL core OR length GREATER 32)
        message(FATAL_ERROR "dowel_add_plugin: '${name}' is no name for a plugin: at most 32 small letters, digits and _, "
                            "a letter first, no two _ together, and not core")
    endif()
endfunction()

# The files that travel inside, below the plugin's folder.
function(dowel_find_assets_ out)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
        ${CMAKE_CURRENT_SOURCE_DIR}/templates/* ${CMAKE_CURRENT_SOURCE_DIR}/locales/*)
    file(GLOB top CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
        ${CMAKE_CURRENT_SOURCE_DIR}/api.yaml ${CMAKE_CURRENT_SOURCE_DIR}/migrations/*.sql)
    list(APPEND found ${top})
    foreach(asset ${ARGN})
        cmake_path(ABSOLUTE_PATH asset NORMALIZE OUTPUT_VARIABLE path)
        if(IS_DIRECTORY "${path}")
            file(GLOB_RECURSE inside CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} "${path}/*")
            list(APPEND found ${inside})
        else()
            cmake_path(RELATIVE_PATH path BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
            list(APPEND found ${path})
        endif()
    endforeach()
    foreach(path ${found})
        if(path MATCHES "[][;\"\\\\]")
            message(FATAL_ERROR "dowel_add_plugin: ${path}: no quotes, brackets, semicolons or backslashes in names, please")
        endif()
        if(path MATCHES "^\\.\\./")
            message(FATAL_ERROR "dowel_add_plugin: ${path} is not below the plugin's folder ${CMAKE_CURRENT_SOURCE_DIR}")
        endif()
    endforeach()
    list(SORT found)
    list(REMOVE_DUPLICATES found)
    set(${out} ${found} PARENT_SCOPE)
endfunction()

# A source file that defines the dw_asset array `symbol` with the files below `folder`; made again when one of them
# changes, or the list does.
function(dowel_embed_assets_ out name symbol folder)
    set(language c)
    if(NOT CMAKE_C_COMPILER)
        set(language cpp)
    endif()
    set(base ${CMAKE_CURRENT_BINARY_DIR}/${name}_assets)
    list(JOIN ARGN "\n" lines)
    file(GENERATE OUTPUT ${base}.list CONTENT "${lines}\n")
    list(TRANSFORM ARGN PREPEND "${folder}/")
    add_custom_command(OUTPUT ${base}.${language}
        COMMAND ${CMAKE_COMMAND} -DSYMBOL=${symbol} "-DFOLDER=${folder}" "-DLIST=${base}.list" "-DOUT=${base}.${language}"
                -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/DowelAssets.cmake
        DEPENDS ${ARGN} ${base}.list ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/DowelAssets.cmake
        COMMENT "Embedding the files of ${name}"
        VERBATIM)
    set(${out} ${base}.${language} PARENT_SCOPE)
endfunction()

# A plugin with a sanitizer needs a program that has it too: the harness's tests, not the installed server.
function(dowel_verify_ target)
    if(DEFINED DOWEL_VERIFY AND NOT DOWEL_VERIFY)
        return()
    endif()
    if(NOT TARGET Dowel::dowel OR DOWEL_SANITIZE OR (CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR))
        return()
    endif()
    add_custom_command(TARGET ${target} POST_BUILD COMMAND Dowel::dowel plugin verify $<TARGET_FILE:${target}> VERBATIM)
endfunction()
