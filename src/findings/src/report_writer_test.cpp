#include "wrench/findings/report_writer.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "sample_report.hpp"

namespace wrench::findings {
namespace {

TEST(Sample, IsWrittenOnDemand) {
  // WRENCH_SAMPLE_DIR=<folder>: writes the sample in every format, to look at.
  const char* folder = std::getenv("WRENCH_SAMPLE_DIR");
  if (folder == nullptr) return;
  for (const std::string_view format : format_names()) {
    StringSink sink;
    ASSERT_TRUE(write_report(*parse_format(format), testing::sample_report(), testing::sample_sources(), sink).ok());
    std::ofstream(std::string(folder) + "/sample." + std::string(format)) << sink.text;
  }
}

}  // namespace
}  // namespace wrench::findings
