#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace {

using Tokens = std::map<std::string, std::array<double, 3>>;

// The custom colours of the first (light) or second (dark) :root block of the report's style.
Tokens tokens_of(const std::string& css, bool is_dark) {
  std::size_t at = css.find(":root");
  if (is_dark) at = css.find(":root", at + 1);
  const std::string block = css.substr(at, css.find('}', at) - at);
  Tokens tokens;
  for (std::size_t p = block.find("--"); p != std::string::npos; p = block.find("--", p + 2)) {
    const std::size_t colon = block.find(':', p);
    const std::size_t hash = block.find_first_not_of(' ', colon + 1);
    if (block[hash] != '#') continue;
    std::array<double, 3> linear{};
    for (std::size_t i = 0; i < 3; ++i) {
      const double c = std::stoi(block.substr(hash + 1 + 2 * i, 2), nullptr, 16) / 255.0;
      linear[i] = c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
    }
    tokens[block.substr(p + 2, colon - p - 2)] = linear;
  }
  return tokens;
}

// WCAG 2.2, "contrast ratio".
double contrast(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  const auto luminance = [](const std::array<double, 3>& c) { return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
  const double high = std::max(luminance(a), luminance(b)), low = std::min(luminance(a), luminance(b));
  return (high + 0.05) / (low + 0.05);
}

TEST(ReportStyle, EveryTextIsLegibleOnEverySurfaceItStandsOn) {
  std::ifstream file(WRENCH_SOURCE_DIR "/src/findings/assets/report.css");
  std::ostringstream css;
  css << file.rdbuf();
  ASSERT_FALSE(css.str().empty());
  for (const bool is_dark : {false, true}) {
    const Tokens t = tokens_of(css.str(), is_dark);
    const auto legible = [&](const std::string& text, const std::string& surface, double ratio) {
      ASSERT_TRUE(t.contains(text)) << text;
      ASSERT_TRUE(t.contains(surface)) << surface;
      EXPECT_GE(contrast(t.at(text), t.at(surface)), ratio)
          << text << " on " << surface << (is_dark ? ", dark" : ", light");
    };
    for (const std::string text : {"ink", "ink2", "accent", "high", "medium", "low", "info"}) {
      for (const std::string surface : {"paper", "sheet", "tint"}) legible(text, surface, 4.5);
    }
    for (const std::string surface : {"sunk", "mark", "add", "del"}) legible("ink", surface, 4.5);
    legible("ink2", "sunk", 4.5);
    legible("critical-letter", "critical-fill", 4.5);
    for (const std::string step : {"h1", "h2", "h3"}) legible("h-low-ink", step, 4.5);
    legible("h4-ink", "h4", 4.5);
    legible("h-top-ink", "h5", 4.5);
    for (const std::string surface : {"paper", "sheet", "tint"}) {
      legible("edge", surface == "tint" ? "sheet" : surface, 3);
      legible("focus", surface, 3);
    }
    for (const std::string series : {"s1", "s2", "s3", "s4", "s5", "s6"}) legible("sheet", series, 4.5);
  }
}

}  // namespace
