// quest - what is shown on the terminal: progress, findings, and the closing table
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>

#include "chapter.hpp"
#include "run_record.hpp"

namespace quest {

/// The columns that a line has which is drawn anew again and again; 0 where that cannot be done: standard
/// output is no terminal, or one that does not know how.
std::size_t progress_width();

/// Prints as the run goes on, and keeps what was measured, also after an interruption.
class report {
public:
    report(run_record& into, std::size_t width) : record_(into), width_(width) {}

    /// `expected`: what it will take; `all`: with those that follow.
    void begin(const chapter& which, seconds expected, seconds all) const;
    /// Redraws the line of the running chapter with the time left, on a terminal only.
    void progress(seconds elapsed, seconds expected) const;
    void end(const chapter& which, seconds took, chapter_result result);
    void print_table() const;

    bool on_terminal() const noexcept { return width_ != 0; }

private:
    void clear_line() const;

    run_record& record_;
    std::size_t width_;
};

}  // namespace quest
