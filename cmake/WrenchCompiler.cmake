# Compiler, warnings, sanitizers, linker. One interface target, wrench_build_options, carries them all.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR
    "GCC ${CMAKE_CXX_COMPILER_VERSION} destroys awaited temporaries twice (docs/adr/0002-clang-19.md). "
    "Use clang-19: run 'scripts/setup.sh' and configure with a preset, e.g. 'cmake --preset dev'.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_LINK_DEPENDS_NO_SHARED ON)

find_program(WRENCH_CCACHE ccache)
if(WRENCH_CCACHE)
  # Where the checkout lies doesn't matter to what is compiled, so clones and work trees share what one of them built.
  set(launcher /usr/bin/env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_IGNOREOPTIONS=-ffile-prefix-map=* "${WRENCH_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

set(WRENCH_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")
set(WRENCH_TEST_OPTIONS "" CACHE STRING "Compiler options of unit tests alone")
option(WRENCH_COVERAGE "Instrument for source-based coverage" OFF)
option(WRENCH_FUZZ "Build the libFuzzer targets" OFF)

add_library(wrench_build_options INTERFACE)
target_compile_options(wrench_build_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wimplicit-fallthrough -Wextra-semi -Werror
  -Wno-gnu-statement-expression -Wno-missing-field-initializers
  -Wno-deprecated-declarations  # libstdc++ 12: stable_sort calls the deprecated get_temporary_buffer
  -fno-omit-frame-pointer -fstack-protector-strong -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
if(WRENCH_SANITIZE)
  target_compile_options(wrench_build_options INTERFACE -fsanitize=${WRENCH_SANITIZE} -fno-sanitize-recover=all -U_FORTIFY_SOURCE)
  target_link_options(wrench_build_options INTERFACE -fsanitize=${WRENCH_SANITIZE})
endif()
if(WRENCH_COVERAGE)
  target_compile_options(wrench_build_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(wrench_build_options INTERFACE -fprofile-instr-generate)
endif()
if(WRENCH_FUZZ)
  target_compile_options(wrench_build_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(WRENCH_LLD NAMES ld.lld-19)
find_program(WRENCH_MOLD NAMES mold)
if(WRENCH_LLD)
  add_link_options(--ld-path=${WRENCH_LLD})
elseif(WRENCH_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
add_link_options(-Wl,--gc-sections -Wl,-z,relro,-z,now)
# A hash of what is linked, for build_id() and for debuggers.
add_link_options(-Wl,--build-id=sha1)
