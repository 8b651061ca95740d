#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wrench/app/exit_code.hpp"
#include "wrench/base/result.hpp"

namespace wrench::app {

enum class Style { Plain, Bold, Dim, Critical, High, Medium, Low, Good, Accent };

/// Standard streams with what is known of the terminal. stdout carries results, stderr progress and errors.
/// Text that isn't ours must pass `safe()` before it is written. One thread.
class Console {
 public:
  enum class Tristate { Auto, Always, Never };
  struct Options {
    Tristate color = Tristate::Auto;
    bool quiet = false;
    bool verbose = false;
  };

  explicit Console(const Options& options);

  /// Results don't go to standard output: what the terminal there can do doesn't count.
  void results_go_to_a_file();

  /// Result text. Buffered; `flush` writes. After a write error everything is dropped and `status` tells.
  void out(std::string_view text);
  /// Notes and errors, unbuffered; first takes the progress line away.
  void err(std::string_view text);
  /// "note: …" on stderr unless quiet.
  void note(std::string_view text);
  /// The error in the form of the CLI spec 3.14.
  void error(const Error& error);

  /// One line that replaces the one before, cut to the terminal's width; only on a terminal. Empty clears.
  void progress_line(std::string_view text);

  /// Done, ClosedPipe (stdout's reader has gone) or OperationFailed (write failed; message on stderr).
  ExitCode flush();

  bool stdout_is_terminal() const { return out_terminal_; }
  bool stderr_is_terminal() const { return err_terminal_; }
  bool unicode() const { return unicode_; }
  bool shows_color() const { return out_color_; }  ///< On standard output.
  bool quiet() const { return options_.quiet; }
  bool verbose() const { return options_.verbose; }
  std::size_t width() const { return width_; }

  /// `text` in the style when stdout shows colour, else as it is.
  std::string styled(Style style, std::string_view text) const { return paint(style, text, out_color_); }
  std::string styled_err(Style style, std::string_view text) const { return paint(style, text, err_color_); }
  /// Hostile text made inert: controls, bidi and zero-width characters become visible; one line.
  static std::string safe(std::string_view text);

 private:
  static std::string paint(Style style, std::string_view text, bool color);

  Options options_;
  bool out_terminal_, err_terminal_, out_color_, err_color_, unicode_;
  std::size_t width_, err_width_;
  std::string buffer_;
  bool progress_shown_ = false;
  ExitCode status_ = ExitCode::Done;
};

/// The machine form: {"schema":"wrench.error/1", …}.
std::string error_json(const Error& error, ExitCode code);

}  // namespace wrench::app
