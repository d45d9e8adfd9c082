// quest - what is shown: progress, findings, and the closing table
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "chapter.hpp"

namespace quest {

/// Everything that was measured, in order; also after an interruption.
class report {
public:
    explicit report(bool on_terminal) : on_terminal_(on_terminal) {}

    void begin(const chapter& which, double scale);
    /// Redraws the line of the running chapter, on a terminal only.
    void progress(const chapter& which, seconds elapsed, seconds expected);
    void end(const chapter& which, chapter_result result);
    void print_table(double scale) const;

    bool on_terminal() const noexcept { return on_terminal_; }
    bool all_checks_hold() const noexcept { return failures_ == 0; }
    bool empty() const noexcept { return rows_.empty(); }

private:
    void clear_line() const;

    std::vector<std::pair<chapter, chapter_result>> rows_;
    std::size_t failures_ = 0;
    bool on_terminal_;
};

}  // namespace quest
