// tandem - what a call of the HTTP client ends with, as something to compare
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <tandem/core/task.hpp>
#include <tandem/http/error.hpp>

namespace tandem_test {

/// The code of the error that a call ends with; nothing if it gives a value.
template <class A>
tandem::task<std::optional<tandem::http::errc>> code_of(A call) {
    std::optional<tandem::http::errc> code;
    try {
        static_cast<void>(co_await std::move(call));
    } catch (const tandem::http::error& e) {
        code = e.code();
    }
    co_return code;
}

template <class A>
tandem::task<std::string> text_of(A call) {
    std::string text = "no error";
    try {
        static_cast<void>(co_await std::move(call));
    } catch (const std::exception& e) {
        text = e.what();
    }
    co_return text;
}

}  // namespace tandem_test
