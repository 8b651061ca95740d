#include "wrench/code/manifest.hpp"

#include <gtest/gtest.h>

namespace wrench::code {
namespace {

using Texts = std::vector<std::string>;
using Mappings = std::vector<Manifest::Mapping>;

TEST(Manifest, IsKnownByItsName) {
  EXPECT_EQ(manifest_kind("go.mod"), ManifestKind::GoModule);
  EXPECT_EQ(manifest_kind("a/go.work"), ManifestKind::GoWorkspace);
  EXPECT_EQ(manifest_kind("a/package.json"), ManifestKind::ScriptPackage);
  EXPECT_EQ(manifest_kind("tsconfig.build.json"), ManifestKind::ScriptConfig);
  EXPECT_EQ(manifest_kind("jsconfig.json"), ManifestKind::ScriptConfig);
  EXPECT_EQ(manifest_kind("setup.cfg"), ManifestKind::PythonProject);
  EXPECT_EQ(manifest_kind("package-lock.json"), ManifestKind::None);
}

TEST(Manifest, GoModules) {
  const Manifest m =
      read_manifest(ManifestKind::GoModule,
                    "module \"example.com/a\" // the name\n\nrequire example.com/one v1.0.0\nrequire (\n"
                    "\texample.com/two v2.0.0 // indirect\n)\nexclude (\n\texample.com/not v1.0.0\n)\n"
                    "replace example.com/two v2.0.0 => ../two\nreplace example.com/x => example.com/y v1\n");
  EXPECT_EQ(m.name, "example.com/a");
  EXPECT_EQ(m.dependencies, (Texts{"example.com/one", "example.com/two"}));
  EXPECT_EQ(m.mappings, (Mappings{{"example.com/two", {"../two"}}}));
  EXPECT_EQ(read_manifest(ManifestKind::GoWorkspace, "go 1.22\nuse ./a\nuse (\n  ./b\n)\n").folders,
            (Texts{"./a", "./b"}));
}

TEST(Manifest, PackageJson) {
  const Manifest m = read_manifest(ManifestKind::ScriptPackage, R"({
    "name": "shop", "main": "dist/index.js", "bin": {"shop": "cli.js"},
    "exports": {".": {"import": {"types": "./dist/index.d.mts", "default": "./dist/index.mjs"}}, "./x/*": "./src/x/*.js"},
    "imports": {"#db": {"node": "pg", "default": "./db.js"}},
    "dependencies": {"a": "1"}, "peerDependencies": {"b": "2"}})");
  EXPECT_FALSE(m.broken);
  EXPECT_EQ(m.name, "shop");
  EXPECT_EQ(m.dependencies, (Texts{"a", "b"}));
  EXPECT_EQ(m.mappings, (Mappings{{".", {"./dist/index.d.mts", "./dist/index.mjs"}},
                                  {"./x/*", {"./src/x/*.js"}},
                                  {".", {"dist/index.js"}},
                                  {".", {"cli.js"}}}));
  EXPECT_EQ(m.private_mappings, (Mappings{{"#db", {"pg", "./db.js"}}}));
  EXPECT_EQ(read_manifest(ManifestKind::ScriptPackage, R"({"exports": "./a.js"})").mappings,
            (Mappings{{".", {"./a.js"}}}));
}

TEST(Manifest, ConfigurationsMayHoldCommentsAndLastCommas) {
  const Manifest m = read_manifest(ManifestKind::ScriptConfig, R"({
    // for editors, and "this" is no string
    "extends": ["./base.json", "@tsconfig/node20"], /* , */
    "compilerOptions": {"baseUrl": "./src", "paths": {"@/*": ["a//b/*", "c/*",],},},
  })");
  EXPECT_FALSE(m.broken);
  EXPECT_EQ(m.folders, (Texts{"./base.json", "@tsconfig/node20"}));
  EXPECT_EQ(m.base_url, "./src");
  EXPECT_EQ(m.mappings, (Mappings{{"@/*", {"a//b/*", "c/*"}}}));
}

TEST(Manifest, PythonProjects) {
  const auto read = [](std::string_view text) { return read_manifest(ManifestKind::PythonProject, text); };
  const Manifest built = read(
      "[project]\nname = 'a'  # [build-system]\n[build-system]\nrequires = [\n  \"x\",\n]\n"
      "[tool.setuptools.packages.find]\nwhere = [\n  \"src\",\n  'lib',\n]\n");
  EXPECT_TRUE(built.is_library);
  EXPECT_EQ(built.folders, (Texts{"src", "lib"}));
  EXPECT_FALSE(read("[project]\nname = \"a\"\n[tool.ruff]\nselect = [\"E\"]\n").is_library);
  EXPECT_FALSE(read("[tool.poetry]\npackage-mode = false\n[build-system]\nrequires = []\n").is_library);
  const Manifest old =
      read("[metadata]\nname = a\n[options]\npackage_dir =\n    = src\n[options.packages.find]\nwhere = src\n");
  EXPECT_TRUE(old.is_library);
  EXPECT_EQ(old.folders, (Texts{"src", "src"}));
  EXPECT_EQ(read("[tool.setuptools]\npackage-dir = {\"\" = \"python\"}\n").folders, (Texts{"python"}));
}

TEST(Manifest, BrokenOnesSayNothing) {
  EXPECT_TRUE(read_manifest(ManifestKind::ScriptPackage, "{\"name\": ").broken);
  EXPECT_TRUE(read_manifest(ManifestKind::ScriptPackage, "[]").broken);
  EXPECT_TRUE(read_manifest(ManifestKind::GoModule, std::string(kManifestBytesMax + 1, ' ')).broken);
  EXPECT_FALSE(read_manifest(ManifestKind::GoModule, std::string(kManifestBytesMax, ' ')).broken);
  std::string many = "{\"exports\": {";
  for (std::size_t i = 0; i < kMappingsMax + 5; ++i)
    many += (i == 0 ? "" : ",") + ("\"./" + std::to_string(i) + "\": \"./a.js\"");
  EXPECT_EQ(read_manifest(ManifestKind::ScriptPackage, many + "}}").mappings.size(), kMappingsMax);
  EXPECT_EQ(read_manifest(ManifestKind::PythonProject, "[\n]\n=\n[[a]\nx = [[[\n").folders, Texts{});
}

}  // namespace
}  // namespace wrench::code
