#!/usr/bin/env python3
"""The house's own checks must be able to fail: each rule is broken once in a scratch tree."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


class Scratch(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="wrench-house-")
        self.addCleanup(holder.cleanup)
        self.root = holder.name

    def write(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def run_words(self, *words):
        done = subprocess.run(words, cwd=self.root, capture_output=True, text=True, check=False)
        return done.returncode, " ".join((done.stdout + done.stderr).split())


class Layers(Scratch):
    def configure(self, *modules):
        body = "\n".join(f'file(MAKE_DIRECTORY "${{CMAKE_SOURCE_DIR}}/src/{name}")' for name, _ in modules)
        for name, declaration in modules:
            self.write(f"src/{name}/CMakeLists.txt", declaration)
            self.write(f"src/{name}/include/wrench/{name}/x.hpp", "#pragma once\n")
            body += f"\nadd_subdirectory(src/{name})"
        self.write("CMakeLists.txt", f"""cmake_minimum_required(VERSION 3.25)
project(scratch LANGUAGES NONE)
include("{ROOT}/cmake/WrenchModule.cmake")
{body}
wrench_write_module_table()
""")
        return self.run_words("cmake", "-G", "Ninja", "-S", ".", "-B", "build")

    def test_a_lower_layer_is_accepted(self):
        code, text = self.configure(("low", "wrench_module(NAME low LAYER 0)"), ("high", "wrench_module(NAME high LAYER 1 DEPS low)"))
        self.assertEqual(code, 0, text)
        with open(os.path.join(self.root, "build/modules.txt"), encoding="utf-8") as table:
            self.assertEqual(table.read(), "low|0|src/low||\nhigh|1|src/high|low|\n")

    def test_the_same_layer_is_refused(self):
        code, text = self.configure(("a", "wrench_module(NAME a LAYER 1)"), ("b", "wrench_module(NAME b LAYER 1 DEPS a)"))
        self.assertNotEqual(code, 0)
        self.assertIn("module b (layer 1) may not depend on a (layer 1)", text)

    def test_a_higher_layer_is_refused(self):
        code, text = self.configure(("a", "wrench_module(NAME a LAYER 2)"), ("b", "wrench_module(NAME b LAYER 1 DEPS a)"))
        self.assertNotEqual(code, 0)
        self.assertIn("may not depend on a (layer 2)", text)

    def test_an_undeclared_module_is_refused(self):
        code, text = self.configure(("a", "wrench_module(NAME a LAYER 2 DEPS ghost)"))
        self.assertNotEqual(code, 0)
        self.assertIn("depends on ghost, which isn't declared before it", text)

    def test_an_unknown_argument_is_refused(self):
        code, text = self.configure(("a", "wrench_module(NAME a LAYER 0 DEPENDS b)"))
        self.assertNotEqual(code, 0)
        self.assertIn("unknown arguments", text)


class Includes(Scratch):
    def check(self, text, path="src/mid/src/x.cpp", third=""):
        self.write("modules.txt", f"low|0|src/low||\nother|0|src/other||\nmid|1|src/mid|low|{third}\n")
        self.write("src/low/include/wrench/low/a.hpp", "#pragma once\n#include <string>\n")
        self.write("src/low/src/private.hpp", "#pragma once\n")
        self.write("src/mid/src/near.hpp", "#pragma once\n")
        self.write(path, text)
        return self.run_words(sys.executable, os.path.join(ROOT, "scripts/check_includes.py"), ".", "--source-dir", ".")

    def refused(self, why, *args, **options):
        code, text = self.check(*args, **options)
        self.assertNotEqual(code, 0)
        self.assertIn(why, text)

    def accepted(self, *args, **options):
        code, text = self.check(*args, **options)
        self.assertEqual(code, 0, text)

    def test_declared_and_own_headers_are_accepted(self):
        self.accepted('#include "wrench/low/a.hpp"\n#include "near.hpp"\n#include <vector>\n#include <unistd.h>\n')

    def test_an_undeclared_module_is_refused(self):
        self.refused("src/mid/src/x.cpp:2: \"wrench/other/b.hpp\": module mid doesn't declare other", '\n#include "wrench/other/b.hpp"\n')

    def test_another_modules_inside_is_refused(self):
        self.refused("reaches outside of the module", '#include "../../low/src/private.hpp"\n')

    def test_undeclared_third_party_code_is_refused(self):
        self.refused("needs THIRD_PARTY fmt", "#include <fmt/format.h>\n")
        self.accepted("#include <fmt/format.h>\n", third="fmt")

    def test_third_party_code_of_other_modules_is_refused(self):
        self.refused("module mid may not use sqlite", "#include <sqlite3.h>\n", third="sqlite")

    def test_third_party_code_in_a_public_header_is_refused(self):
        self.refused("third-party code in a public header", "#pragma once\n#include <fmt/core.h>\n",
                     path="src/mid/include/wrench/mid/y.hpp", third="fmt")

    def test_test_frameworks_stay_in_tests(self):
        self.refused("belongs in *_test files only", "#include <gtest/gtest.h>\n")
        os.remove(os.path.join(self.root, "src/mid/src/x.cpp"))
        self.accepted("#include <gtest/gtest.h>\n", path="src/mid/src/x_test.cpp")

    def test_an_unknown_header_is_refused(self):
        self.refused("is unknown", "#include <curl/curl.h>\n")

    def test_includes_inside_raw_strings_are_text(self):
        self.accepted('const char* text = R"(\n#include <curl/curl.h>\n)";\n')


class Tree(Scratch):
    def check(self, path, text):
        self.run_words("git", "init", "-q")
        self.write(path, text)
        return self.run_words(sys.executable, os.path.join(ROOT, "scripts/check_tree.py"), self.root)

    def test_a_plain_tree_is_clean(self):
        self.assertEqual(self.check("a/b.txt", "text\n")[0], 0)

    def test_paths_of_the_checkout_are_refused(self):
        code, text = self.check("a.txt", f"see {self.root}/a.txt\n")
        self.assertNotEqual(code, 0)
        self.assertIn("a.txt: holds the absolute path of a checkout", text)

    def test_home_folders_are_refused(self):
        self.assertNotEqual(self.check("a.txt", "cd /home/" + "someone/x\n")[0], 0)

    def test_lock_files_pin_no_host(self):
        self.assertNotEqual(self.check("package-lock.json", '{"resolved": "https://example.org/x.tgz"}')[0], 0)

    def test_npmrc_names_no_registry(self):
        self.assertNotEqual(self.check(".npmrc", "registry=https://example.org/\n")[0], 0)


class Setup(unittest.TestCase):
    def setup_sh(self, *words):
        return subprocess.run([os.path.join(ROOT, "scripts/setup.sh"), *words], capture_output=True, text=True, check=False)

    def test_levels_grow(self):
        lists = [{line.split()[0] for line in self.setup_sh("--list", level).stdout.splitlines()} for level in ("build", "test", "dev")]
        self.assertTrue(lists[0] < lists[1] < lists[2])
        self.assertIn("clang-19", lists[0])

    def test_an_unknown_level_is_named(self):
        done = self.setup_sh("everything")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown level 'everything'", done.stderr)


if __name__ == "__main__":
    unittest.main()
