// tandem - reads responses in every way they can be cut: the result must be the same
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "http/response_reading.hpp"

namespace tandem_test {

/// In one piece, byte by byte, and split at every position: all must agree.
inline std::string result_of(std::string_view wire, bool head = false,
                             const http::limits& limits = http::limits()) {
    const std::string whole = read_in(wire, {}, head, limits);
    std::vector<std::size_t> every;
    for (std::size_t i = 1; i < wire.size(); ++i) every.push_back(i);
    CHECK(read_in(wire, every, head, limits) == whole);
    std::size_t differing = 0;
    const std::size_t stride = wire.size() < 4000 ? 1 : 997;
    for (std::size_t i = 1; i < wire.size(); i += stride) {
        if (read_in(wire, {i}, head, limits) != whole) ++differing;
    }
    CHECK(differing == 0);
    return whole;
}

inline const std::string protocol = "error the answer is not valid HTTP/1.1";
inline const std::string too_large = "error the headers are too large";
inline const std::string no_headers = "error the connection ended inside the headers";
inline const std::string no_body = "error the connection ended inside the body";
inline const std::string nothing = "error the server closed the connection without an answer";

}  // namespace tandem_test
