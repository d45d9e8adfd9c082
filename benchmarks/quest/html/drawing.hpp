// quest - an SVG picture whose horizontal axis is time
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../chapter_result.hpp"

#include <string>
#include <string_view>

namespace quest::html {

/// A picture that grows downwards. All that is drawn shares one time axis; units are pixels at full width.
class drawing {
public:
    /// `until` is the right end of the axis.
    explicit drawing(seconds until);

    /// A line of text; `strong` for titles.
    void heading(std::string_view left, std::string_view right);
    /// A row of `height`: its label stands left of it, in as many lines as it needs, and what follows is
    /// drawn into it.
    void row(std::string_view label, double height);
    void gap(double height) { bottom_ += height; }

    /// A stretch of the current row, with its style class and a text that shows when pointed at.
    void bar(seconds begin, seconds end, std::string_view style, std::string_view hint,
             std::string_view text = {});
    /// Words in the current row, to the right of `at`.
    void note(seconds at, std::string_view text);
    /// A stretch of the current row with no height of its own: the background of an overlap.
    void shade(seconds begin, seconds end);
    /// A line through the points, each value holding until the next; `top` is the value at the row's top.
    void steps(const std::vector<std::pair<seconds, double>>& points, seconds until, double top);
    /// A horizontal dashed line in the current row.
    void level(double value, double top, std::string_view text);
    /// Where the next vertical line begins: here, below room for its text if it has any.
    void begin_mark(bool with_text);
    /// A vertical dashed line from there to where the picture has grown.
    void mark(seconds at, std::string_view text = {});
    void axis();

    /// The finished <svg> element; `description` is read to those who cannot see it.
    std::string svg(std::string_view description) const;

private:
    double x(seconds at) const;

    seconds until_;
    double top_ = 0;     // of the current row
    double height_ = 0;  // of the current row
    double bottom_ = 0;
    double mark_ = 0;  // where the vertical line begins
    std::string body_;
};

}  // namespace quest::html
