# DowelAssets.cmake - files as an array of dw_asset: cmake -DSYMBOL=dw_assets_ -DFOLDER=F -DLIST=paths.list -DOUT=x.c -P this
#
# Each file gets a NUL that its size does not count, so that a text can be read as one. An array of numbers, since a
# string literal may not be longer than 4095 characters.
cmake_minimum_required(VERSION 3.25)

file(STRINGS "${LIST}" paths)
set(arrays "")
set(entries "")
set(n 0)
foreach(path IN LISTS paths)
    file(READ "${FOLDER}/${path}" hex HEX)
    string(LENGTH "${hex}" size)
    math(EXPR size "${size} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}00")
    string(REPEAT "....." 20 line)
    string(REGEX REPLACE "(${line})" "\\1\n    " bytes "${bytes}")
    string(APPEND arrays "static const unsigned char asset_${n}[] = {\n    ${bytes}\n};\n")
    string(APPEND entries "    { \"${path}\", asset_${n}, ${size} },\n")
    math(EXPR n "${n} + 1")
endforeach()

set(declaration "") # of what dowel/plugin.h does not declare
if(NOT SYMBOL STREQUAL dw_assets_)
    set(declaration "extern const dw_asset ${SYMBOL}[];\n")
endif()

file(WRITE "${OUT}.new"
"/* Made by DowelAssets.cmake. */
#include <dowel/plugin.h>

${arrays}
${declaration}const dw_asset ${SYMBOL}[] = {
${entries}    { 0, 0, 0 },
};
")
file(RENAME "${OUT}.new" "${OUT}")
