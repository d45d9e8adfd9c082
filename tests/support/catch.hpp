// tandem - the only file that knows Catch2 2 from Catch2 3
// SPDX-License-Identifier: BSL-1.0
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

#include <string>
namespace Catch {
inline auto Contains(const std::string& text) { return Matchers::ContainsSubstring(text); }  // as 2 calls it
}  // namespace Catch
#else
#ifndef CATCH_CONFIG_ENABLE_BENCHMARKING
#define CATCH_CONFIG_ENABLE_BENCHMARKING
#endif
#include <catch2/catch.hpp>
#endif
