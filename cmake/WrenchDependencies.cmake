# Third-party libraries, all from Debian packages (scripts/setup.sh installs them). Each becomes one
# target wrench_dep::<name>; a module names the ones it uses in wrench_module(THIRD_PARTY ...).

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(wrench_pkg_dependency name pkg)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${pkg})
  add_library(wrench_dep::${name} ALIAS PkgConfig::${name})
endfunction()

# From the package's archive instead of its shared object: whose functions call each other through tables that anybody
# may change, which costs a flush of the store 6 % of its time.
function(wrench_static_dependency name pkg)
  pkg_check_modules(${name} REQUIRED ${pkg})
  find_library(WRENCH_${name}_ARCHIVE NAMES lib${pkg}.a HINTS ${${name}_LIBRARY_DIRS} REQUIRED)
  add_library(wrench_dep::${name} STATIC IMPORTED)
  set_target_properties(wrench_dep::${name} PROPERTIES IMPORTED_LOCATION "${WRENCH_${name}_ARCHIVE}"
    INTERFACE_INCLUDE_DIRECTORIES "${${name}_INCLUDE_DIRS}")
  target_link_libraries(wrench_dep::${name} INTERFACE Threads::Threads m ${CMAKE_DL_LIBS})
endfunction()

wrench_static_dependency(sqlite sqlite3)
wrench_pkg_dependency(pq libpq)
wrench_pkg_dependency(openssl libcrypto)
wrench_pkg_dependency(sodium libsodium)
wrench_pkg_dependency(yaml yaml-0.1)
wrench_pkg_dependency(hyperscan libhs)
wrench_pkg_dependency(re2 re2)
wrench_pkg_dependency(pcre2 libpcre2-8)
wrench_pkg_dependency(zstd libzstd)

wrench_static_dependency(jemalloc jemalloc)
# For programs: an engine's flush allocates on one thread what another frees, which costs glibc's malloc a fifth of
# the whole. Sanitizers bring their own.
add_library(wrench_allocator INTERFACE)
if(NOT WRENCH_SANITIZE)
  target_link_libraries(wrench_allocator INTERFACE wrench_dep::jemalloc)
endif()

find_package(date REQUIRED)
add_library(wrench_dep::date ALIAS date::date-tz)

find_package(Boost 1.81 REQUIRED COMPONENTS json)
add_library(wrench_dep::boost_json ALIAS Boost::json)
add_library(wrench_dep::fmt INTERFACE IMPORTED)
target_compile_definitions(wrench_dep::fmt INTERFACE FMT_HEADER_ONLY=1)
add_library(wrench_dep::cli11 INTERFACE IMPORTED)

option(WRENCH_TESTS "Build the tests" ON)
if(WRENCH_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(benchmark QUIET)
if(NOT benchmark_FOUND)
  message(STATUS "Google Benchmark isn't installed: no benchmarks ('scripts/setup.sh test' installs it)")
endif()
