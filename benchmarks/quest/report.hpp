// quest - what is shown on the terminal: progress, findings, and the closing table
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include "chapter.hpp"
#include "run_record.hpp"

namespace quest {

/// Prints as the run goes on, and keeps what was measured, also after an interruption.
class report {
public:
    report(run_record& into, bool on_terminal) : record_(into), on_terminal_(on_terminal) {}

    /// `expected`: what it will take; `all`: with those that follow.
    void begin(const chapter& which, seconds expected, seconds all) const;
    /// Redraws the line of the running chapter with the time left, on a terminal only.
    void progress(seconds elapsed, seconds expected) const;
    void end(const chapter& which, seconds took, chapter_result result);
    void print_table() const;

    bool on_terminal() const noexcept { return on_terminal_; }

private:
    void clear_line() const;

    run_record& record_;
    bool on_terminal_;
};

}  // namespace quest
